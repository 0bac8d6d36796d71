"""An append-only log whose records are chained by hashes, so that any later change of it shows."""

from lesionseg.core.audit.append import append_record
from lesionseg.core.audit.chain import AuditFault
from lesionseg.core.audit.head import head_path
from lesionseg.core.audit.key import AuditKey, read_key
from lesionseg.core.audit.record import AuditEvent, AuditRecord
from lesionseg.core.audit.recover import recover_log
from lesionseg.core.audit.verify import AuditReport, TornTail, read_log, verify_log

__all__ = [
    "AuditEvent",
    "AuditFault",
    "AuditKey",
    "AuditRecord",
    "AuditReport",
    "TornTail",
    "append_record",
    "head_path",
    "read_key",
    "read_log",
    "recover_log",
    "verify_log",
]
