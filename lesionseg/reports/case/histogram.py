"""How the Hounsfield units spread: lung without lesion, non-solid and solid lesion, as SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import Label
from lesionseg.reports.page import svg_of
from lesionseg.volume import CTVolume, LabelMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOWEST_HU, HIGHEST_HU, BIN_HU = -1050, 250, 20
"""Voxels beyond either end count in the outermost bin."""
CLASSES = {
    Label.LUNG: ("lung without lesion", "#0072b2", "-"),
    Label.NON_SOLID: ("non-solid lesion", "#b8860b", "--"),
    Label.SOLID: ("solid component", "#d55e00", "-."),
}
"""Darker relatives of the overview's colours, which are too light for lines on white; the dashes tell too."""
_INK = "#333333"
_SIZE_INCHES = (5.4, 3.5)
_PLOT_AREA = (0.14, 0.16, 0.83, 0.74)


@dataclass(frozen=True)
class Histogram:
    """Volume in each bin of HU.

    Attributes
    ----------
    edges_hu : ndarray, shape (bins + 1,)
    volume_ml : dict of Label to ndarray, shape (bins,)
        Of each class; zeros where it is empty.
    """

    edges_hu: npt.NDArray[np.float64]
    volume_ml: dict[Label, npt.NDArray[np.float64]]


def hu_histogram(volume: CTVolume, label_map: LabelMap) -> Histogram:
    """Count every voxel of the scan's own grid; both share one grid."""
    edges = np.arange(LOWEST_HU, HIGHEST_HU + BIN_HU, BIN_HU, dtype=np.float64)
    counts = {label: np.zeros(edges.size - 1, np.int64) for label in CLASSES}
    for plane, labels in zip(volume.hu, label_map.labels, strict=True):
        for label in CLASSES:
            inside = plane[labels == label].astype(np.float64)
            bins = np.clip((inside - LOWEST_HU) // BIN_HU, 0, edges.size - 2).astype(np.intp)
            counts[label] += np.bincount(bins, minlength=edges.size - 1)
    voxel_ml = volume.geometry.voxel_volume_ml
    ml = {label: np.asarray(count * voxel_ml, np.float64) for label, count in counts.items()}
    return Histogram(edges, ml)


def volume_svg(histogram: Histogram) -> str:
    """Draw how many ml each class has in each bin."""
    return _drawn(histogram, f"Volume (ml per {BIN_HU} HU)", list(histogram.volume_ml.values()))


def share_svg(histogram: Histogram) -> str:
    """Draw each class in % of its own volume, so that a small lesion is seen beside a large lung."""
    shares = [100 * ml / (ml.sum() or 1.0) for ml in histogram.volume_ml.values()]
    return _drawn(histogram, f"Share of its own volume (% per {BIN_HU} HU)", shares)


def _drawn(histogram: Histogram, title: str, heights: Sequence[npt.NDArray[np.float64]]) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES)
    axes = figure.add_axes(_PLOT_AREA)
    for label, height in zip(histogram.volume_ml, heights, strict=True):
        if height.any():
            words, paint, dash = CLASSES[label]
            axes.stairs(height, histogram.edges_hu, color=paint, linestyle=dash, linewidth=1.5, label=words)
            axes.stairs(height, histogram.edges_hu, color=paint, fill=True, alpha=0.12)
    _finish(axes, title)
    return svg_of(figure)


def _finish(axes: Axes, title: str) -> None:
    axes.set_xlabel("Hounsfield units", color=_INK)
    axes.set_ylabel(title, color=_INK)
    axes.set_xlim(LOWEST_HU, HIGHEST_HU)
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(
            frameon=False, fontsize=9, labelcolor=_INK, ncols=len(CLASSES), columnspacing=1.2,
            loc="lower center", bbox_to_anchor=(0.46, 0.98),
        )  # fmt: skip
