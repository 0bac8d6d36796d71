"""Checks of the stack: slices in order along their normal, evenly spaced, straight, none missing or twice.

Positions alone decide. With unit normal n, the cross product of row and column, and the position p of each
slice, its place along the normal is n·p; what remains of p across the stack is sideways drift.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import (
    DuplicatePositionError,
    GantryTiltError,
    GeometryError,
    MissingSlicesError,
    MixedSliceError,
    TooFewSlicesError,
    UnevenSpacingError,
)
from lesionseg.dicom.attributes import named
from lesionseg.dicom.headers import SliceHeader
from lesionseg.volume import VolumeGeometry

Positions = npt.NDArray[np.float64]

SAME_POSITION_MM: Final = 0.01
"""Slices nearer than this lie at one position; the thinnest real distance is 0.1 mm."""
POSITION_ROUNDING_MM: Final = 0.1
"""Positions written with one decimal, the coarsest met, are off by half of this each."""
GRID_TOLERANCE: Final = 0.25
"""A slice may be off its place by at most this part of the spacing, however coarse the rounding."""
DRIFT_TOLERANCE: Final = 1e-3
"""Sideways drift per mm of stack that rounding of direction cosines explains (0.06 degrees)."""
_SHOWN_GAPS: Final = 3


@dataclass(frozen=True)
class Stack:
    """Slices in order along their normal.

    Attributes
    ----------
    slices : tuple of SliceHeader
    row, column, normal : ndarray, shape (3,)
        Unit directions along a row, along a column, and across slices, in LPS.
    along_mm : ndarray, shape (slices,)
        Place of each slice along the normal, ascending.
    sideways_mm : ndarray, shape (slices, 3)
        Drift of each slice within its plane against the first.
    """

    slices: tuple[SliceHeader, ...]
    row: Positions
    column: Positions
    normal: Positions
    along_mm: Positions
    sideways_mm: Positions

    @property
    def spacing_mm(self) -> float:
        """Mean distance between neighbours along the normal; thickness or 1 mm for a single slice."""
        if len(self.slices) > 1:
            return float(self.along_mm[-1] - self.along_mm[0]) / (len(self.slices) - 1)
        return self.slices[0].acquisition.slice_thickness_mm or 1.0

    @property
    def tilt_deg(self) -> float:
        """Angle between the line through the slices' corners and their normal."""
        extent_mm = float(self.along_mm[-1] - self.along_mm[0])
        return math.degrees(math.atan2(float(np.linalg.norm(self.sideways_mm[-1])), extent_mm))


def order_slices(slices: Sequence[SliceHeader]) -> Stack:
    """Put attribute-checked slices in order along the cross product of row and column direction."""
    orientation = np.array(slices[0].plane.orientation, dtype=np.float64)
    row = orientation[:3] / np.linalg.norm(orientation[:3])
    column = orientation[3:] / np.linalg.norm(orientation[3:])
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    positions = np.array([header.plane.position_mm for header in slices], dtype=np.float64)
    order = np.lexsort((range(len(slices)), positions @ normal))
    ordered = positions[order]
    offsets = ordered - ordered[0]
    sideways = offsets - np.outer(offsets @ normal, normal)
    return Stack(tuple(slices[i] for i in order), row, column, normal, ordered @ normal, sideways)


def geometry_of(stack: Stack) -> VolumeGeometry:
    """Geometry of a straight stack: first slice's corner, pixel spacing, mean distance of slices."""
    first = stack.slices[0]
    if first.plane.pixel_spacing_mm is None or first.plane.position_mm is None:
        raise GeometryError("the slices have no pixel spacing or position", case=first.name)
    between_rows_mm, between_columns_mm = first.plane.pixel_spacing_mm
    affine = np.eye(4)
    affine[:3, 0] = stack.normal * stack.spacing_mm
    affine[:3, 1] = stack.column * between_rows_mm
    affine[:3, 2] = stack.row * between_columns_mm
    affine[:3, 3] = first.plane.position_mm
    shape = (len(stack.slices), first.pixels.rows or 0, first.pixels.columns or 0)
    return VolumeGeometry(shape, affine, first.identity.frame_of_reference_uid)


def duplicates_in(stack: Stack) -> tuple[tuple[SliceHeader, SliceHeader], ...]:
    """Neighbours that lie at one position along the normal."""
    near = np.flatnonzero(np.diff(stack.along_mm) < SAME_POSITION_MM)
    return tuple((stack.slices[i], stack.slices[i + 1]) for i in near)


def duplicate_error(stack: Stack, pixels: str, case: str) -> DuplicatePositionError:
    """Describe duplicated positions; `pixels` says whether the first pair's pixels agree."""
    pairs = duplicates_in(stack)
    first, second = pairs[0]
    numbers = sorted({first.acquisition_number, second.acquisition_number})
    apart = f"; they are of acquisitions {' and '.join(numbers)}" if len(numbers) > 1 else ""
    return DuplicatePositionError(
        "slices lie at the same position",
        case=case,
        expected="one slice at each position",
        found=f"{len(pairs)} duplicated, first at {first.place}: {first.name} and {second.name} "
        f"with {pixels} pixels{apart}",
        remedy="Remove the copies, or separate the two acquisitions; --repair duplicates drops equal copies",
    )


