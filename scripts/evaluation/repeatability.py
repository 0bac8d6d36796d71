"""Row 8: one scan, P001, altered in ways that change no disease; how far do the proportions move?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from lesionseg.segmentation.resampling import resample
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, standard_axis_order
from scripts.evaluation.figures import REAL, Figure, groups
from scripts.evaluation.inputs import Inputs, standard
from scripts.evaluation.methods import Bench
from scripts.evaluation.scores import Overlap, share_pct

ROW = 8
DATA = "P001, altered"
NOISE_HU, NOISE_SEED = 20.0, 8
ROTATION_DEG = 5.0
SLICE_MM = (1.5, 3.0, 5.0)
AIR_HU = -1024.0
LOWEST_HU, HIGHEST_HU = -1024, 3071


@dataclass(frozen=True)
class Altered:
    """An altered scan, and how its labels come back onto the original grid, where they can exactly."""

    volume: CTVolume
    undo: Callable[[np.ndarray], np.ndarray] | None = None


def figures(bench: Bench, inputs: Inputs) -> Iterator[Figure]:
    """Yield both proportions as it is and altered, their spread, and overlaps where the grids agree."""
    scan = in_standard_order(inputs.p001)
    bases = {
        method: LabelMap(standard(inputs.p001, labels.labels), scan.geometry)
        for method, labels in bench.label_maps(inputs.p001, keep=True)
    }
    found = [figure for method, base in bases.items() for figure in _shares(method, "as it is", base)]
    for name, altered in alterations(scan):
        for method, labels in bench.label_maps(altered.volume):
            found += _shares(method, name, labels)
            if altered.undo is not None:
                value = Overlap.of(altered.undo(labels.lesion), bases[method].lesion).dice
                yield Figure(ROW, REAL, method, DATA, "Dice lesion with the scan as it is", value, case=name)
    yield from found
    yield from spread(found)


def spread(found: list[Figure]) -> Iterator[Figure]:
    """Mean and standard deviation (n - 1) of each proportion over the scan and its alterations."""
    for group in groups(found):
        values = np.array([figure.value for figure in group])
        region = group[0].measure.removesuffix(", %")
        for measure, value in (
            (f"{region}, mean, %", values.mean()),
            (f"{region}, SD, pp", values.std(ddof=1)),
        ):
            yield replace(group[0], measure=measure, value=float(value), case="", count=len(values))


def _shares(method: str, name: str, labels: LabelMap) -> list[Figure]:
    return [
        Figure(ROW, REAL, method, DATA, f"{region} proportion, %",
               share_pct(getattr(labels, region), labels.lung), case=name)
        for region in ("lesion", "solid")
    ]  # fmt: skip


def alterations(volume: CTVolume) -> Iterator[tuple[str, Altered]]:
    """Yield every alteration of a scan in standard axial order."""
    for slice_mm in SLICE_MM:
        yield f"slices of {slice_mm:g} mm", Altered(_named(resliced(volume, slice_mm), f"{slice_mm:g}mm"))
    noise = NOISE_HU * np.random.default_rng(NOISE_SEED).standard_normal(volume.hu.shape, np.float32)
    yield (
        f"noise of {NOISE_HU:g} HU",
        Altered(_with_hu(volume, volume.hu + noise, "noise"), lambda mask: mask),
    )
    for name, shift in (("half a pixel", (0.0, 0.5, 0.5)), ("half a slice", (0.5, 0.0, 0.0))):
        yield f"shifted by {name}", Altered(_with_hu(volume, _shifted(volume.hu, shift), name))
    yield (
        "mirrored",
        Altered(_with_hu(volume, volume.hu[..., ::-1], "mirrored"), lambda mask: mask[..., ::-1]),
    )
    yield f"rotated by {ROTATION_DEG:g} degrees", Altered(_with_hu(volume, _rotated(volume), "rotated"))


def in_standard_order(volume: CTVolume) -> CTVolume:
    """Return the same scan with its axes in standard axial order."""
    geometry = standard_axis_order(volume.geometry).apply_to_geometry(volume.geometry)
    return CTVolume(standard(volume, volume.hu), geometry, volume.name, volume.acquisition)


def resliced(volume: CTVolume, slice_mm: float) -> CTVolume:
    """Bring a scan to the number of slices that makes them about `slice_mm` apart over the same extent."""
    old = volume.geometry
    slices = max(2, round(old.shape[0] * old.spacing_mm[0] / slice_mm))
    scale = old.shape[0] / slices
    affine = np.array(old.affine)
    affine[:3, 3] += affine[:3, 0] * (scale - 1.0) / 2.0
    affine[:3, 0] *= scale
    shape = (slices, *old.shape[1:])
    return CTVolume(_as_hu(resample(volume.hu, shape)), VolumeGeometry(shape, affine), volume.name)


def _shifted(hu: np.ndarray, shift: tuple[float, float, float]) -> np.ndarray:
    """Shift by parts of a voxel with cubic splines: linear interpolation would blur the noise away."""
    from scipy import ndimage

    return np.asarray(ndimage.shift(hu.astype(np.float32), shift, order=3, mode="nearest"))


def _rotated(volume: CTVolume) -> np.ndarray:
    """Rotate in plane; what comes in at the corners is air."""
    from scipy import ndimage

    hu = volume.hu.astype(np.float32)
    return np.asarray(ndimage.rotate(hu, ROTATION_DEG, axes=(1, 2), reshape=False, order=1, cval=AIR_HU))


def _with_hu(volume: CTVolume, hu: np.ndarray, name: str) -> CTVolume:
    return _named(CTVolume(_as_hu(hu), volume.geometry, volume.name), name)


def _named(volume: CTVolume, name: str) -> CTVolume:
    return CTVolume(volume.hu, volume.geometry, f"{volume.name}, {name}")


def _as_hu(hu: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.clip(np.rint(hu), LOWEST_HU, HIGHEST_HU)).astype(np.int16)
