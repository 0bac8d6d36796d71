"""The self-test of ``lesionseg doctor``: known volumes through the volumetry and through the network."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from lesionseg.phantoms import (
    ChestSettings,
    Ellipsoid,
    GeometricPhantomSettings,
    add_lesions,
    chest_phantom,
    geometric_phantom,
    sphere,
)
from lesionseg.segmentation import Segmenter
from lesionseg.volume import VolumeGeometry
from lesionseg.volumetry import measure

VOLUMETRY_TOLERANCE_PCT = 0.5
"""Voxel counting against the analytic volume of bodies of at least 20 mm."""
LUNG_TOLERANCE_PCT = 10.0
"""The network's lung against the phantom's truth; a broken runtime or wrong weights miss by far more."""
_SEED = 28


@dataclass(frozen=True)
class SelfTestLine:
    """One quantity: its known and its measured volume in ml.

    Attributes
    ----------
    tolerance_pct : float or None
        Largest error that passes; None where the figure is shown but not judged.
    """

    name: str
    true_ml: float
    measured_ml: float
    tolerance_pct: float | None

    @property
    def error_pct(self) -> float:
        """Signed error in % of the truth."""
        return 100 * (self.measured_ml - self.true_ml) / self.true_ml

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance, if there is one."""
        return self.tolerance_pct is None or abs(self.error_pct) <= self.tolerance_pct


@dataclass(frozen=True)
class SelfTest:
    """Outcome of a self-test and how long it took."""

    lines: tuple[SelfTestLine, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every line passed."""
        return all(line.passed for line in self.lines)


def volumetry_self_test() -> SelfTest:
    """Measure perfect masks of ellipsoids whose volumes are known from geometry."""
    start = time.perf_counter()
    geometry = VolumeGeometry.from_axes((90, 150, 200), (2.5, 1.5, 1.5), (-150.0, -112.0, -111.0))
    phantom = geometric_phantom(
        GeometricPhantomSettings(
            geometry,
            lungs=(Ellipsoid((-70, 0, 0), (55, 80, 95)), Ellipsoid((70, 0, 0), (55, 80, 95))),
            lesions=(sphere((-70, 20, 0), 25), sphere((70, 20, -20), 30)),
            solids=(sphere((70, 20, -20), 20),),
        )
    )
    measured = measure(phantom.volume, phantom.labels)
    whole, right = measured.whole, measured.regions["right"]
    truth, tolerance = phantom.truth, VOLUMETRY_TOLERANCE_PCT
    lines = tuple(
        SelfTestLine(name, true_ml, measured_ml, tolerance)
        for name, measured_ml, true_ml in (
            ("lung", whole.lung_ml, truth.lung_ml),
            ("right lung", right.lung_ml, truth.right_lung_ml),
            ("lesion", whole.lesion_ml, truth.lesion_ml),
            ("solid component", whole.solid_ml, truth.solid_ml),
        )
    )
    return SelfTest(lines, time.perf_counter() - start)


def network_self_test(segmenter: Segmenter) -> SelfTest:
    """Send a small phantom chest with lesions through a network; its lung is judged, its lesion is shown."""
    start = time.perf_counter()
    settings = ChestSettings(
        shape=(48, 128, 128), spacing_mm=(6.0, 2.9, 2.9), noise_hu=(12.0, 12.0), fine_slice_mm=6.0
    )
    chest = chest_phantom(settings, np.random.default_rng(_SEED))
    ill = add_lesions(chest, 15.0, 0.3, np.random.default_rng(_SEED))
    whole = measure(ill.volume, segmenter.segment(ill.volume)).whole
    lines = (
        SelfTestLine("lung", ill.truth.lung_ml, whole.lung_ml, LUNG_TOLERANCE_PCT),
        SelfTestLine("lesion", ill.truth.lesion_ml, whole.lesion_ml, None),
    )
    return SelfTest(lines, time.perf_counter() - start)
