"""The way from a folder to a checked CT volume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from lesionseg.core.errors import GantryTiltError, InputError
from lesionseg.dicom.attributes import check_attributes
from lesionseg.dicom.decode_volume import Progress, decode_stack, stored_pixels
from lesionseg.dicom.discovery import Findings, UnreadableFile, find_slices
from lesionseg.dicom.headers import SliceHeader
from lesionseg.dicom.selection import SeriesGroup, choose, group_by_series
from lesionseg.dicom.series import CTSeries, LoadedSeries, Slice
from lesionseg.dicom.series_notes import header_notes
from lesionseg.dicom.settings import LoaderSettings, Note, Repair
from lesionseg.dicom.stack import (
    Stack,
    check_count,
    check_not_interleaved,
    check_spacing,
    check_straight,
    duplicate_error,
    duplicates_in,
    geometry_of,
    is_straight,
    order_slices,
)
from lesionseg.dicom.tilt import straighten
from lesionseg.volume import CTVolume
from lesionseg.volume.hounsfield import check_hounsfield

OTHER_MODALITIES: Final = frozenset(
    {"CR", "DOC", "DX", "KO", "MG", "MR", "NM", "OT", "PR", "PT", "REG", "RF", "RTDOSE", "RTPLAN", "RTSTRUCT",
     "SC", "SEG", "SR", "US", "XA"}
)  # fmt: skip
"""What a damaged file may say of itself without being suspected of holding a CT slice (PS3.3 C.7.3.1.1.1)."""
STRAIGHT: Final = "straight stack"
CHECKS: Final = (
    "one kind of image", "position, orientation and pixel spacing present", "pixel layout of CT",
    "rescaled to Hounsfield units", "uniform attributes", "no duplicated position", STRAIGHT,
    "acquisitions not interleaved", "even spacing, no slice missing", "enough slices",
    "pixels complete", "values on the Hounsfield scale",
)  # fmt: skip


@dataclass(frozen=True)
class CheckedStack:
    """A stack that passed every check of its headers, and the notes made on the way."""

    stack: Stack
    notes: tuple[Note, ...]


def load_series(
    path: Path,
    *,
    series_uid: str | None = None,
    settings: LoaderSettings = LoaderSettings(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> LoadedSeries:
    """Find, choose, check and decode the CT series under a path.

    Parameters
    ----------
    path : Path
        A folder, searched to any depth, or one file.
    series_uid : str, optional
        The series to take; without it the best one is chosen, and a tie refused.
    settings : LoaderSettings
    progress : callable, optional
        Called with slices decoded and slices in all.

    Raises
    ------
    InputError
        One of its kinds, saying which series or file, what was expected, what was found, what to do.
    """
    return load_found(find_slices(path), series_uid=series_uid, settings=settings, progress=progress)


def load_found(
    findings: Findings,
    *,
    series_uid: str | None = None,
    settings: LoaderSettings = LoaderSettings(),  # noqa: B008 - frozen
    progress: Progress | None = None,
) -> LoadedSeries:
    """Load as `load_series` does from headers that are already read; see `lesionseg.dicom.index`."""
    groups = group_by_series(findings.slices)
    if not groups:
        refuse_unreadable(findings, "")
    group, choice = choose(groups, series_uid, str(findings.path))
    refuse_unreadable(findings, group.uid)
    checked = check_group(group, settings)
    volume, pixel_notes = decode_group(group, checked.stack, settings, progress)
    slices = checked.stack.slices
    series = CTSeries(
        identity=slices[0].identity,
        acquisition=slices[0].acquisition,
        slices=tuple(_public(header) for header in slices),
        geometry=volume.geometry,
        checks_passed=tuple(check for check in CHECKS if check != STRAIGHT or is_straight(checked.stack)),
    )
    volume = replace(volume, acquisition=series.modality_facts)
    notes = findings.notes + unreadable_notes(findings, group.uid) + checked.notes + pixel_notes
    return LoadedSeries(volume, series, choice, notes)


def decode_group(
    group: SeriesGroup, stack: Stack, settings: LoaderSettings, progress: Progress | None
) -> tuple[CTVolume, tuple[Note, ...]]:
    """Decode a checked stack, straighten it where that was asked for, and see that the values are HU.

    Raises
    ------
    PixelDataError, UnsupportedTransferSyntaxError, IntensityError
    """
    hu, ends, notes = decode_stack(stack, settings.threads, progress, group.case)
    geometry = geometry_of(stack)
    straight = is_straight(stack)
    if not straight:
        hu, geometry, note = straighten(hu, stack, geometry)
        notes += (note,)
    volume = CTVolume(hu, geometry, name=group.uid or group.case)
    odd = check_hounsfield(volume, ends if straight else None)
    notes += tuple(Note("intensities", text) for text in odd)
    return volume, notes


def check_group(group: SeriesGroup, settings: LoaderSettings) -> CheckedStack:
    """Check the headers of one series, and do the repairs that were asked for and need no pixels.

    Raises
    ------
    InputError
        One of its kinds.
    """
    check_attributes(group.slices, group.case)
    stack, repair_notes = _without_duplicates(order_slices(group.slices), settings, group.case)
    try:
        check_straight(stack, group.case)
    except GantryTiltError:
        if Repair.TILT not in settings.repairs:
            raise
    check_not_interleaved(stack, group.case)
    check_spacing(stack, group.case)
    check_count(stack, settings.minimum_slices, group.case)
    return CheckedStack(stack, header_notes(stack) + repair_notes)


def refuse_unreadable(findings: Findings, series_uid: str) -> None:
    """Refuse the series if a file that may belong to it cannot be read.

    Raises
    ------
    UnreadableFileError
        Of the first such file.
    """
    for file in findings.unreadable:
        if _may_belong(file, findings, series_uid):
            raise file.error


def unreadable_notes(findings: Findings, series_uid: str) -> tuple[Note, ...]:
    """Note the unreadable files that certainly belong to something else."""
    others = [file for file in findings.unreadable if not _may_belong(file, findings, series_uid)]
    if not others:
        return ()
    return (
        Note(
            "unreadable-elsewhere", f"{len(others)} damaged files of other series, such as {others[0].path}"
        ),
    )


def _may_belong(file: UnreadableFile, findings: Findings, series_uid: str) -> bool:
    """Tell whether a damaged file may hold a slice: it does unless it names another series that is there."""
    others = {header.identity.series_uid for header in findings.slices} - {"", series_uid}
    return file.modality not in OTHER_MODALITIES and file.series_uid not in others


def _without_duplicates(stack: Stack, settings: LoaderSettings, case: str) -> tuple[Stack, tuple[Note, ...]]:
    pairs = duplicates_in(stack)
    if not pairs:
        return stack, ()
    if Repair.DUPLICATES not in settings.repairs:
        raise duplicate_error(stack, _pixels_of(pairs[0]), case)
    unequal = next((pair for pair in pairs if _pixels_of(pair) != "equal"), None)
    if unequal is not None:
        raise duplicate_error(stack, "unequal", case)
    dropped = {id(second) for _, second in pairs}
    kept = [header for header in stack.slices if id(header) not in dropped]
    text = f"{len(dropped)} slices with the position and pixels of another were dropped, as asked for"
    return order_slices(kept), (Note("repaired-duplicates", text),)


def _pixels_of(pair: tuple[SliceHeader, SliceHeader]) -> str:
    """Whether two slices hold equal pixels: "equal", "unequal" or "undecodable"."""
    first, second = pair
    if first.rescale != second.rescale or first.pixels != second.pixels:
        return "unequal"
    try:
        return "equal" if stored_pixels(first) == stored_pixels(second) else "unequal"
    except InputError:
        return "undecodable"


def _public(header: SliceHeader) -> Slice:
    x_mm, y_mm, z_mm = header.plane.position_mm or (0.0, 0.0, 0.0)
    return Slice(header.source.path, header.frame_index + 1, (x_mm, y_mm, z_mm), header.sop_instance_uid)
