"""What kind of results a folder holds, found out by its files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from lesionseg.core.errors import InputError, InputNotFoundError

Kind = Literal["trial", "blinded", "case"]


@dataclass(frozen=True)
class Sources:
    """Where the parts of a report lie.

    Attributes
    ----------
    kind : str
        ``trial`` with an analysis, ``blinded`` without; ``case`` for one scan.
    analysis, changes, scans, case : Path or None
        Folders of ``analyze`` and ``change``, the table of scans, a folder of ``segment``.
    cases : Path or None
        Folder of all cases of a trial, by subject and scan.
    """

    kind: Kind
    analysis: Path | None = None
    changes: Path | None = None
    scans: Path | None = None
    case: Path | None = None
    cases: Path | None = None

    def with_given(self, changes: Path | None, scans: Path | None) -> Sources:
        """Return the sources with what the user named in place of what was found."""
        return replace(self, changes=changes or self.changes, scans=scans or self.scans)


def find_sources(folder: Path, *, blinded: bool, changes: Path | None = None) -> Sources:
    """Find out what lies in a folder.

    Parameters
    ----------
    folder : Path
        Of ``trial``, ``analyze``, ``change`` or ``segment``.
    blinded : bool
        Pass over an analysis.
    changes : Path, optional
        Folder of ``change`` that the user named beside it.

    Raises
    ------
    InputError
        If there is no such folder, or nothing in it to report on.
    """
    if not folder.is_dir():
        raise InputNotFoundError("there is no such folder", case=str(folder), remedy="Correct the path")
    if (folder / "visits" / "adlesion.csv").is_file():
        return _trial(folder, blinded=blinded)
    if (folder / "analysis.json").is_file() and not (blinded and changes is None):
        return Sources("blinded") if blinded else Sources("trial", analysis=folder)
    if (folder / "adlesion.csv").is_file():
        return Sources("blinded", changes=folder)
    if (folder / "measurements.json").is_file():
        return Sources("case", case=folder)
    raise InputError(
        "the folder holds no results to report on",
        case=str(folder),
        expected="a table adlesion.csv, here or in visits"
        + ("" if blinded else "; analysis.json, or measurements.json of one scan"),
        remedy="Name the folder that trial or change wrote"
        + ("" if blinded else ", or analyze, or segment for one scan"),
    )


def _trial(folder: Path, *, blinded: bool) -> Sources:
    scans, cases, analysis = folder / "scans.csv", folder / "cases", folder / "analysis"
    analysed = (analysis / "analysis.json").is_file() and not blinded
    return Sources(
        "trial" if analysed else "blinded",
        analysis=analysis if analysed else None,
        changes=folder / "visits",
        scans=scans if scans.is_file() else None,
        cases=cases if cases.is_dir() else None,
    )
