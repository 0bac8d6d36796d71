"""Checks of attributes: everything the slices must carry, and everything they must agree on."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lesionseg.core.errors import (
    GeometryError,
    IntensityError,
    MissingGeometryError,
    MixedSliceError,
    PixelDataError,
)
from lesionseg.dicom.headers import Rescale, SliceHeader
from lesionseg.dicom.image_kinds import is_localizer, reformatted_words

MAXIMUM_MATRIX: Final = 4096
"""Most rows or columns; clinical CT reconstructs up to 2048."""
COSINE_TOLERANCE: Final = 1e-3
"""Rounding of direction cosines to three decimals, the coarsest met; beyond it vectors differ."""
SPACING_TOLERANCE: Final = 1e-3
"""Relative difference of pixel spacings that rounding explains: 0.4 mm over 400 mm."""
MAXIMUM_SPACING_MM: Final = 50.0
MAXIMUM_POSITION_MM: Final = 1e5
"""A hundred metres: anything beyond is damage."""
MAXIMUM_SLOPE: Final = 1000.0
MAXIMUM_INTERCEPT_HU: Final = 70_000.0
"""Beyond 16 bits plus the usual offset no scale is Hounsfield's."""
_SHOWN: Final = 3


def check_attributes(slices: Sequence[SliceHeader], case: str) -> None:
    """Check slice by slice and then across slices, in the order in which messages help most.

    Raises
    ------
    MixedSliceError
        If localizers, derived images or slices that disagree are mixed in.
    MissingGeometryError, GeometryError
        If position, orientation or pixel spacing is absent or impossible.
    PixelDataError
        If the pixel layout is not that of a CT image.
    IntensityError
        If values cannot be turned into Hounsfield units.
    """
    _check_kinds(slices, case)
    for header in slices:
        _check_plane(header, case)
        _check_layout(header, case)
    _check_rescale(slices, case)
    for rule in _SHARED:
        _check_shared(slices, rule, case)


def named(headers: Sequence[SliceHeader]) -> str:
    """Name a few slices for a message."""
    names = ", ".join(f"{header.name} at {header.place}" for header in headers[:_SHOWN])
    more = len(headers) - _SHOWN
    return f"{names} and {more} more" if more > 0 else names


def _check_kinds(slices: Sequence[SliceHeader], case: str) -> None:
    for label, test in (("localizers", is_localizer), ("reformatted or derived images", reformatted_words)):
        odd = [header for header in slices if test(header)]
        if odd and len(odd) < len(slices):
            raise MixedSliceError(
                f"{label} are mixed into the series",
                case=case,
                expected="slices of one acquisition only",
                found=f"{len(odd)} of {len(slices)}: {named(odd)}",
                remedy="Move these files out of the folder",
            )


def _check_plane(header: SliceHeader, case: str) -> None:
    plane = header.plane
    attributes = {
        "ImagePositionPatient": plane.position_mm,
        "ImageOrientationPatient": plane.orientation,
        "PixelSpacing": plane.pixel_spacing_mm,
    }
    absent = [name for name, value in attributes.items() if value is None]
    if absent or plane.position_mm is None or plane.orientation is None or plane.pixel_spacing_mm is None:
        raise MissingGeometryError(
            f"a slice has no usable {' and no '.join(absent)}",
            case=case,
            found=named([header]),
            remedy="Export the original images from the scanner or archive; lesionseg guesses no geometry",
        )
    row, column = np.array(plane.orientation[:3]), np.array(plane.orientation[3:])
    products = (row @ row - 1, column @ column - 1, row @ column)
    if max(abs(product) for product in products) > 2 * COSINE_TOLERANCE:
        raise GeometryError(
            "the row and column directions of a slice are not unit vectors at right angles",
            case=case,
            found=f"{named([header])}: {list(plane.orientation)}",
            remedy="Export the original images",
        )
    spacing_possible = all(0 < spacing <= MAXIMUM_SPACING_MM for spacing in plane.pixel_spacing_mm)
    if not spacing_possible or max(abs(coordinate) for coordinate in plane.position_mm) > MAXIMUM_POSITION_MM:
        raise GeometryError(
            "pixel spacing or position of a slice is impossible",
            case=case,
            found=f"{header.name}: spacing {list(plane.pixel_spacing_mm)} mm, "
            f"position {list(plane.position_mm)} mm",
            remedy="Export the original images",
        )


