"""Chests to train on: a scan with its lung truth, and which parts of it say nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import DEFAULT_SCHEME, Label
from lesionseg.training.chests.lung_truth import lung_truth
from lesionseg.volume.ct_volume import CTVolume
from lesionseg.volume.orientation import standard_axis_order

Box = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]
"""Fractions of (slice, row, column) extent, each as (from, to), in standard axial order."""

WHOLE = (0.0, 1.0)


@dataclass(frozen=True)
class TrainingScan:
    """One chest in standard axial order.

    Attributes
    ----------
    hu : ndarray, int16, shape (slices, rows, columns)
    lung, ignored : ndarray of bool
        Lung truth; voxels whose truth is not known (real disease), left out of the loss.
    depth_mm : ndarray, float16
        Distance from the lung's surface, 0 outside.
    spacing_mm : tuple of float
        Along (slice, row, column).
    weight : float
        How often it is drawn, relative to the others.
    outlined : ndarray of uint8, optional
        Exclusive labels that a reader outlined; None for a clear chest.
    takes_lesions : bool
        Whether synthetic lesions may be drawn into it.
    """

    name: str
    hu: npt.NDArray[np.int16]
    lung: npt.NDArray[np.bool_]
    ignored: npt.NDArray[np.bool_]
    depth_mm: npt.NDArray[np.float16]
    spacing_mm: tuple[float, float, float]
    weight: float = 1.0
    outlined: npt.NDArray[np.uint8] | None = None
    takes_lesions: bool = True

    @cached_property
    def lung_cm2_per_slice(self) -> npt.NDArray[np.float64]:
        """Area of lung on every slice, shape (slices,)."""
        pixel_cm2 = self.spacing_mm[1] * self.spacing_mm[2] / 100.0
        return np.asarray(self.lung.sum(axis=(1, 2)) * pixel_cm2, dtype=np.float64)


def training_scan(
    volume: CTVolume,
    *,
    ignore: tuple[Box, ...] = (),
    lung: npt.NDArray[np.bool_] | None = None,
    weight: float = 1.0,
) -> TrainingScan:
    """Prepare a chest for training; without `lung` its lungs are found by classical steps.

    Parameters
    ----------
    volume : CTVolume
        Any acquisition orientation.
    ignore : tuple of Box
        Parts with real disease; everything in them is left out of the loss.
    lung : ndarray of bool, optional
        Known lung truth on the volume's own grid.
    """
    import edt

    order = standard_axis_order(volume.geometry)
    hu = np.ascontiguousarray(order.apply(volume.hu)).astype(np.int16)
    spacing_mm = order.apply_to_geometry(volume.geometry).spacing_mm
    if lung is None:
        mask, _ = lung_truth(hu, spacing_mm)
    else:
        mask = np.ascontiguousarray(order.apply(lung))
    ignored = np.zeros_like(mask)
    for box in ignore:
        ignored[_box_slices(box, hu.shape)] = True
    depth_mm = edt.edt(mask, anisotropy=spacing_mm).astype(np.float16)
    return TrainingScan(volume.name, hu, mask, ignored, depth_mm, spacing_mm, weight)


def outlined_scan(
    volume: CTVolume, labels: npt.NDArray[np.uint8], *, lungs_outlined: bool, takes_lesions: bool = False
) -> TrainingScan:
    """Prepare a chest whose lesions a reader outlined.

    Parameters
    ----------
    volume : CTVolume
    labels : ndarray, shape of the volume
        Exclusive labels; any value beyond them where the truth is unknown.
    lungs_outlined : bool
        If not, the lungs are found by classical steps and the outlined lesions are added to them.
    takes_lesions : bool
        Whether synthetic lesions may be drawn into it as well.
    """
    order = standard_axis_order(volume.geometry)
    known = np.ascontiguousarray(order.apply(labels))
    lesion = np.isin(known, DEFAULT_SCHEME.lesion)
    found = known == Label.LUNG if lungs_outlined else training_scan(volume).lung
    scan = training_scan(volume, lung=np.ascontiguousarray(order.undo(found | lesion)))
    outlined = scan.lung.astype(np.uint8) * np.uint8(Label.LUNG)
    outlined[lesion] = known[lesion]
    ignored = known > DEFAULT_SCHEME.maximum
    return replace(scan, outlined=outlined, ignored=ignored, takes_lesions=takes_lesions)


def save_training_scan(scan: TrainingScan, path: Path) -> None:
    """Write a prepared chest as a NumPy archive."""
    outlined: dict[str, Any] = {} if scan.outlined is None else {"outlined": scan.outlined}
    np.savez(
        path,
        name=scan.name,
        hu=scan.hu,
        lung=scan.lung,
        ignored=scan.ignored,
        depth_mm=scan.depth_mm,
        spacing_mm=scan.spacing_mm,
        weight=scan.weight,
        takes_lesions=scan.takes_lesions,
        **outlined,
    )


def load_training_scan(path: Path) -> TrainingScan:
    """Read what `save_training_scan` wrote; no pickled objects are accepted."""
    with np.load(path, allow_pickle=False) as stored:
        slice_mm, row_mm, column_mm = (float(step) for step in stored["spacing_mm"])
        return TrainingScan(
            name=str(stored["name"]),
            hu=stored["hu"],
            lung=stored["lung"],
            ignored=stored["ignored"],
            depth_mm=stored["depth_mm"],
            spacing_mm=(slice_mm, row_mm, column_mm),
            weight=float(stored["weight"]),
            outlined=stored.get("outlined"),
            takes_lesions=bool(stored.get("takes_lesions", True)),
        )


def _box_slices(box: Box, shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(
        slice(round(start * length), round(stop * length))
        for (start, stop), length in zip(box, shape, strict=True)
    )
