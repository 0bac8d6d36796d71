"""How far one scan's labels can be trusted: an interval around its proportions, how unusual the scan is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.confidence import Confidence, ProportionDoubt
from lesionseg.core.labels import Label
from lesionseg.segmentation import image_figures
from lesionseg.segmentation.bundle import ModelBundle
from lesionseg.segmentation.label_sums import BoolArray, LabelSums, sum_labels
from lesionseg.segmentation.passes import Passes
from lesionseg.segmentation.preprocessing import Box, PreparedVolume
from lesionseg.segmentation.resampling import FloatArray
from lesionseg.segmentation.scan_figures import judge
from lesionseg.volume import LabelMap


@dataclass(frozen=True)
class NetworkRun:
    """Everything that is at hand once a scan is labelled.

    Attributes
    ----------
    prepared : PreparedVolume
    box : Box
        Of the working grid, on which the following arrays lie.
    hu : ndarray, float32
    passes : Passes
    airways : ndarray of bool
    label_map : LabelMap
        The final labels, on the scan's own grid.
    """

    prepared: PreparedVolume
    box: Box
    hu: FloatArray
    passes: Passes
    airways: BoolArray
    label_map: LabelMap


NO_RANGES = "no-reference-ranges"
OTHER_WEIGHTS = "reference-ranges-of-other-weights"
SMALLEST_SURFACE_MM2 = 10_000.0
"""100 cm2, a lesion of some 50 mm across: below it, doubt is not divided by the lesion's own surface, since a
few doubtful flecks in a clear lung are no cause for alarm."""
SMALLEST_DOUBT_PCT = 0.05
"""In percentage points: a network that is sure of every voxel may still be wrong. 2 ml in a lung of 4 l."""
SENSITIVITY = "sensitivity of the labels to the decision threshold; not calibrated"


def assess(run: NetworkRun, bundle: ModelBundle) -> Confidence:
    """Say how far the labels of a run can be trusted.

    Parameters
    ----------
    run : NetworkRun
        Whose labels hold lung.
    bundle : ModelBundle
        Its reference ranges are used if they were measured with the same weights.
    """
    labels = working_labels(run)
    spacing_mm = run.prepared.geometry.spacing_mm
    sums = sum_labels(run.passes.logits, labels, run.airways, spacing_mm)
    ranges = bundle.metadata.reference_ranges
    fitting = ranges if ranges and ranges.weights_sha256 == bundle.weights_sha256 else None
    factors = (fitting.lesion_margin_factor, fitting.solid_margin_factor) if fitting else (1.0, 1.0)
    lesion, solid = (
        _doubt(sums, name, spread_pct, factor)
        for name, spread_pct, factor in zip(
            ("lesion_pct", "solid_pct"), run.passes.spread_pct, factors, strict=True
        )
    )
    return Confidence(
        lesion=lesion,
        solid=solid,
        figures=judge(scan_figures(run.hu, labels, sums, spacing_mm), fitting),
        interval_basis=fitting.margin_basis if fitting else SENSITIVITY,
        reference=fitting.source if fitting else "",
        missing_reason="" if fitting else OTHER_WEIGHTS if ranges else NO_RANGES,
    )


def working_labels(run: NetworkRun) -> npt.NDArray[np.uint8]:
    """Bring the final labels to the run's box of the working grid: that of the nearest voxel."""
    labels = run.prepared.order.apply(run.label_map.labels)
    nearest = (
        ((np.arange(first, last) + 0.5) * native / working).astype(int)
        for first, last, native, working in zip(
            run.box.start, run.box.stop, labels.shape, run.prepared.geometry.shape, strict=True
        )
    )
    return np.ascontiguousarray(labels[np.ix_(*nearest)])


def scan_figures(
    hu: FloatArray,
    labels: npt.NDArray[np.uint8],
    sums: LabelSums,
    spacing_mm: tuple[float, float, float],
) -> dict[str, float]:
    """All figures of `FIGURES` that this scan has."""
    lung, lesion = labels > 0, labels >= Label.NON_SOLID
    lung_mm2 = image_figures.surface_mm2(lung, ~lung, spacing_mm)
    lesion_mm2 = image_figures.surface_mm2(lesion, lung & ~lesion, spacing_mm)
    lung_mm3 = int(np.count_nonzero(lung)) * float(np.prod(spacing_mm))
    coarse = image_figures.coarse_in_plane(hu, spacing_mm)
    found = {
        "noise_hu": image_figures.noise_hu(hu),
        "lung_hu": image_figures.lung_hu(hu, labels),
        "tissue_hu": image_figures.tissue_hu(coarse),
        "lung_roughness": lung_mm2 / max(lung_mm3, 1.0) ** (2 / 3),
        "slice_jumps_pct": image_figures.slice_jumps_pct(coarse),
        "slice_step_ratio": image_figures.slice_step_ratio(coarse),
        "unsure_lesion_mm": sums.unsure_lesion_mm3 / max(lesion_mm2, SMALLEST_SURFACE_MM2),
        "unsure_border_mm": sums.unsure_border_mm3 / max(lung_mm2, SMALLEST_SURFACE_MM2),
    }
    return {name: float(value) for name, value in found.items() if value is not None}


def _doubt(sums: LabelSums, name: str, spread_pct: float, factor: float) -> ProportionDoubt:
    decided, strict, lax, expected = (
        float(getattr(tally, name)) for tally in (sums.decided, sums.strict, sums.lax, sums.expected)
    )
    ends = (strict, lax, expected)
    least = SMALLEST_DOUBT_PCT + spread_pct / 2
    return ProportionDoubt(
        below_pct=factor * (least + max(0.0, decided - min(ends))),
        above_pct=factor * (least + max(0.0, max(ends) - decided)),
        expected_shift_pct=expected - decided,
    )
