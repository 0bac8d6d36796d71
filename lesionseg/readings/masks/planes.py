"""Where each frame of a DICOM segmentation lies in the scan's array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import MaskMismatchError
from lesionseg.readings.masks.lattice import GridFit, fit_grid
from lesionseg.readings.masks.misfit import fit_or_refuse, misfit_error
from lesionseg.readings.masks.reader_mask import Misfit, ReferenceScan
from lesionseg.readings.masks.seg_header import SegFrame, SegHeader
from lesionseg.volume import VolumeGeometry


@dataclass(frozen=True)
class FramePlace:
    """How one frame lies in the scan's array."""

    fit: GridFit

    @property
    def scan_slice(self) -> int | None:
        """The slice of the scan that the frame covers; None where it cuts across slices."""
        return self.fit.start[0] if self.fit.shape[0] == 1 else None


def place_frames(header: SegHeader, scan: ReferenceScan, case: str) -> list[FramePlace]:
    """Find every frame's place.

    Raises
    ------
    MaskMismatchError
        If a frame lies off the scan's voxels; the message describes the whole stack of frames.
    """
    deviations_mm = slice_deviations_mm(scan)
    places = []
    for frame in header.frames:
        grid = _frame_grid(frame, header, scan.geometry)
        fit = _fit(grid, scan.geometry, deviations_mm)
        if fit is None or fit.moved_axes:
            raise _misfit(header, scan, case)
        places.append(FramePlace(fit))
    return places


def _fit(
    grid: VolumeGeometry, scan: VolumeGeometry, deviations_mm: npt.NDArray[np.float64]
) -> GridFit | None:
    fit = fit_grid(grid, scan)
    if fit is not None or not len(deviations_mm):
        return fit
    # frames carry their slice's own position, which may lie a rounding off the scan's even spacing
    nearest = int(np.clip(np.rint(scan.lps_to_index(grid.origin_lps_mm))[0], 0, len(deviations_mm) - 1))
    affine = np.array(grid.affine)
    affine[:3, 3] -= deviations_mm[nearest]
    return fit_grid(VolumeGeometry(grid.shape, affine), scan)


def slice_deviations_mm(scan: ReferenceScan) -> npt.NDArray[np.float64]:
    """How far each slice's own position lies from its place in the even grid, shape (slices, 3)."""
    if scan.series is None or len(scan.series.slices) != scan.geometry.shape[0]:
        return np.empty((0, 3))
    own = np.array([part.position_mm for part in scan.series.slices])
    even = scan.geometry.index_to_lps([(index, 0, 0) for index in range(len(own))])
    deviations = own - even
    # a straightened tilt moved slices within their plane: nothing that a mask may follow
    limit_mm = 0.5 * scan.geometry.spacing_mm[0]
    return deviations if np.linalg.norm(deviations, axis=1).max() < limit_mm else np.empty((0, 3))


def _frame_grid(frame: SegFrame, header: SegHeader, scan: VolumeGeometry) -> VolumeGeometry:
    """One frame as a grid of one slice; across it, the scan's spacing in that direction."""
    row, column = np.array(frame.orientation[:3]), np.array(frame.orientation[3:])
    across = np.cross(row, column)
    affine = np.eye(4)
    nearest_axis = int(np.argmax(np.abs(scan.direction.T @ across)))
    affine[:3, 0] = across / np.linalg.norm(across) * scan.spacing_mm[nearest_axis]
    affine[:3, 1] = column * frame.spacing_mm[0]
    affine[:3, 2] = row * frame.spacing_mm[1]
    affine[:3, 3] = frame.position_mm
    return VolumeGeometry((1, header.rows, header.columns), affine)


def _misfit(header: SegHeader, scan: ReferenceScan, case: str) -> MaskMismatchError:
    """Describe the stack of frames; where it is no even stack, the first frame that does not fit."""
    stack = _stack(header, scan.geometry)
    if stack is not None:
        try:
            fit_or_refuse(stack, scan, case)
        except MaskMismatchError as error:
            return error
    for frame in header.frames:
        grid = _frame_grid(frame, header, scan.geometry)
        fit = fit_grid(grid, scan.geometry)
        if fit is None or fit.moved_axes:
            return misfit_error(grid, scan, case)
    return MaskMismatchError("the frames do not lie on the scan's slices", reason=Misfit.SHIFTED, case=case)


def _stack(header: SegHeader, scan: VolumeGeometry) -> VolumeGeometry | None:
    """Return the even grid that all frames lie on, if there is one."""
    first = _frame_grid(header.frames[0], header, scan)
    normal = first.direction[:, 0]
    positions = np.unique(np.round([np.dot(frame.position_mm, normal) for frame in header.frames], 3))
    steps = np.diff(positions)
    if not len(steps):
        return None
    step = float(steps.min())
    count = round(float(positions[-1] - positions[0]) / step) + 1
    lowest = min(header.frames, key=lambda frame: float(np.dot(frame.position_mm, normal)))
    affine = np.array(first.affine)
    affine[:3, 0] = normal * step
    affine[:3, 3] = lowest.position_mm
    return VolumeGeometry((count, header.rows, header.columns), affine)
