"""One reader's result on one scan, as it is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from lesionseg.core.errors import ReadingError
from lesionseg.core.plan import LESION_PARAMETERS
from lesionseg.longitudinal.sources import SOURCES

FORMAT = "lesionseg-reading/1"
SOLID_NOT_TOLD = "solid-not-told"
"""Reason code of the solid component's figures where the reader drew whole lesions alone."""


class Role(StrEnum):
    """What a reading is for."""

    READER = "reader"
    ADJUDICATOR = "adjudicator"


@dataclass(frozen=True)
class ScanIdentity:
    """Which scan was read.

    Attributes
    ----------
    scan_id : str
        Its name in the trial; stands once in ``scans.csv``.
    series_uid : str
        Empty where it is no DICOM.
    volume_sha256 : str
        Of the voxels in Hounsfield units, as in the manifest of its case.
    """

    scan_id: str
    series_uid: str
    volume_sha256: str


@dataclass(frozen=True)
class Reading:
    """One reading; it never changes, and a corrected one names the one it supersedes. It holds no arm.

    Attributes
    ----------
    reading_id : str
        Unique among all readings of the trial.
    scan : ScanIdentity
    reader : str
        Who read.
    role : Role
    why : str
        Why the labels are as they are, in the reader's words.
    recorded_utc : str
    supersedes : str
        Reading that this one corrects; empty for a first one.
    solid_told : bool
        False where the solid component is unknown.
    cells : mapping of str to str
        The row of its measurements as text, like that of a case; an empty cell is a missing value.
    acquisition : mapping of str to str
        What the scan's table row says of how it was taken.
    folder : Path
        Where labels, measurements and the submitted mask lie.
    """

    reading_id: str
    scan: ScanIdentity
    reader: str
    role: Role
    why: str
    recorded_utc: str
    supersedes: str = ""
    solid_told: bool = True
    cells: Mapping[str, str] = field(default_factory=dict)
    acquisition: Mapping[str, str] = field(default_factory=dict)
    folder: Path = Path()

    def value(self, parameter: str) -> float | None:
        """Return the value of a lesion parameter of a single scan; None where it is missing."""
        return parameter_value(self.cells, parameter)


def parameter_value(cells: Mapping[str, str], parameter: str) -> float | None:
    """Return a parameter from the row of a scan's measurements, as `lesionseg.longitudinal` takes it.

    Raises
    ------
    KeyError
        If `parameter` is no code of a parameter that a single scan has.
    """
    source = SOURCES[parameter]
    texts = [cells.get(name, "") for name in source.columns]
    if not all(texts):
        return None
    value, *whole = (float(text) for text in texts)
    if not whole:
        return value
    return 100 * value / whole[0] if whole[0] > 0 else None


def unit_of(parameter: str) -> str:
    """Return a parameter's unit as differences have it."""
    unit = LESION_PARAMETERS[parameter].unit
    return "percentage points" if unit == "%" else unit


def same_person(first: str, second: str) -> bool:
    """Whether two names are the same but for blanks and capitals."""
    return " ".join(first.split()).casefold() == " ".join(second.split()).casefold()


def current_readings(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Leave out the readings that a later one supersedes.

    Raises
    ------
    ReadingError
        If a reader has two readings of one scan that both stand.
    """
    found = list(readings)
    superseded = {reading.supersedes for reading in found}
    standing = tuple(reading for reading in found if reading.reading_id not in superseded)
    seen: dict[tuple[str, str], Reading] = {}
    for reading in standing:
        key = (reading.scan.scan_id, " ".join(reading.reader.split()).casefold())
        if key in seen:
            raise ReadingError(
                "one reader has two readings of one scan that both stand",
                case=f"{reading.scan.scan_id}, {reading.reader}",
                found=f"{seen[key].reading_id} and {reading.reading_id}",
                remedy="Withdraw one of them with lesionseg reading withdraw",
            )
        seen[key] = reading
    return standing


def reading_from(content: Mapping[str, Any], cells: Mapping[str, str], folder: Path) -> Reading:
    """Read back what `lesionseg.workflow.reading` wrote; KeyError and ValueError if it is something else."""
    return Reading(
        reading_id=content["reading_id"],
        scan=ScanIdentity(**content["scan"]),
        reader=content["reader"],
        role=Role(content["role"]),
        why=content["why"],
        recorded_utc=content["recorded_utc"],
        supersedes=content["supersedes"],
        solid_told=content["mask"]["solid_told"],
        cells=cells,
        acquisition=content["acquisition"],
        folder=folder,
    )
