"""The patient page: baseline and follow-ups side by side, and what changed; never an arm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lesionseg.volume import CTVolume


@dataclass(frozen=True)
class PatientScan:
    """One scan of a patient and where to find it.

    Attributes
    ----------
    scan_id : str
        As in ``pairing.csv``.
    case_folder : Path or None
        As `lesionseg segment` writes it; None where the scan could not be measured.
    volume : callable or None
        Gives the CT when called, so that one scan at a time is in memory; None: the overview stands in.
    """

    scan_id: str
    case_folder: Path | None = None
    volume: Callable[[], CTVolume] | None = None


def write_patient_page(subject: str, changes: Path, path: Path, *, scans: Sequence[PatientScan] = ()) -> None:
    """Write the page of one patient; it needs nothing else and no network.

    Parameters
    ----------
    subject : str
        As in the tables.
    changes : Path
        Folder that `lesionseg change` wrote: ``adlesion.csv``, ``pairing.csv``, ``comparability.csv``.
    path : Path
        Where the HTML goes.
    scans : sequence of PatientScan
        Of this patient; those that ``pairing.csv`` chose for a visit are shown.

    Raises
    ------
    InputError
        If a table is absent or lacks a column, or the subject is not in it.
    OutputError
        If the page cannot be written.
    """
    raise NotImplementedError
