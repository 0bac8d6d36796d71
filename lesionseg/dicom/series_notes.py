"""What the headers of a sound series give reason to record."""

from __future__ import annotations

from lesionseg.dicom.attributes import named
from lesionseg.dicom.headers import SliceHeader
from lesionseg.dicom.image_kinds import is_original_primary, reformatted_words
from lesionseg.dicom.settings import Note
from lesionseg.dicom.stack import Stack
from lesionseg.dicom.transfer_syntaxes import LOSSY, name_of
from lesionseg.dicom.values import is_valid_uid

GAP_TOLERANCE_MM = 0.05
"""Slice distance beyond thickness that rounding explains."""


def header_notes(stack: Stack) -> tuple[Note, ...]:
    """Note invalid UIDs, lossy compression, unusual image types, differing rescales and gaps."""
    found = (
        _invalid_uids(stack.slices),
        _lossy(stack.slices),
        _image_type(stack.slices),
        _rescale(stack.slices),
        _gaps(stack),
    )
    return tuple(note for note in found if note is not None)


def _invalid_uids(slices: tuple[SliceHeader, ...]) -> Note | None:
    uids: dict[str, set[str]] = {
        "study": {header.identity.study_uid for header in slices},
        "series": {header.identity.series_uid for header in slices},
        "frame of reference": {header.identity.frame_of_reference_uid for header in slices},
        "SOP instance": {header.sop_instance_uid for header in slices},
    }
    missing = [kind for kind, found in uids.items() if "" in found]
    invalid = [kind for kind, found in uids.items() if not all(is_valid_uid(uid) for uid in found - {""})]
    parts = [
        f"{label}: {', '.join(kinds)}"
        for label, kinds in (("invalid", invalid), ("missing", missing))
        if kinds
    ]
    return Note("uids-not-standard", f"UIDs carried as they are; {'; '.join(parts)}") if parts else None


def _lossy(slices: tuple[SliceHeader, ...]) -> Note | None:
    lossy = [header for header in slices if header.lossy or header.source.transfer_syntax in LOSSY]
    if not lossy:
        return None
    syntax = name_of(lossy[0].source.transfer_syntax)
    return Note(
        "lossy-compression", f"{len(lossy)} of {len(slices)} slices were compressed with loss ({syntax})"
    )


def _image_type(slices: tuple[SliceHeader, ...]) -> Note | None:
    odd = [header for header in slices if not is_original_primary(header)]
    if not odd:
        return None
    kind = "derived-images" if reformatted_words(odd[0]) else "not-original-primary"
    image_type = "\\".join(odd[0].image_type)
    return Note(kind, f"ImageType {image_type} on {named(odd)}")


def _rescale(slices: tuple[SliceHeader, ...]) -> Note | None:
    different = {(header.rescale.slope, header.rescale.intercept) for header in slices}
    if len(different) == 1:
        return None
    return Note("rescale-per-slice", f"{len(different)} different rescales, each applied to its own slices")


def _gaps(stack: Stack) -> Note | None:
    thickness_mm = stack.slices[0].acquisition.slice_thickness_mm
    if thickness_mm is None or thickness_mm <= 0 or stack.spacing_mm <= thickness_mm + GAP_TOLERANCE_MM:
        return None
    return Note(
        "slices-apart",
        f"slices of {thickness_mm:g} mm lie {stack.spacing_mm:.2f} mm apart; the rest was not imaged",
    )
