"""Which files are not copied at all: no CT image, or one whose pixels may show who it is."""

from __future__ import annotations

from typing import Final

from pydicom.dataset import Dataset

from lesionseg.dicom.deidentify.outcome import left_out, refused
from lesionseg.dicom.deidentify.uids import class_name
from lesionseg.dicom.deidentify.values import values_of
from lesionseg.dicom.image_kinds import CT_CLASSES

SCREEN_WORDS: Final = frozenset(
    {"SCREEN SAVE", "SECONDARY", "DOSE", "DOSE_INFO", "DOSE INFO", "PROTOCOL", "CT_SOM5 PROT",
     "VOLUME RENDERED", "VOLUME_RENDER", "VRT", "SSD"}
)  # fmt: skip
"""Values of ImageType that vendors give to pictures of a screen, and to renderings that may show a face."""
CAPTURE_ATTRIBUTES: Final = (
    "ConversionType", "SecondaryCaptureDeviceID", "SecondaryCaptureDeviceManufacturer",
    "SecondaryCaptureDeviceManufacturerModelName", "DateOfSecondaryCapture",
)  # fmt: skip
"""Of the SC Equipment module (PS3.3 C.8.6.1): the image was captured, whatever its class says."""
_BITS_ALLOCATED, _BIT_POSITION = 0x0100, 0x0102  # of an overlay, (60xx,eeee)
_BYTE: Final = 8
_OFFSET_BYTES: Final = 8


def refuse_other_class(sop_class_uid: str) -> None:
    """Raise `NotCopied` for anything but CT images: reports, documents, captured screens and so on."""
    if sop_class_uid not in CT_CLASSES:
        raise left_out("not-a-ct-image", f"the object is no CT image but {class_name(sop_class_uid)}")


def refuse_suspects(source: Dataset) -> None:
    """Raise `NotCopied` where text may be burned into the pixels, or something else hides in them.

    Rules: BurnedInAnnotation or RecognizableVisualFeatures is not NO; ImageType is missing, is not PRIMARY,
    or names a screen or a rendering; the image is in colour or was captured; overlays lie in unused bits of
    the pixels; a lookup table stands for Hounsfield units; the pixel data is missing, or has another length
    than the image.
    """
    _refuse_declared(source)
    _refuse_image_type(source)
    if _number(source, "SamplesPerPixel", 1) != 1:
        raise refused("colour", "the image is in colour, as captured screens are")
    if any(keyword in source for keyword in CAPTURE_ATTRIBUTES):
        raise refused("captured", "the image was captured or digitised, says its header")
    if "ModalityLUTSequence" in source:
        raise refused(
            "lookup-table", "values pass through a lookup table instead of a rescale to Hounsfield units"
        )
    if _has_embedded_overlay(source):
        raise refused("overlay-in-pixels", "an overlay lies in the unused bits of the pixels")
    _refuse_pixel_length(source)


def _refuse_declared(source: Dataset) -> None:
    for keyword, code in (
        ("BurnedInAnnotation", "burned-in"),
        ("RecognizableVisualFeatures", "recognizable"),
    ):
        if str(source.get(keyword, "") or "NO").strip().upper() != "NO":
            raise refused(code, f"{keyword} is not NO")


def _refuse_image_type(source: Dataset) -> None:
    words = (
        [str(word).strip().upper() for word in values_of(source["ImageType"])]
        if "ImageType" in source
        else []
    )
    if len(words) < 2:
        raise refused(
            "no-image-type", "ImageType is missing, so that nothing tells the image from a captured screen"
        )
    if words[1] != "PRIMARY":
        raise refused(
            "secondary-image", "ImageType does not say PRIMARY: the image was made later, perhaps with text"
        )
    if not SCREEN_WORDS.isdisjoint(words):
        raise refused("screen", "ImageType names a captured screen, a report or a rendering")


def _has_embedded_overlay(source: Dataset) -> bool:
    """Whether an overlay (60xx) says that it lies among the bits of the pixels (retired, PS3.5 8.1.2)."""
    for group in {tag.group for tag in source.keys() if tag.group & 0xFF00 == 0x6000}:  # noqa: SIM118
        bits, position = source.get((group, _BITS_ALLOCATED)), source.get((group, _BIT_POSITION))
        if (bits and bits.value not in (None, 1)) or (position and position.value):
            return True
    return False


def _refuse_pixel_length(source: Dataset) -> None:
    if "PixelData" not in source:
        raise refused("no-pixels", "the file holds no pixel data")
    element, frames = source["PixelData"], _number(source, "NumberOfFrames", 1)
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in source and len(source[keyword].value or b"") != _OFFSET_BYTES * frames:
            raise refused("offset-table", f"{keyword} does not hold one number for each frame")
    if element.is_undefined_length:
        return
    count = _number(source, "Rows", 0) * _number(source, "Columns", 0) * frames
    expected = count * _number(source, "BitsAllocated", 0) // _BYTE
    if len(element.value) not in (expected, expected + expected % 2):
        raise refused("pixel-length", "the pixel data is longer or shorter than the image")


def _number(source: Dataset, keyword: str, otherwise: int) -> int:
    value = source.get(keyword)
    return otherwise if value in (None, "") else int(value)
