"""Sending results back: one association, one object after the other, each with its own outcome."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lesionseg.pacs.listener.settings import Destination
from lesionseg.pacs.listener.tls import client_context


@dataclass(frozen=True)
class Outcome:
    """What became of one file.

    Attributes
    ----------
    path : Path
    is_stored : bool
        The destination said that it has it.
    detail : str
        Why not, or what it warned of.
    """

    path: Path
    is_stored: bool
    detail: str = ""


Outcomes = Generator[Outcome, None, None]
Send = Callable[[Sequence[Path]], Outcomes]
"""Sends files, yields an outcome for each as soon as it is known; raises nothing for the network's faults."""

_WARNINGS: Final = frozenset({0xB000, 0xB006, 0xB007})
"""The object is stored, with a remark (PS3.4 table B.2-1)."""


class StoreSender:
    """Sends by C-STORE.

    Parameters
    ----------
    destination : Destination
    calling : str
        Our own AE title.

    Raises
    ------
    ConfigurationError
        If a TLS file cannot be used.
    """

    def __init__(self, destination: Destination, calling: str) -> None:
        self._to = destination
        self._calling = calling
        self._tls = client_context(destination.tls) if destination.tls is not None else None

    def __call__(self, paths: Sequence[Path]) -> Outcomes:
        """Send the files in one association; one that breaks off leaves the rest for the next time."""
        from pydicom.filereader import read_file_meta_info

        kinds = [read_file_meta_info(path) for path in paths]
        association = self._associate(
            {(meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID) for meta in kinds}
        )
        if not association.is_established:
            reason = f"{self._name} {_why_not(association)}"
            yield from (Outcome(path, is_stored=False, detail=reason) for path in paths)
            return
        try:
            for number, path in enumerate(paths, start=1):
                yield self._store(association, path, number)
        finally:
            if association.is_established:
                association.release()

    @property
    def _name(self) -> str:
        return f"{self._to.ae_title} at {self._to.host} port {self._to.port}"

    def _associate(self, kinds: set[tuple[str, str]]) -> Any:
        from pynetdicom import AE

        ae = AE(ae_title=self._calling)
        for name in ("acse_timeout", "dimse_timeout", "network_timeout", "connection_timeout"):
            setattr(ae, name, self._to.timeout_seconds)
        for sop_class, transfer_syntax in sorted(kinds):
            ae.add_requested_context(sop_class, transfer_syntax)
        tls = (self._tls, self._to.host) if self._tls is not None else None
        return ae.associate(self._to.host, self._to.port, ae_title=self._to.ae_title, tls_args=tls)

    def _store(self, association: Any, path: Path, number: int) -> Outcome:
        if not association.is_established:
            return Outcome(path, is_stored=False, detail=f"{self._name} ended the association")
        try:
            answer = association.send_c_store(path, msg_id=number)
        except (ValueError, AttributeError, RuntimeError) as error:
            return Outcome(path, is_stored=False, detail=f"{self._name} does not take it: {error}")
        if "Status" not in answer:
            return Outcome(path, is_stored=False, detail=f"{self._name} gave no answer")
        status = int(answer.Status)
        detail = (
            "" if status == 0 else f"{self._name} answered status {status:04X} {_comment(answer)}".strip()
        )
        return Outcome(path, is_stored=status == 0 or status in _WARNINGS, detail=detail)


def _why_not(association: Any) -> str:
    if association.is_rejected:
        return "refused the association"
    if association.rejected_contexts:
        return "takes objects of none of these kinds"
    return "cannot be reached" if association.is_aborted else "did not answer"


def _comment(answer: Any) -> str:
    return str(answer.get("ErrorComment", "") or "")
