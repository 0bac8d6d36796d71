"""From a file's header to its slices: one for a classic image, one per frame for enhanced multi-frame CT."""

from __future__ import annotations

from typing import Final

from lesionseg.core.errors import UnreadableFileError
from lesionseg.dicom.elements import Elements
from lesionseg.dicom.file_header import FileHeader
from lesionseg.dicom.headers import (
    Acquisition,
    Identity,
    PixelFormat,
    PixelSource,
    Plane,
    Rescale,
    SliceHeader,
)
from lesionseg.dicom.tags import FRAME_MACROS, Tag
from lesionseg.dicom.values import decimal, decimals, offsets, text, texts, unsigned, whole

MAXIMUM_FRAMES: Final = 20_000
"""Most frames of one file; a 4 m scan at 0.5 mm has 8,000."""


def slices_of(header: FileHeader) -> tuple[SliceHeader, ...]:
    """Describe every slice of a file.

    Raises
    ------
    UnreadableFileError
        If an enhanced file's frame count is impossible or disagrees with its per-frame groups.
    """
    top = header.elements
    frames = _frame_elements(header)
    if frames is None:
        return (_slice(_source(header, 1), top, 0),)
    source = _source(header, len(frames))
    return tuple(_slice(source, frame, index) for index, frame in enumerate(frames))


def sop_class_uid(elements: Elements) -> str:
    """SOP class of the data set, or of the meta header where that is all there is."""
    return text(elements, Tag.SOP_CLASS_UID) or text(elements, Tag.MEDIA_STORAGE_SOP_CLASS_UID)


