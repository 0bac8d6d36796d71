"""The segments that a file declares, and what each is taken for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lesionseg.core.errors import MaskMismatchError
from lesionseg.readings.masks.mapping import DRAWN, Region, SegmentMapping
from lesionseg.readings.masks.reader_mask import FoundSegment, Misfit
from lesionseg.readings.masks.vocabulary import agree, region_of_code, region_of_name

_SHOWN = 8


@dataclass(frozen=True)
class DeclaredSegment:
    """What a file says of one segment.

    Attributes
    ----------
    number : int
        Segment number, ROI number or label value.
    name : str
    codes : tuple of (str, str)
        Coding scheme and value of everything that may tell its type.
    """

    number: int
    name: str
    codes: tuple[tuple[str, str], ...] = ()

    @property
    def called(self) -> str:
        """Name and number, for a message."""
        return f"{self.name!r} ({self.number})" if self.name else f"segment {self.number}"


@dataclass(frozen=True)
class Meaning:
    """What a segment stands for, and what told it."""

    region: Region
    told_by: str

    def found(self, segment: DeclaredSegment, voxels: int) -> FoundSegment:
        """Return the segment with its meaning and size."""
        return FoundSegment(segment.number, segment.name, self.region, self.told_by, voxels)


def meanings(
    declared: Sequence[DeclaredSegment], mapping: SegmentMapping | None, case: str
) -> dict[int, Meaning]:
    """Tell what every segment stands for, by number.

    Raises
    ------
    MaskMismatchError
        If one is unknown, if code and name contradict each other, or if two have one number.
    """
    _refuse_repeated(declared, case)
    told = {segment.number: _meaning(segment, mapping, case) for segment in declared}
    unknown = [segment for segment in declared if told[segment.number] is None]
    if unknown:
        raise MaskMismatchError(
            "the file holds segments whose meaning is unknown",
            reason=Misfit.SEGMENTS,
            case=case,
            expected=f"names or codes of {', '.join(DRAWN)} (docs/reader-masks.md)",
            found=listed(unknown),
            remedy=f"Say what they mean, for instance {unknown[0].name or unknown[0].number}=lesion, "
            "or =background to leave one out",
        )
    return {number: meaning for number, meaning in told.items() if meaning is not None}


def listed(segments: Sequence[DeclaredSegment]) -> str:
    """Return the segments' names and numbers, the first few of them."""
    more = f" and {len(segments) - _SHOWN} more" if len(segments) > _SHOWN else ""
    return ", ".join(segment.called for segment in segments[:_SHOWN]) + more


def _meaning(segment: DeclaredSegment, mapping: SegmentMapping | None, case: str) -> Meaning | None:
    given = mapping.region_of(segment.number, segment.name) if mapping is not None else None
    if given is not None:
        return Meaning(given, "mapping")
    by_code = {region for code in segment.codes if (region := region_of_code(*code)) is not None}
    by_name = region_of_name(segment.name)
    if len(by_code) > 1:
        raise _contradiction(segment, " and ".join(sorted(by_code)), case)
    if by_code and by_name is not None:
        together = agree(next(iter(by_code)), by_name)
        if together is None:
            raise _contradiction(segment, f"{next(iter(by_code))} by its code, {by_name} by its name", case)
        return Meaning(together, "code and name")
    if by_code:
        return Meaning(next(iter(by_code)), "code")
    return Meaning(by_name, "name") if by_name is not None else None


def _contradiction(segment: DeclaredSegment, found: str, case: str) -> MaskMismatchError:
    return MaskMismatchError(
        f"what {segment.called} shows is contradictory",
        reason=Misfit.AMBIGUOUS,
        case=case,
        expected="a code and a name that mean the same",
        found=found,
        remedy=f"Say which it is, for instance {segment.name or segment.number}={DRAWN[1]}",
    )


def _refuse_repeated(declared: Sequence[DeclaredSegment], case: str) -> None:
    numbers = [segment.number for segment in declared]
    repeated = [segment for segment in declared if numbers.count(segment.number) > 1]
    if repeated:
        raise MaskMismatchError(
            "two segments have one number",
            reason=Misfit.AMBIGUOUS,
            case=case,
            found=listed(repeated),
            remedy="Export the segmentation again",
        )
