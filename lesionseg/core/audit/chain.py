"""The chain of records: where it breaks first, and what was done to it there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lesionseg.core.audit.key import AuditKey
from lesionseg.core.audit.record import (
    NOTHING_BEFORE,
    OPENED,
    RECOVERED,
    AuditRecord,
    LineFault,
    parse_record,
)


@dataclass(frozen=True)
class AuditFault:
    """A line that is not as it was written.

    Attributes
    ----------
    line : int
        From 1; 0 for the head file.
    code : str
        ``changed``, ``cut-off``, ``removed``, ``repeated``, ``reordered``, ``replaced``, ``not-opened``,
        ``removed-at-end``, ``added-at-end``, ``forged``, ``other-key``, or one of the files':
        ``log-missing``, ``head-missing``, ``head-changed``, ``head-forged``.
    problem : str
    """

    line: int
    code: str
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}" if self.line else self.problem


@dataclass(frozen=True)
class Chain:
    """Records up to the first fault, and that fault."""

    records: tuple[AuditRecord, ...]
    fault: AuditFault | None


def check_chain(content: bytes, key: AuditKey | None) -> Chain:
    """Check each line by itself, its number, and that it names the hash of the line before.

    With a key every record must be signed with it.
    """
    *lines, rest = content.split(b"\n")
    good: list[AuditRecord] = []
    for line in lines:
        found = _checked(line, good, lines, key)
        if isinstance(found, AuditFault):
            return Chain(tuple(good), found)
        good.append(found)
    if rest:
        return Chain(
            tuple(good), AuditFault(len(good) + 1, "cut-off", "the line is not ended by a line feed")
        )
    return Chain(tuple(good), None)


def _checked(
    line: bytes, before: Sequence[AuditRecord], lines: Sequence[bytes], key: AuditKey | None
) -> AuditRecord | AuditFault:
    number = len(before) + 1
    try:
        record = parse_record(line)
    except LineFault as fault:
        return AuditFault(number, "changed", str(fault))
    if record.number != number:
        return AuditFault(number, *_out_of_order(record, before, lines))
    if record.previous != (before[-1].sha256 if before else NOTHING_BEFORE):
        words = "it does not follow the record before: one of the two was replaced"
        return AuditFault(number, "replaced", words)
    if number == 1 and record.kind not in (OPENED, RECOVERED):
        return AuditFault(1, "not-opened", "the first record is not that of the log's opening")
    if key is not None and not record.is_signed_with(key):
        return AuditFault(number, "forged", "the record was not signed with this key")
    return record


def _out_of_order(
    record: AuditRecord, before: Sequence[AuditRecord], lines: Sequence[bytes]
) -> tuple[str, str]:
    expected = len(before) + 1
    if any(record.sha256 == earlier.sha256 for earlier in before):
        return "repeated", f"record {record.number} stands here again"
    if any(later.number == expected for later in _records(lines[len(before) :])):
        return "reordered", f"record {record.number} stands before record {expected}"
    if record.number > expected:
        several = (
            f"records {expected} to {record.number - 1} are"
            if record.number > expected + 1
            else (f"record {expected} is")
        )
        return "removed", f"{several} missing before record {record.number}"
    return "replaced", f"record {record.number} stands where record {expected} belongs"


def _records(lines: Sequence[bytes]) -> Iterator[AuditRecord]:
    for line in lines:
        try:
            yield parse_record(line)
        except LineFault:
            continue