def _frame_elements(header: FileHeader) -> list[Elements] | None:
    """Elements of each frame, functional groups flattened; None for a classic image."""
    top = header.elements
    number = whole(top, Tag.NUMBER_OF_FRAMES) if Tag.NUMBER_OF_FRAMES in top else 1
    per_frame = top.get(Tag.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
    if per_frame is None:
        if number == 1 or not text(top, Tag.NUMBER_OF_FRAMES):
            return None
        raise _wrong_frames(
            header, "a frame group for every frame", f"{number} frames and no per-frame groups"
        )
    if number != len(per_frame.items) or not 1 <= number <= MAXIMUM_FRAMES:
        raise _wrong_frames(
            header,
            f"1 to {MAXIMUM_FRAMES} frames with a group each",
            f"{number} frames, {len(per_frame.items)} groups",
        )
    shared = top.get(Tag.SHARED_FUNCTIONAL_GROUPS_SEQUENCE)
    shared_items = shared.items[0] if shared and shared.items else {}
    return [_flattened(top, shared_items, frame) for frame in per_frame.items]


def _flattened(top: Elements, shared: Elements, frame: Elements) -> Elements:
    flat = dict(top)
    for groups in (shared, frame):
        for macro in FRAME_MACROS:
            if macro in groups and groups[macro].items:
                flat.update(groups[macro].items[0])
    return flat


def _wrong_frames(header: FileHeader, expected: str, found: str) -> UnreadableFileError:
    return UnreadableFileError(
        "the frames of this multi-frame file do not add up",
        case=str(header.path),
        expected=expected,
        found=found,
        remedy="Export the file from the archive again",
    )


def _slice(source: PixelSource, elements: Elements, index: int) -> SliceHeader:
    acquisition_number = unsigned(elements, Tag.FRAME_ACQUISITION_NUMBER)
    return SliceHeader(
        source=source,
        frame_index=index,
        sop_instance_uid=text(elements, Tag.SOP_INSTANCE_UID),
        image_type=_image_type(elements),
        acquisition_number=text(elements, Tag.ACQUISITION_NUMBER)
        if acquisition_number is None
        else str(acquisition_number),
        lossy=text(elements, Tag.LOSSY_IMAGE_COMPRESSION) == "01",
        padding=_padding(elements),
        identity=_identity(elements),
        acquisition=_acquisition(elements),
        plane=Plane(
            decimals(elements, Tag.IMAGE_POSITION_PATIENT, 3),
            decimals(elements, Tag.IMAGE_ORIENTATION_PATIENT, 6),
            decimals(elements, Tag.PIXEL_SPACING, 2),
        ),
        rescale=Rescale(
            decimal(elements, Tag.RESCALE_SLOPE),
            decimal(elements, Tag.RESCALE_INTERCEPT),
            text(elements, Tag.RESCALE_TYPE).upper(),
            Tag.MODALITY_LUT_SEQUENCE in elements,
        ),
        pixels=_pixel_format(elements),
    )


def _image_type(elements: Elements) -> tuple[str, ...]:
    tag = Tag.FRAME_TYPE if Tag.FRAME_TYPE in elements else Tag.IMAGE_TYPE
    return tuple(part.upper() for part in texts(elements, tag))


def _padding(elements: Elements) -> tuple[int, ...]:
    """Bit patterns of the padding value and of the other end of its range, as far as given."""
    ends = (unsigned(elements, Tag.PIXEL_PADDING_VALUE), unsigned(elements, Tag.PIXEL_PADDING_RANGE_LIMIT))
    return tuple(end for end in ends if end is not None)


def _identity(elements: Elements) -> Identity:
    return Identity(
        patient_id=text(elements, Tag.PATIENT_ID),
        study_uid=text(elements, Tag.STUDY_INSTANCE_UID),
        series_uid=text(elements, Tag.SERIES_INSTANCE_UID),
        frame_of_reference_uid=text(elements, Tag.FRAME_OF_REFERENCE_UID),
        sop_class_uid=sop_class_uid(elements),
        modality=text(elements, Tag.MODALITY),
        study_date=text(elements, Tag.STUDY_DATE),
        description=text(elements, Tag.SERIES_DESCRIPTION),
        series_number=text(elements, Tag.SERIES_NUMBER),
    )


def _acquisition(elements: Elements) -> Acquisition:
    return Acquisition(
        manufacturer=text(elements, Tag.MANUFACTURER),
        model=text(elements, Tag.MANUFACTURER_MODEL_NAME),
        kernel=text(elements, Tag.CONVOLUTION_KERNEL),
        protocol=text(elements, Tag.PROTOCOL_NAME),
        body_part=text(elements, Tag.BODY_PART_EXAMINED),
        contrast_agent=text(elements, Tag.CONTRAST_BOLUS_AGENT),
        patient_position=text(elements, Tag.PATIENT_POSITION),
        slice_thickness_mm=decimal(elements, Tag.SLICE_THICKNESS),
        kvp=decimal(elements, Tag.KVP),
    )


def _pixel_format(elements: Elements) -> PixelFormat:
    return PixelFormat(
        rows=unsigned(elements, Tag.ROWS),
        columns=unsigned(elements, Tag.COLUMNS),
        samples_per_pixel=unsigned(elements, Tag.SAMPLES_PER_PIXEL),
        photometric_interpretation=text(elements, Tag.PHOTOMETRIC_INTERPRETATION),
        bits_allocated=unsigned(elements, Tag.BITS_ALLOCATED),
        bits_stored=unsigned(elements, Tag.BITS_STORED),
        high_bit=unsigned(elements, Tag.HIGH_BIT),
        pixel_representation=unsigned(elements, Tag.PIXEL_REPRESENTATION),
    )


def _source(header: FileHeader, number_of_frames: int) -> PixelSource:
    where = header.pixel_element
    return PixelSource(
        path=header.path,
        transfer_syntax=header.transfer_syntax,
        little_endian=header.encoding.little_endian,
        offset=where.offset if where else None,
        length=where.length if where else None,
        vr=where.vr if where else "",
        deflated_from=header.deflated_from,
        file_size=header.size,
        number_of_frames=number_of_frames,
        frame_offsets=offsets(header.elements, Tag.EXTENDED_OFFSET_TABLE),
        frame_lengths=offsets(header.elements, Tag.EXTENDED_OFFSET_TABLE_LENGTHS),
    )
