"""What happens to each C-STORE: checked, stored, answered; and what is told of associations."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, Final

from pydicom.dataset import Dataset

from lesionseg.core.errors import OutputError
from lesionseg.pacs.listener.identity import read_identity, refuse_mismatch
from lesionseg.pacs.listener.pace import Brake, Tally
from lesionseg.pacs.listener.refusals import OUT_OF_RESOURCES, PROCESSING_FAILURE, SUCCESS, RefusedError
from lesionseg.pacs.listener.settings import Limits
from lesionseg.pacs.listener.store import ObjectStore, Stored
from lesionseg.pacs.settings import BYTES_PER_MB

Say = Callable[[str], None]
"""Takes one line for the person who runs the listener."""
_COMMENT_CHARACTERS: Final = 64
"""ErrorComment is LO, PS3.7 table E.1-2."""
_LONGEST_WAIT_SECONDS: Final = 20.0
"""Longer than this a sender would take the listener for dead."""


class Receiver:
    """Handles the events of the DICOM server; called from one thread for each association."""

    def __init__(
        self, store: ObjectStore, limits: Limits, say: Say, *, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._store = store
        self._limits = limits
        self._say = say
        self._sleep = sleep
        self._brake = Brake(limits.rate_mb_per_second * BYTES_PER_MB)
        self._tallies: weakref.WeakKeyDictionary[Any, Tally] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def handlers(self) -> list[tuple[Any, Callable[..., Any]]]:
        """Return the pairs of event and handler that pynetdicom takes."""
        from pynetdicom import evt

        return [
            (evt.EVT_C_STORE, self.on_store),
            (evt.EVT_C_ECHO, lambda _: SUCCESS),
            (evt.EVT_PDU_RECV, self.on_pdu),
            (evt.EVT_DIMSE_SENT, lambda event: self._tally(event.assoc).answered()),
            (evt.EVT_REQUESTED, prefer_offered_order),
            (evt.EVT_REJECTED, self.on_rejected),
        ]

    def on_pdu(self, event: Any) -> None:
        """Let each fragment through the association's tally."""
        items = getattr(event.pdu, "presentation_data_value_items", ())
        tally = self._tally(event.assoc)
        for item in items:
            item.presentation_data_value = tally.admit(item.presentation_data_value)
        if items and tally.is_abusive:
            self._say(f"{_caller(event.assoc)} floods the listener and was cut off")
            event.assoc.abort(block=False)

    def on_rejected(self, event: Any) -> None:
        """Tell who was refused."""
        request = event.assoc.requestor.primitive
        self._say(
            f"refused an association of {_caller(event.assoc)}"
            f" ({request.calling_ae_title!r} calling {request.called_ae_title!r})"
        )

    def on_store(self, event: Any) -> Dataset:
        """Store one object; success is answered when it is on disk, and not before."""
        try:
            self._receive(event)
        except RefusedError as refusal:
            return self._failure(event, refusal.status, refusal.reason)
        except OutputError as error:
            self._say(str(error))
            return self._failure(event, OUT_OF_RESOURCES, "it cannot be written to disk")
        except Exception as error:  # noqa: BLE001 - said, and answered as a failure
            return self._failure(event, PROCESSING_FAILURE, f"{type(error).__name__}: {error}")
        return _status(SUCCESS)

    def _receive(self, event: Any) -> None:
        tally, size_bytes = self._tally(event.assoc), len(event.request.DataSet.getbuffer())
        self._refuse_too_much(tally, size_bytes)
        tally.objects += 1
        tally.bytes += size_bytes
        content = event.encoded_dataset()
        identity = read_identity(content)
        request = event.request
        refuse_mismatch(
            identity,
            sop_class_uid=str(request.AffectedSOPClassUID),
            sop_instance_uid=str(request.AffectedSOPInstanceUID),
        )
        if self._store.store(content, identity, event.assoc.requestor.ae_title) is Stored.ASIDE:
            self._say(
                f"{identity.sop_instance_uid} came again with another content, which was kept aside"
                f" (from {_caller(event.assoc)})"
            )
        self._sleep(min(_LONGEST_WAIT_SECONDS, self._brake.wait_seconds(size_bytes)))

    def _refuse_too_much(self, tally: Tally, size_bytes: int) -> None:
        limits = self._limits
        if size_bytes > limits.object_bytes:
            raise RefusedError(OUT_OF_RESOURCES, f"larger than {limits.object_mb:g} MB")
        if tally.objects >= limits.association_objects:
            raise RefusedError(
                OUT_OF_RESOURCES, f"more than {limits.association_objects} objects in one association"
            )
        if tally.bytes + size_bytes > limits.association_bytes:
            raise RefusedError(OUT_OF_RESOURCES, f"more than {limits.association_mb:g} MB in one association")

    def _failure(self, event: Any, status: int, reason: str) -> Dataset:
        uid = event.request.AffectedSOPInstanceUID
        self._say(f"refused {uid} of {_caller(event.assoc)} with status {status:04X}: {reason}")
        return _status(status, reason)

    def _tally(self, association: Any) -> Tally:
        with self._lock:
            if association not in self._tallies:
                limits = self._limits
                self._tallies[association] = Tally(
                    object_bytes=limits.object_bytes, association_bytes=limits.association_bytes
                )
            return self._tallies[association]


def prefer_offered_order(event: Any) -> None:
    """Take of each context the transfer syntax that the sender names first, so that it need not convert."""
    acceptor = event.assoc.acceptor
    offered = event.assoc.requestor.primitive.presentation_context_definition_list
    for context in acceptor.supported_contexts:
        wanted = [
            syntax
            for one in offered
            if one.abstract_syntax == context.abstract_syntax
            for syntax in one.transfer_syntax
        ]
        known = context.transfer_syntax
        context.transfer_syntax = [one for one in dict.fromkeys(wanted) if one in known] or list(known)


def _status(code: int, comment: str = "") -> Dataset:
    dataset = Dataset()
    dataset.Status = code
    if comment:
        dataset.ErrorComment = comment.encode("ascii", "replace").decode()[:_COMMENT_CHARACTERS]
    return dataset


def _caller(association: Any) -> str:
    requestor = association.requestor
    return f"{requestor.ae_title or '?'} at {requestor.address}"
