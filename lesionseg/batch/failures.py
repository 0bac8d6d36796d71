"""A scan's failure: what the ledger says of it, and whether any other scan could fare better."""

from __future__ import annotations

from dataclasses import dataclass

from lesionseg.core.errors import (
    BundleError,
    DeviceError,
    LesionSegError,
    OutputError,
    OutputExistsError,
)
from lesionseg.segmentation.retries import is_out_of_memory
from lesionseg.workflow.trial.cases import FAULT

OUT_OF_MEMORY = "out-of-memory"
"""Reason code of a scan for which there was not enough memory."""


@dataclass(frozen=True)
class Failure:
    """What became of a scan that could not be measured; can be sent to another process.

    Attributes
    ----------
    reason, text : str
        Code and sentence.
    ends_everything : bool
        A fault of model, device or disk, which the next scan would meet too.
    keeps_folder : bool
        Somebody's files are in the way, and stay.
    error : LesionSegError or None
        What to raise where it ends everything.
    """

    reason: str
    text: str
    ends_everything: bool = False
    keeps_folder: bool = False
    error: LesionSegError | None = None


class FailedElsewhereError(Exception):
    """Carries a failure that was told in another process."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.text)


def failure_of(error: Exception) -> Failure:
    """Say what an error means for its scan and for the others."""
    if isinstance(error, FailedElsewhereError):
        return error.failure
    known = error if isinstance(error, LesionSegError) else None
    if is_out_of_memory(error):
        remedy = "Free memory, let fewer scans be in memory at once, or segment this scan by itself"
        text = f"there was not enough memory for this scan: {error or 'MemoryError'}. {remedy}."
        return Failure(OUT_OF_MEMORY, text, error=known)
    if known is None:
        return Failure(FAULT, f"{type(error).__name__}: {error}")
    keeps = isinstance(error, OutputExistsError)
    ends = isinstance(error, (BundleError, DeviceError, OutputError)) and not keeps
    return Failure(known.code, str(known), ends, keeps, known)
