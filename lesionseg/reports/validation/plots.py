"""Plots of agreement: prediction over reference, and Bland and Altman's plot; as SVG text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lesionseg.reports.page import svg_of
from lesionseg.reports.validation.words import amount, signed
from lesionseg.volumetry.agreement import BlandAltman, bland_altman

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINT, LINE, BAND, INK = "#0072b2", "#d55e00", "#f3d9c4", "#333333"
"""Blue and vermilion of the Okabe-Ito palette, which readers with colour-vision deficiencies tell apart."""
_SIZE_INCHES = (4.6, 3.7)
_PLOT_AREA = (0.16, 0.15, 0.63, 0.82)
"""Left, bottom, width, height; at the right is room for the names of the limits."""


def scatter_svg(prediction: Sequence[float], reference: Sequence[float], unit: str) -> str:
    """Draw the prediction over the reference, with the line of equality; the same input, the same text."""
    axes = _axes(f"Reference ({unit})", f"Prediction ({unit})")
    highest = 1.05 * max(*prediction, *reference) or 1.0
    axes.plot([0, highest], [0, highest], color=LINE, linewidth=1.2, zorder=1)
    _points(axes, reference, prediction)
    low = -0.03 * highest
    axes.set(xlim=(low, highest), ylim=(low, highest), aspect="equal")
    return _svg(axes)


def bland_altman_svg(
    prediction: Sequence[float], reference: Sequence[float], unit: str, difference_unit: str = ""
) -> str:
    """Draw difference over mean, with bias and limits of agreement, each with its interval as a band.

    Raises
    ------
    MeasurementError
        With fewer than two cases.
    """
    limits = bland_altman(prediction, reference)
    x, y = np.asarray(prediction, np.float64), np.asarray(reference, np.float64)
    axes = _axes(
        f"Mean of prediction and reference ({unit})", f"Prediction less reference ({difference_unit or unit})"
    )
    _limit_lines(axes, limits)
    axes.axhline(0, color=INK, linewidth=0.6, linestyle=":", zorder=1)
    _points(axes, (x + y) / 2, x - y)
    axes.margins(x=0.08, y=0.08)
    return _svg(axes)


def _limit_lines(axes: Axes, limits: BlandAltman) -> None:
    lines = [(limits.bias, "-", "bias")]
    if limits.sd > 0:  # else all three lie on one another
        lines += [(limits.upper, "--", "bias + 1.96 SD"), (limits.lower, "--", "bias \N{MINUS SIGN} 1.96 SD")]
    for estimate, style, name in lines:
        value, low, high = (float(part or 0.0) for part in (estimate.value, estimate.low, estimate.high))
        axes.axhspan(low, high, color=BAND, alpha=0.55, linewidth=0, zorder=0)
        axes.axhline(value, color=LINE, linewidth=1.2, linestyle=style, zorder=1)
        words = f"{name}\n{signed(amount)(value)}"
        axes.annotate(
            words, (1.0, value), xycoords=("axes fraction", "data"), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8, color=INK,
        )  # fmt: skip


def _axes(x_title: str, y_title: str) -> Axes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=_SIZE_INCHES)
    axes = figure.add_axes(_PLOT_AREA)
    axes.set_xlabel(x_title, color=INK)
    axes.set_ylabel(y_title, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)
    return axes


def _points(axes: Axes, x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> None:
    axes.plot(x, y, "o", color=POINT, markersize=5, alpha=0.75, markeredgewidth=0, zorder=2)


def _svg(axes: Axes) -> str:
    figure = axes.get_figure(root=True)
    return svg_of(figure) if figure is not None else ""
