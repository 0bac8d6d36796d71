"""Two readers over all scans that both have read: overlap of their masks, limits of agreement, ICC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lesionseg.readings.reading import Reading
from lesionseg.volume import LabelMap
from lesionseg.volumetry.agreement import (
    BlandAltman,
    ComparisonSettings,
    Estimate,
    PooledFigure,
    RegionAgreement,
    RegionLabels,
    bland_altman,
    compare_label_maps,
    icc_agreement,
    pool,
)

LESION_ALONE = RegionLabels(lung=(1,), lesion=(2,), non_solid=(), solid=())
"""What labels mean where the reader did not tell solid from other lesion."""
ReadLabels = Callable[[Reading], LabelMap]


@dataclass(frozen=True)
class ReadScan:
    """One scan as two readers saw it.

    Attributes
    ----------
    first, second : Reading
        In the order of the readers' names.
    regions : tuple of RegionAgreement
        The first reader stands as prediction, the second as reference.
    """

    first: Reading
    second: Reading
    regions: tuple[RegionAgreement, ...]


@dataclass(frozen=True)
class ReaderPair:
    """Two readers over all scans that both have read.

    Attributes
    ----------
    readers : tuple of str
    scans : tuple of ReadScan
        By scan.
    pooled : tuple of PooledFigure
        Errors are first - second.
    measure : str
        The plan's parameter, or LESPCT.
    limits : BlandAltman or None
        Of that parameter; None for fewer than two scans with values of both.
    icc : Estimate or None
        Likewise ICC(2,1).
    """

    readers: tuple[str, str]
    scans: tuple[ReadScan, ...]
    pooled: tuple[PooledFigure, ...]
    measure: str
    limits: BlandAltman | None
    icc: Estimate | None


def agreement_of(
    pairs: Sequence[tuple[Reading, Reading]], read: ReadLabels, measure: str
) -> tuple[ReaderPair, ...]:
    """Compare the readers of every scan that two have read, each pair of persons by itself.

    Parameters
    ----------
    pairs : sequence of (Reading, Reading)
        One for each scan, in the order of the readers' names.
    read : callable
        Gives the label map of a reading.
    measure : str
        Code of the parameter for limits of agreement and ICC besides those of volumes and proportions.

    Raises
    ------
    GeometryError, MeasurementError
        If two label maps of one scan cannot be compared.
    """
    by_persons: dict[tuple[str, str], list[ReadScan]] = {}
    for first, second in pairs:
        scan = ReadScan(first, second, _compare(first, second, read))
        by_persons.setdefault((first.reader, second.reader), []).append(scan)
    return tuple(_pair(persons, scans, measure) for persons, scans in sorted(by_persons.items()))


def _compare(first: Reading, second: Reading, read: ReadLabels) -> tuple[RegionAgreement, ...]:
    settings = ComparisonSettings(_labels(first), _labels(second))
    return compare_label_maps(read(first), read(second), settings, first.scan.scan_id)


def _labels(reading: Reading) -> RegionLabels:
    return RegionLabels() if reading.solid_told else LESION_ALONE


def _pair(readers: tuple[str, str], scans: list[ReadScan], measure: str) -> ReaderPair:
    values = [(scan.first.value(measure), scan.second.value(measure)) for scan in scans]
    whole = [(one, other) for one, other in values if one is not None and other is not None]
    first, second = ([pair[number] for pair in whole] for number in (0, 1))
    enough = len(whole) > 1
    return ReaderPair(
        readers=readers,
        scans=tuple(scans),
        pooled=pool([scan.regions for scan in scans]),
        measure=measure,
        limits=bland_altman(first, second) if enough else None,
        icc=icc_agreement(first, second) if enough else None,
    )
