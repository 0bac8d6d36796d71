"""Quality flags: what a reader should know before trusting a figure, in words a radiologist uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from lesionseg.core.confidence import Confidence
from lesionseg.core.kernels import KernelClass, kernel_class
from lesionseg.volume.geometry import VolumeGeometry
from lesionseg.volumetry.coverage import Coverage
from lesionseg.volumetry.regions import LUNGS, WHOLE, RegionMeasure
from lesionseg.volumetry.settings import QualityLimits
from lesionseg.volumetry.unusual import unusual_sentence

GAP_RATIO = 1.1
"""Slices further apart than this times their thickness leave tissue unseen."""
_NO_CONTRAST = frozenset({"no", "non", "none", "false", "without", "0", "n", "na", "n/a"})
NOISE = "noise_hu"
"""Name of the figure in what the segmenter says of a scan."""
SLICE_DEVIATION_KEY = "slice_spacing_deviation_mm"


class Severity(StrEnum):
    """How far a flag reaches: good to know; look before trusting; figures do not hold as they are."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class QualityFlag:
    """One remark on a scan or its mask.

    Attributes
    ----------
    code : str
        Stable name for programs.
    severity : Severity
        How far it reaches.
    sentence : str
        What it means, for a person.
    value : float or None
        The figure behind it.
    unit : str
        Unit of `value`, empty where it has none.
    """

    code: str
    severity: Severity
    sentence: str
    value: float | None = None
    unit: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the flag as plain JSON types."""
        return {**asdict(self), "severity": str(self.severity)}


def no_lung_flag() -> QualityFlag:
    """Flag a label map without lung."""
    return QualityFlag(
        "no-lung", Severity.CRITICAL, "No lung was found, so there is nothing to measure.", 0.0, "ml"
    )


def assess_quality(
    regions: Mapping[str, RegionMeasure],
    coverage: Coverage,
    scan: VolumeGeometry,
    acquisition: Mapping[str, str],
    limits: QualityLimits,
    *,
    confidence: Confidence | None = None,
) -> tuple[QualityFlag, ...]:
    """Collect the flags of a scan whose mask holds lung, worst first.

    Parameters
    ----------
    regions : mapping of str to RegionMeasure
        As measured.
    coverage : Coverage
        Lung at the limits of the scan.
    scan : VolumeGeometry
        In standard axis order.
    acquisition : mapping of str to str
        What is known of the scan: ``kernel``, ``slice_thickness_mm``, ``contrast``,
        ``slice_spacing_deviation_mm``. Absent or unreadable entries raise no flag.
    limits : QualityLimits
        Where flags are raised.
    confidence : Confidence, optional
        What the segmenter says of itself.
    """
    flags = [
        *_coverage_flags(coverage, regions[WHOLE].lung_ml, limits),
        *_volume_flags(regions, limits),
        *_spacing_flags(scan, acquisition, limits),
        *_acquisition_flags(acquisition),
        *_noise_flags(confidence, limits),
        *_unusual_flags(confidence, limits),
    ]
    order = list(Severity)
    return tuple(sorted(flags, key=lambda flag: -order.index(flag.severity)))


def _coverage_flags(coverage: Coverage, lung_ml: float, limits: QualityLimits) -> Iterator[QualityFlag]:
    ends = (
        ("bottom", "lowest", coverage.missing_below_ml, coverage.cut_below_cm2),
        ("top", "highest", coverage.missing_above_ml, coverage.cut_above_cm2),
    )
    for end, which, missing_ml, cut_cm2 in ends:
        missing_pct = 100 * missing_ml / lung_ml
        severity = _graded(missing_pct, limits.cut_off_warning_pct, limits.cut_off_critical_pct)
        if severity is not None:
            yield QualityFlag(
                f"cut-off-{end}",
                severity,
                f"The lung reaches the {which} slice, where {cut_cm2:.0f} cm² of it are cut: about "
                f"{missing_ml:.0f} ml may lie outside the scan, {missing_pct:.0f} % of the lung seen.",
                missing_pct,
                "%",
            )
    cut_cm2 = coverage.cut_at_sides_cm2
    severity = _graded(cut_cm2, limits.edge_warning_cm2, limits.edge_critical_cm2)
    if severity is not None:
        yield QualityFlag(
            "cut-off-side",
            severity,
            f"The lung reaches the side of the image over {cut_cm2:.0f} cm²: part of it lies outside the "
            "field of view.",
            cut_cm2,
            "cm2",
        )


def _volume_flags(regions: Mapping[str, RegionMeasure], limits: QualityLimits) -> Iterator[QualityFlag]:
    lung_ml = regions[WHOLE].lung_ml
    if lung_ml <= limits.lung_low_ml:
        severity = Severity.CRITICAL if lung_ml <= limits.lung_low_critical_ml else Severity.WARNING
        yield QualityFlag(
            "lung-volume-low",
            severity,
            f"The lungs measure {lung_ml:.0f} ml, little for an adult: expiration, incomplete scan, "
            "collapse, or a mask that misses lung.",
            lung_ml,
            "ml",
        )
    if lung_ml >= limits.lung_high_ml:
        yield QualityFlag(
            "lung-volume-high",
            Severity.WARNING,
            f"The lungs measure {lung_ml:.0f} ml, more than an adult's usually do: emphysema, or a mask that "
            "holds more than lung.",
            lung_ml,
            "ml",
        )
    right_pct = 100 * regions["right"].lung_ml / lung_ml
    shares_pct = {"right": right_pct, "left": 100 - right_pct}
    absent = [lung for lung in LUNGS if shares_pct[lung] <= limits.missing_lung_pct]
    for lung in absent:
        yield QualityFlag(
            f"{lung}-lung-missing",
            Severity.CRITICAL,
            f"Hardly any {lung} lung was found ({shares_pct[lung]:.1f} % of both): removed, collapsed, or "
            "missed by the mask.",
            shares_pct[lung],
            "%",
        )
    low_pct, high_pct = limits.right_share_pct
    if not absent and not low_pct <= right_pct <= high_pct:
        yield QualityFlag(
            "left-right-imbalance",
            Severity.WARNING,
            f"The right lung holds {right_pct:.0f} % of the lung volume (usually 51 to 57 %): one lung has "
            "shrunk, or part of it is missing from the mask.",
            right_pct,
            "%",
        )


def _spacing_flags(
    scan: VolumeGeometry, acquisition: Mapping[str, str], limits: QualityLimits
) -> Iterator[QualityFlag]:
    slice_mm, *in_plane_mm = scan.spacing_mm
    if slice_mm >= limits.slice_spacing_mm:
        yield QualityFlag(
            "thick-slices",
            Severity.WARNING,
            f"The slices are {slice_mm:.1f} mm apart: small lesions are measured coarsely, and visits with "
            "other slices do not compare.",
            slice_mm,
            "mm",
        )
    thickness_mm = _number(acquisition, "slice_thickness_mm")
    if thickness_mm and slice_mm > GAP_RATIO * thickness_mm:
        yield QualityFlag(
            "slice-gap",
            Severity.WARNING,
            f"The slices are {thickness_mm:.1f} mm thick but {slice_mm:.1f} mm apart: tissue between them "
            "was not imaged.",
            slice_mm - thickness_mm,
            "mm",
        )
    deviation_mm = _number(acquisition, SLICE_DEVIATION_KEY)
    if deviation_mm is not None and deviation_mm >= limits.slice_deviation_mm:
        yield QualityFlag(
            "uneven-slices",
            Severity.WARNING,
            f"The distance between slices varies by up to {deviation_mm:.2f} mm.",
            deviation_mm,
            "mm",
        )
    if max(in_plane_mm) >= limits.pixel_spacing_mm:
        yield QualityFlag(
            "coarse-pixels",
            Severity.INFO,
            f"The pixels are {max(in_plane_mm):.1f} mm wide: the image was probably resampled.",
            max(in_plane_mm),
            "mm",
        )


def _acquisition_flags(acquisition: Mapping[str, str]) -> Iterator[QualityFlag]:
    kernel = acquisition.get("kernel", "").strip()
    if kernel_class(kernel) is KernelClass.SHARP:
        yield QualityFlag(
            "sharp-kernel",
            Severity.INFO,
            f"The image was reconstructed with a sharp kernel ({kernel}): noise widens the HU distribution.",
        )
    agent = acquisition.get("contrast", "").lower().split()
    if agent and agent[0] not in _NO_CONTRAST:
        yield QualityFlag(
            "contrast",
            Severity.INFO,
            "The scan was taken with contrast medium, which raises the HU of lung and lesion.",
        )


def _noise_flags(confidence: Confidence | None, limits: QualityLimits) -> Iterator[QualityFlag]:
    for figure in confidence.figures if confidence else ():
        if figure.name == NOISE and figure.value >= limits.noise_hu:
            yield QualityFlag(
                "noisy-image",
                Severity.WARNING,
                f"The image is noisy: {figure.value:.0f} HU in soft tissue; most chest CTs have under 25. "
                "Faint ground glass may be missed, or seen where there is none.",
                figure.value,
                "HU",
            )


def _unusual_flags(confidence: Confidence | None, limits: QualityLimits) -> Iterator[QualityFlag]:
    score = confidence.ood_score if confidence else None
    if confidence is None or score is None:
        return
    severity = _graded(score, limits.ood_warning, limits.ood_critical)
    if severity is not None:
        sentence = unusual_sentence(confidence, limits.ood_warning)
        yield QualityFlag("out-of-distribution", severity, sentence, score)


def _graded(value: float, warning: float, critical: float) -> Severity | None:
    if value >= critical:
        return Severity.CRITICAL
    return Severity.WARNING if value >= warning else None


def _number(acquisition: Mapping[str, str], key: str) -> float | None:
    try:
        return float(acquisition[key])
    except (KeyError, ValueError):
        return None