def check_spacing(stack: Stack, case: str) -> None:
    """Refuse gaps and uneven spacing. Duplicated positions are to be dealt with before.

    Raises
    ------
    MissingSlicesError
        If gaps are whole multiples of the distance between slices.
    UnevenSpacingError
        If they are not.
    """
    if len(stack.slices) < 2:
        return
    gaps = np.diff(stack.along_mm)
    even = stack.along_mm[0] + stack.spacing_mm * np.arange(len(stack.slices))
    off_grid = float(np.abs(stack.along_mm - even).max())
    off_gap = float(np.abs(gaps - stack.spacing_mm).max())
    tolerance = _tolerance_mm(stack.spacing_mm)
    if off_grid <= tolerance and off_gap <= tolerance:
        return
    step = float(np.median(gaps[gaps <= gaps.min() * (1 + GRID_TOLERANCE)]))
    steps = np.rint(gaps / step).astype(np.int64)
    if np.abs(gaps - steps * step).max() <= _tolerance_mm(step) and steps.max() > 1:
        raise _missing(stack, gaps, steps, step, case)
    raise _uneven(stack, gaps, off_grid, case)


def check_straight(stack: Stack, case: str) -> None:
    """Refuse stacks whose slices drift sideways.

    Raises
    ------
    GantryTiltError
        If the drift grows evenly along the stack.
    MixedSliceError
        If it does not.
    """
    if is_straight(stack):
        return
    along = stack.along_mm - stack.along_mm[0]
    drift_per_mm = along @ stack.sideways_mm / (along @ along)
    residual = np.linalg.norm(stack.sideways_mm - np.outer(along, drift_per_mm), axis=1)
    if residual.max() <= POSITION_ROUNDING_MM + DRIFT_TOLERANCE * along[-1]:
        raise GantryTiltError(
            "the slices were taken with tilted gantry",
            case=case,
            expected="slices stacked straight along their normal",
            found=f"a tilt of {stack.tilt_deg:.1f} degrees",
            remedy="Pass --repair tilt to straighten the stack by resampling; the repair is recorded",
        )
    worst = int(np.linalg.norm(np.diff(stack.sideways_mm, axis=0), axis=1).argmax()) + 1
    raise MixedSliceError(
        "slices are displaced sideways against each other",
        case=case,
        expected="one straight stack",
        found=f"a step of {np.linalg.norm(np.diff(stack.sideways_mm, axis=0)[worst - 1]):.1f} mm "
        f"at {stack.slices[worst].place} ({stack.slices[worst].name})",
        remedy="Separate the acquisitions that were merged into this series",
    )


def is_straight(stack: Stack) -> bool:
    """Whether no slice drifts sideways by more than rounding explains."""
    drift = np.linalg.norm(stack.sideways_mm, axis=1)
    allowed = POSITION_ROUNDING_MM + DRIFT_TOLERANCE * (stack.along_mm - stack.along_mm[0])
    return bool((drift <= allowed).all())


def check_not_interleaved(stack: Stack, case: str) -> None:
    """Refuse two acquisitions whose slices alternate, which positions alone cannot show.

    Raises
    ------
    MixedSliceError
        If an acquisition number returns after another one came between.
    """
    numbers = [header.acquisition_number for header in stack.slices]
    runs = 1 + sum(a != b for a, b in pairwise(numbers))
    distinct = sorted(set(numbers))
    if runs > len(distinct):
        raise MixedSliceError(
            "slices of several acquisitions alternate",
            case=case,
            expected="one acquisition, or several one after the other",
            found=f"acquisition numbers {', '.join(distinct)} in {runs} stretches",
            remedy="Separate the acquisitions that were merged into this series",
        )


def check_count(stack: Stack, minimum: int, case: str) -> None:
    """Refuse stacks of fewer than `minimum` slices.

    Raises
    ------
    TooFewSlicesError
    """
    if len(stack.slices) < minimum:
        raise TooFewSlicesError(
            "there are too few slices to make a volume",
            case=case,
            expected=f"at least {minimum}",
            found=f"{len(stack.slices)}: {named(stack.slices)}",
            remedy="Name the folder that holds the whole series",
        )


def _tolerance_mm(spacing_mm: float) -> float:
    return min(POSITION_ROUNDING_MM, GRID_TOLERANCE * spacing_mm)


def _missing(
    stack: Stack, gaps: Positions, steps: npt.NDArray[np.int64], step: float, case: str
) -> MissingSlicesError:
    places = np.flatnonzero(steps > 1)
    shown = "; ".join(
        f"{steps[i] - 1} between {stack.slices[i].place} and {stack.slices[i + 1].place} ({gaps[i]:.2f} mm)"
        for i in places[:_SHOWN_GAPS]
    )
    more = f"; and {len(places) - _SHOWN_GAPS} more gaps" if len(places) > _SHOWN_GAPS else ""
    count = int((steps - 1).sum())
    return MissingSlicesError(
        f"{count} slices are missing" if count > 1 else "a slice is missing",
        case=case,
        expected=f"a slice every {step:.2f} mm",
        found=f"{shown}{more}",
        remedy="Fetch the whole series from the archive again",
    )


def _uneven(stack: Stack, gaps: Positions, off_grid: float, case: str) -> UnevenSpacingError:
    usual = float(np.median(gaps))
    worst = int(np.abs(gaps - usual).argmax())
    return UnevenSpacingError(
        "the distance between slices varies",
        case=case,
        expected=f"{usual:.2f} mm throughout",
        found=f"{gaps.min():.2f} to {gaps.max():.2f} mm; {gaps[worst]:.2f} mm between "
        f"{stack.slices[worst].place} and {stack.slices[worst + 1].place}; "
        f"slices up to {off_grid:.2f} mm off an even grid",
        remedy="Separate the acquisitions that were merged, or reconstruct the series with even spacing",
    )
