"""Whose mask it is: the UIDs that a DICOM mask names against those of the scan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lesionseg.core.errors import MaskMismatchError
from lesionseg.dicom.series import CTSeries
from lesionseg.dicom.settings import Note
from lesionseg.dicom.uids import valid_uid
from lesionseg.readings.masks.reader_mask import Misfit, ReferenceScan

InstanceKey = tuple[str, int]
"""SOP Instance UID and frame number, counted from 1 (always 1 in classic files)."""


@dataclass(frozen=True)
class NamedSources:
    """What a DICOM mask says it was drawn on.

    Attributes
    ----------
    frame_of_reference_uid : str
        Empty where it names none; likewise the rest.
    series_uids : frozenset of str
    instance_uids : frozenset of str
        Of images.
    """

    frame_of_reference_uid: str = ""
    series_uids: frozenset[str] = frozenset()
    instance_uids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ScanIdentity:
    """UIDs by which objects made from the scan may refer to it.

    A UID that the standard does not allow may stand in the mask as carried, or as the valid one that our own
    files have in its place.
    """

    series_uids: frozenset[str] = frozenset()
    frame_of_reference_uids: frozenset[str] = frozenset()
    slice_of: Mapping[InstanceKey, int] = field(default_factory=dict)

    @classmethod
    def of(cls, scan: ReferenceScan) -> ScanIdentity:
        """Collect them; there are none for a scan from a volume file."""
        frame_uid = scan.frame_of_reference_uid
        if scan.series is None:
            return cls(frame_of_reference_uids=_spellings(frame_uid))
        return cls(_spellings(scan.series.series_uid), _spellings(frame_uid), _slices(scan.series))


def check_sources(named: NamedSources, scan: ReferenceScan, case: str) -> tuple[Note, ...]:
    """Refuse a mask of another series or frame of reference, and note what could not be checked.

    Raises
    ------
    MaskMismatchError
    """
    own = ScanIdentity.of(scan)
    _refuse_other_series(named, own, scan, case)
    named_frame = named.frame_of_reference_uid
    # a scan without one fits any: whoever drew the mask had to make one up
    if named_frame and own.frame_of_reference_uids and named_frame not in own.frame_of_reference_uids:
        raise MaskMismatchError(
            "the mask lies in another frame of reference than the scan",
            reason=Misfit.FRAME_OF_REFERENCE,
            case=case,
            expected=f"frame of reference {scan.frame_of_reference_uid}",
            found=named_frame,
            remedy="Give the scan that the mask was drawn on",
        )
    if scan.series is None:
        return (Note("identity", "the scan has no UIDs: the mask was matched by its geometry alone"),)
    if not (own.series_uids and named.series_uids) and not (own.slice_of and named.instance_uids):
        text = "series and images could not be compared by UIDs: matched by frame and geometry"
        return (Note("identity", text),)
    return ()


def _refuse_other_series(named: NamedSources, own: ScanIdentity, scan: ReferenceScan, case: str) -> None:
    if scan.series is None:
        return
    # slices without a UID of their own cannot be told from others
    foreign = named.instance_uids - {uid for uid, _ in own.slice_of} if own.slice_of else frozenset()
    if own.series_uids and named.series_uids:
        # some images beyond the scan's may be slices that it was loaded without, such as duplicates
        some_own = not foreign or len(foreign) < len(named.instance_uids)
        fits = bool(named.series_uids & own.series_uids) and some_own
    else:
        fits = not foreign
    if fits:
        return
    raise MaskMismatchError(
        "the mask was drawn on another series",
        reason=Misfit.SERIES,
        case=case,
        expected=f"references to series {scan.series.series_uid}",
        found=_shown(named.series_uids - own.series_uids) or f"{len(foreign)} images that are not its slices",
        remedy="Give the scan that the mask was drawn on",
    )


def _spellings(uid: str) -> frozenset[str]:
    return frozenset({uid, valid_uid(uid)}) if uid else frozenset()


def _slices(series: CTSeries) -> dict[InstanceKey, int]:
    """Slices by their UIDs; none where any lacks one."""
    if not all(part.sop_instance_uid for part in series.slices):
        return {}
    return {
        (uid, part.frame_number): index
        for index, part in enumerate(series.slices)
        for uid in _spellings(part.sop_instance_uid)
    }


def _shown(uids: Collection[str]) -> str:
    return ", ".join(sorted(uids)[:3]) + (" …" if len(uids) > 3 else "")
