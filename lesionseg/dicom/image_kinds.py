"""What kind of image a slice is: an original axial CT slice, or something that must not be measured."""

from __future__ import annotations

from typing import Final

from lesionseg.dicom.headers import SliceHeader

CT_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.2.1"
LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE: Final = "1.2.840.10008.5.1.4.1.1.2.2"
CT_CLASSES: Final = frozenset(
    {CT_IMAGE_STORAGE, ENHANCED_CT_IMAGE_STORAGE, LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE}
)
_STORAGE_ROOT: Final = "1.2.840.10008.5.1.4.1.1."
_LOCALIZER_WORDS: Final = frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM", "SURVIEW"})
_REFORMATTED_WORDS: Final = frozenset(
    {"MPR", "MIP", "MINIP", "MAXIMUM", "MINIMUM", "REFORMATTED", "PROJECTION IMAGE", "VOLUME_RENDER",
     "VOLUME RENDERED", "VRT", "SSD", "CPR", "CURVED", "PERFUSION", "SCREEN SAVE", "DOSE", "DOSE_INFO",
     "DOSE INFO", "PROTOCOL", "SUBTRACT", "SUBTRACTION"}
)  # fmt: skip
"""Values 3 and further of ImageType that vendors and PS3.3 C.8.2.1 and C.8.15.2 give to made images."""


def is_ct(header: SliceHeader) -> bool:
    """Whether modality and SOP class are those of CT; where no standard class is given, modality decides."""
    sop_class = header.identity.sop_class_uid
    return header.identity.modality == "CT" and (
        sop_class in CT_CLASSES or not sop_class.startswith(_STORAGE_ROOT)
    )


def is_localizer(header: SliceHeader) -> bool:
    """Whether it is a scout image."""
    return not _LOCALIZER_WORDS.isdisjoint(header.image_type)


def reformatted_words(header: SliceHeader) -> str:
    """Words of ImageType that say the image was made of other images; empty for a slice as reconstructed.

    DERIVED alone is no such word where the image was compressed with loss, since the standard then asks for
    it (PS3.3 C.7.6.1.1.5).
    """
    words = [word for word in header.image_type if word in _REFORMATTED_WORDS]
    if not words and header.image_type[:1] == ("DERIVED",) and not header.lossy:
        words = ["DERIVED"]
    return "\\".join(words)


def is_original_primary(header: SliceHeader) -> bool:
    """Whether ImageType says ORIGINAL and PRIMARY, or nothing."""
    return header.image_type[:2] in ((), ("ORIGINAL", "PRIMARY"))
