"""RT structure sets onto the scan's grid: contours in the planes of its slices, filled at voxel centres."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from lesionseg.core.errors import MaskMismatchError
from lesionseg.dicom.settings import Note
from lesionseg.readings.masks.contours import Polygon, fill
from lesionseg.readings.masks.dicom_file import damage_named
from lesionseg.readings.masks.drawing import Drawing
from lesionseg.readings.masks.identity import ScanIdentity, check_sources
from lesionseg.readings.masks.lattice import LATTICE_TOLERANCE_MM
from lesionseg.readings.masks.layers import Layers
from lesionseg.readings.masks.mapping import Region, SegmentMapping
from lesionseg.readings.masks.planes import slice_deviations_mm
from lesionseg.readings.masks.reader_mask import FoundSegment, MaskFormat, Misfit, ReferenceScan
from lesionseg.readings.masks.rtstruct_header import Contour, read_structure_set
from lesionseg.readings.masks.segments import DeclaredSegment, meanings

CLOSED: Final = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
SLIVER: Final = 0.02
"""Contours of one region that share less than this part of the smaller one touch; they do not cross."""
_Plane = npt.NDArray[np.bool_]
_SlicePolygons = dict[int, list[Polygon]]


def read_rtstruct(
    dataset: Dataset, path: Path, scan: ReferenceScan, mapping: SegmentMapping | None
) -> Drawing:
    """Read a structure set.

    Contours within contours of one region are holes; contours beside each other are parts of it.

    Raises
    ------
    MaskMismatchError
        If it does not belong to the scan, a contour lies off the slices or beyond the scan, contours of one
        region cross each other, or slices are left out at regular distances.
    UnreadableFileError
        If it is damaged.
    """
    case = str(path)
    with damage_named(path, "structure set"):
        structures = read_structure_set(dataset, case)
    notes = list(check_sources(structures.sources, scan, case))
    told = meanings(structures.regions, mapping, case)
    layers = Layers.on(scan.geometry.shape)
    layers.told |= {meaning.region for meaning in told.values()}
    slicer = _Slicer(scan, case)
    found: list[FoundSegment] = []
    for roi in structures.regions:
        meaning, voxels = told[roi.number], 0
        drawn = structures.contours.get(roi.number, ()) if meaning.region != Region.BACKGROUND else ()
        polygons = slicer.polygons(roi, drawn)
        notes += _gap_notes(roi, sorted(polygons), case)
        for index, on_slice in sorted(polygons.items()):
            inside = slicer.filled(roi, on_slice, index)
            layers.add(meaning.region, inside[None], slicer.part(index))
            voxels += int(np.count_nonzero(inside))
        found.append(meaning.found(roi, voxels))
    return Drawing(MaskFormat.RTSTRUCT, layers, tuple(found), tuple(notes))


class _Slicer:
    """Finds the slice of each contour, and fills the contours of one slice."""

    def __init__(self, scan: ReferenceScan, case: str) -> None:
        self._scan = scan
        self._case = case
        self._deviations_mm = slice_deviations_mm(scan)
        self._slice_of = ScanIdentity.of(scan).slice_of

    def part(self, index: int) -> tuple[slice, slice, slice]:
        _, rows, columns = self._scan.geometry.shape
        return slice(index, index + 1), slice(0, rows), slice(0, columns)

    def polygons(self, roi: DeclaredSegment, contours: tuple[Contour, ...]) -> _SlicePolygons:
        """Return the contours of a region by slice, in fractions of rows and columns."""
        by_slice: _SlicePolygons = {}
        for contour in contours:
            self._refuse_other_kind(roi, contour)
            index = self._slice(roi, contour)
            by_slice.setdefault(index, []).append(self._in_plane(roi, contour, index))
        return by_slice

    def filled(self, roi: DeclaredSegment, polygons: list[Polygon], index: int) -> _Plane:
        """Fill all contours of a region on one slice."""
        shape = self._scan.geometry.shape[1:]
        if len(polygons) > 1:
            self._refuse_crossing(roi, [fill([polygon], shape) for polygon in polygons], index)
        return fill(polygons, shape)

    def _slice(self, roi: DeclaredSegment, contour: Contour) -> int:
        geometry = self._scan.geometry
        places = geometry.lps_to_index(contour.points_mm)[:, 0]
        index = round(float(np.median(places)))
        if not 0 <= index < geometry.shape[0]:
            raise self._misfit(Misfit.OUTSIDE, roi, "reaches beyond the scan's slices", f"on slice {index}")
        own_mm = 0.0
        if len(self._deviations_mm):
            own_mm = float(self._deviations_mm[index] @ geometry.direction[:, 0])
        off_mm = (places - index) * geometry.spacing_mm[0]
        farthest = min(np.abs(off_mm).max(), np.abs(off_mm - own_mm).max())
        if farthest > LATTICE_TOLERANCE_MM:
            raise self._misfit(
                Misfit.SHIFTED,
                roi,
                "does not lie in the plane of a slice",
                f"{farthest:.2f} mm off slice {index}",
                f"every point within {LATTICE_TOLERANCE_MM:g} mm of one slice",
            )
        self._refuse_moved(roi, contour, index)
        return index

    def _refuse_moved(self, roi: DeclaredSegment, contour: Contour, index: int) -> None:
        sources = {self._slice_of[key] for key in contour.drawn_on if key in self._slice_of}
        if len(sources) == 1 and sources != {index}:
            (source,) = sources
            away_mm = abs(source - index) * self._scan.geometry.spacing_mm[0]
            found = f"it lies on slice {index}, {away_mm:.1f} mm away"
            raise self._misfit(
                Misfit.SHIFTED, roi, "lies on another slice than it names", found, f"slice {source}"
            )

    def _in_plane(self, roi: DeclaredSegment, contour: Contour, index: int) -> Polygon:
        geometry = self._scan.geometry
        polygon = geometry.lps_to_index(contour.points_mm)[:, 1:]
        size = np.asarray(geometry.shape[1:])
        beyond = np.maximum(-0.5 - polygon, polygon - (size - 0.5)).max()
        if beyond > 1:
            raise self._misfit(
                Misfit.OUTSIDE,
                roi,
                "reaches beyond the scan",
                f"{beyond:.0f} voxels beyond the edge of slice {index}",
            )
        return np.asarray(polygon)

    def _refuse_other_kind(self, roi: DeclaredSegment, contour: Contour) -> None:
        if contour.kind not in CLOSED or len(contour.points_mm) < 3:
            raise self._misfit(
                Misfit.AMBIGUOUS,
                roi,
                "is no closed planar contour",
                f"{contour.kind or 'no kind'} of {len(contour.points_mm)} points",
                " or ".join(CLOSED),
            )

    def _refuse_crossing(self, roi: DeclaredSegment, planes: list[_Plane], index: int) -> None:
        for position, first in enumerate(planes):
            for second in planes[position + 1 :]:
                smaller = int(min(first.sum(), second.sum()))
                common = int(np.count_nonzero(first & second))
                if SLIVER * smaller < common < (1 - SLIVER) * smaller:
                    raise self._misfit(
                        Misfit.AMBIGUOUS,
                        roi,
                        "crosses another one of the same region",
                        f"{common} of {smaller} voxels shared on slice {index}",
                        "contours beside or within each other",
                    )

    def _misfit(
        self, reason: Misfit, roi: DeclaredSegment, problem: str, found: str, expected: str = ""
    ) -> MaskMismatchError:
        return MaskMismatchError(
            f"a contour of {roi.called} {problem}",
            reason=reason,
            case=self._case,
            expected=expected or f"contours within {self._scan.name}",
            found=found,
            remedy="Check that mask and scan belong together, and draw on the scan's own slices",
        )


def _gap_notes(roi: DeclaredSegment, slices: list[int], case: str) -> list[Note]:
    """Refuse contours on every second or third slice only; note single gaps, which two lesions leave too."""
    steps = np.diff(slices)
    if len(steps) > 1 and steps.min() > 1 and len(set(steps.tolist())) == 1:
        raise MaskMismatchError(
            f"the contours of {roi.called} leave slices out",
            reason=Misfit.SLICES,
            case=case,
            expected="a contour on every slice that the region reaches",
            found=f"contours {steps[0]} slices apart, on slices {slices[0]} to {slices[-1]}",
            remedy="Interpolate the contours where they were drawn: nothing is filled in here",
        )
    gaps = [slices[place] + 1 for place in np.flatnonzero(steps > 1).tolist()]
    if not gaps:
        return []
    shown = ", ".join(map(str, gaps[:5])) + (" …" if len(gaps) > 5 else "")
    return [Note("slice-gap", f"no contour of {roi.called} between others, from slice {shown} on")]
