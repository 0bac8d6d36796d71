"""What the overview says in words and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lesionseg.volume import CTVolume
    from lesionseg.volumetry import Measurements, QualityFlag

UNUSUAL = "out-of-distribution"
"""Code of the flag whose value is a score, in which the reference scans reach 1."""
BRACKETS = "In brackets: sensitivity interval, not a confidence interval."


@dataclass(frozen=True)
class CaptionRow:
    """One line of the volume table; `share_pct` is None where there is no denominator."""

    name: str
    volume_ml: float
    share_pct: float | None = None


@dataclass(frozen=True)
class CaptionFlag:
    """A quality flag in words; the severity is ``info``, ``warning`` or ``critical``."""

    severity: str
    sentence: str


@dataclass(frozen=True)
class ScanLine:
    """What to call a scan, and who drew the labels."""

    name: str
    series_uid: str = ""
    source: str = ""


@dataclass(frozen=True)
class Caption:
    """Everything written on an overview.

    Attributes
    ----------
    name : str
        Name of the scan.
    detail : str
        How it was scanned, in one line.
    lesion_pct, solid_pct : float or None
        Share of the lung; None where there is no lung.
    rows : tuple of CaptionRow
    flags : tuple of CaptionFlag
        Most severe first.
    source : str
        Who drew the labels: a model bundle, a reader, a phantom's truth.
    lesion_interval, solid_interval : str
        Around the two shares, such as ``(11.8 to 13.0)``; empty where there is none.
    """

    name: str
    lesion_pct: float | None
    solid_pct: float | None
    rows: tuple[CaptionRow, ...]
    flags: tuple[CaptionFlag, ...] = ()
    detail: str = ""
    source: str = ""
    lesion_interval: str = ""
    solid_interval: str = ""


def share_text(value_pct: float | None) -> str:
    """Write a proportion for a reader: one decimal, more only where it would read as zero."""
    if value_pct is None:
        return "no lung"
    return f"{_figure(value_pct)} %"


def interval_texts(measurements: Measurements) -> tuple[str, str]:
    """Write the intervals around lesion and solid component, each empty where there is none."""
    sure = measurements.certainty
    return (
        _interval(sure.lesion_proportion_low_pct, sure.lesion_proportion_high_pct),
        _interval(sure.solid_proportion_low_pct, sure.solid_proportion_high_pct),
    )


def flag_text(flag: QualityFlag) -> str:
    """Write a quality flag for a reader: its sentence, and the score of a scan unlike the reference scans."""
    if flag.code != UNUSUAL or flag.value is None:
        return flag.sentence
    return f"{flag.sentence} Score {flag.value:.1f} (reference scans: up to 1)."


def volume_text(volume_ml: float) -> str:
    """Write a volume for a reader: whole ml from 100 on, one decimal below."""
    return f"{volume_ml:,.0f} ml" if volume_ml >= 100 else f"{volume_ml:.1f} ml"


def caption_of(volume: CTVolume, measurements: Measurements, scan: ScanLine) -> Caption:
    """Put the measurements of one scan into words."""
    whole = measurements.whole
    lesion_interval, solid_interval = interval_texts(measurements)
    rows = (
        CaptionRow("Lung", whole.lung_ml),
        CaptionRow("Right lung", measurements.regions["right"].lung_ml),
        CaptionRow("Left lung", measurements.regions["left"].lung_ml),
        CaptionRow("Lesion", whole.lesion_ml, whole.lesion_proportion_pct),
        CaptionRow("Solid component", whole.solid_ml, whole.solid_proportion_pct),
    )
    return Caption(
        name=scan.name,
        detail=_detail(volume, scan.series_uid),
        lesion_pct=whole.lesion_proportion_pct,
        solid_pct=whole.solid_proportion_pct,
        rows=rows,
        flags=tuple(CaptionFlag(str(flag.severity), flag_text(flag)) for flag in measurements.flags),
        source=scan.source,
        lesion_interval=lesion_interval,
        solid_interval=solid_interval,
    )


def _interval(low_pct: float | None, high_pct: float | None) -> str:
    if low_pct is None or high_pct is None:
        return ""
    return f"({_figure(low_pct)} to {_figure(high_pct)})"


def _figure(value_pct: float) -> str:
    if 0 < value_pct < 0.1:
        return f"{value_pct:.2f}" if value_pct >= 0.005 else "< 0.01"
    return f"{value_pct:.1f}"


def _detail(volume: CTVolume, series_uid: str) -> str:
    slices, rows, columns = volume.geometry.shape
    slice_mm, row_mm, column_mm = volume.geometry.spacing_mm
    words = [f"{slices} x {rows} x {columns} voxels of {slice_mm:.2f} x {row_mm:.2f} x {column_mm:.2f} mm"]
    if kernel := (volume.acquisition or {}).get("kernel"):
        words.append(f"kernel {kernel}")
    if series_uid:
        words.append(f"series {series_uid}")
    return ", ".join(words)