def _check_layout(header: SliceHeader, case: str) -> None:
    pixels = header.pixels
    rows, columns = pixels.rows or 0, pixels.columns or 0
    allocated, stored = pixels.bits_allocated or 0, pixels.bits_stored or 0
    high_bit = stored - 1 if pixels.high_bit is None else pixels.high_bit
    rules = (
        (1 < rows <= MAXIMUM_MATRIX and 1 < columns <= MAXIMUM_MATRIX,
         f"2 to {MAXIMUM_MATRIX} rows and columns", f"{pixels.rows} x {pixels.columns}"),
        (pixels.samples_per_pixel in (None, 1), "one sample per pixel", str(pixels.samples_per_pixel)),
        (pixels.photometric_interpretation in ("MONOCHROME1", "MONOCHROME2"),
         "MONOCHROME2", pixels.photometric_interpretation or "nothing"),
        (allocated in (8, 16), "8 or 16 bits allocated", str(pixels.bits_allocated)),
        (1 < stored <= high_bit + 1 <= allocated, "bits stored and high bit within the bits allocated",
         f"stored {pixels.bits_stored}, high bit {pixels.high_bit}, allocated {pixels.bits_allocated}"),
        (pixels.pixel_representation in (0, 1),
         "signed or unsigned values", str(pixels.pixel_representation)),
        (header.source.offset is not None, "pixel data", "none"),
    )  # fmt: skip
    for holds, expected, found in rules:
        if not holds:
            raise PixelDataError(
                "a slice does not hold the pixels of a CT image",
                case=case,
                expected=expected,
                found=f"{named([header])}: {found}",
                remedy="Export the original images",
            )


def _check_rescale(slices: Sequence[SliceHeader], case: str) -> None:
    missing = [header for header in slices if None in (header.rescale.slope, header.rescale.intercept)]
    if missing:
        raise IntensityError(
            "rescale slope or intercept is missing",
            case=case,
            expected="both on every slice",
            found=f"missing on {len(missing)} of {len(slices)}: {named(missing)}",
            remedy="Export the original images; Hounsfield units cannot be guessed",
        )
    strange = [header for header in slices if not _is_hounsfield(header.rescale)]
    if strange:
        rescale = strange[0].rescale
        table = ", lookup table" if rescale.lookup_table else ""
        raise IntensityError(
            "the values are not Hounsfield units",
            case=case,
            expected="rescale type HU and a plausible linear rescale",
            found=f"slope {rescale.slope}, intercept {rescale.intercept}, type {rescale.type or 'not given'}"
            f"{table} on {len(strange)} of {len(slices)}: {named(strange)}",
            remedy="Choose a CT series in Hounsfield units",
        )


def _is_hounsfield(rescale: Rescale) -> bool:
    """CT values are HU where RescaleType is HU or absent (PS3.3 C.8.2.1, C.11.1.1.2)."""
    slope, intercept = rescale.slope or 0.0, rescale.intercept or 0.0
    possible = 0 < slope <= MAXIMUM_SLOPE and abs(intercept) <= MAXIMUM_INTERCEPT_HU
    return possible and rescale.type in ("", "HU") and not rescale.lookup_table


@dataclass(frozen=True)
class _Rule:
    """An attribute that all slices of one acquisition share, and how far rounding may part them."""

    name: str
    of: Callable[[SliceHeader], Hashable]
    absolute: float = 0.0
    relative: float = 0.0

    def agree(self, found: Hashable, usual: Hashable) -> bool:
        if found == usual:
            return True
        if isinstance(found, tuple) and isinstance(usual, tuple) and len(found) == len(usual):
            return all(self.agree(a, b) for a, b in zip(found, usual, strict=True))
        if isinstance(found, float) and isinstance(usual, float):
            return math.isclose(found, usual, rel_tol=self.relative, abs_tol=self.absolute)
        return False


_SHARED: Final = (
    _Rule("patient", lambda header: header.identity.patient_id),
    _Rule("study", lambda header: header.identity.study_uid),
    _Rule("orientation", lambda header: header.plane.orientation, absolute=COSINE_TOLERANCE),
    _Rule("matrix size", lambda header: (header.pixels.rows, header.pixels.columns)),
    _Rule("pixel spacing", lambda header: header.plane.pixel_spacing_mm, relative=SPACING_TOLERANCE),
    _Rule("frame of reference", lambda header: header.identity.frame_of_reference_uid),
    _Rule("rescale type", lambda header: header.rescale.type),
    _Rule("photometric interpretation", lambda header: header.pixels.photometric_interpretation),
    _Rule("patient position", lambda header: header.acquisition.patient_position),
    _Rule("convolution kernel", lambda header: header.acquisition.kernel),
    _Rule("slice thickness", lambda header: header.acquisition.slice_thickness_mm, absolute=0.01),
    _Rule("contrast agent", lambda header: header.acquisition.contrast_agent),
)


def _check_shared(slices: Sequence[SliceHeader], rule: _Rule, case: str) -> None:
    usual = Counter(rule.of(header) for header in slices).most_common(1)[0][0]
    odd = [header for header in slices if not rule.agree(rule.of(header), usual)]
    if odd:
        raise MixedSliceError(
            f"the slices differ in {rule.name}",
            case=case,
            expected=f"{_shown(usual)} as on {len(slices) - len(odd)} slices",
            found=f"{_shown(rule.of(odd[0]))} on {len(odd)}: {named(odd)}",
            remedy="Move the files of the other acquisition out of the folder",
        )


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " x ".join(_shown(part) for part in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if value not in ("", None) else "nothing"
