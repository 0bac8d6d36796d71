"""One picture panel: a plane of the scan with what the reader needs to find their way on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import DEFAULT_SCHEME, Label, LabelScheme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

FONT = "DejaVu Sans"  # ships with matplotlib, so the same glyphs everywhere
INK = "#e8e8e8"
MUTED = "#a3abb3"
LUNG_WINDOW_HU = (-1350.0, 150.0)
"""Lung window: level -600 HU, width 1500 HU."""
FILL_OPACITY = 0.45
SCALE_BAR_MM = (100.0, 50.0, 20.0, 10.0, 5.0, 2.0, 1.0)
_EDGE_PX = 7
_SMALLEST_WITH_LETTERS_PX = 70
_LEVEL_FREE_OF_LETTERS = 0.035  # of the panel's height
_LETTER_HEIGHTS = (0.5, 0.44, 0.56, 0.38, 0.62)


@dataclass(frozen=True)
class Plane:
    """One cut, ready to show: row 0 on top, column 0 at the left.

    Attributes
    ----------
    hu, labels : ndarray, shape (rows, columns)
    spacing_mm : tuple of float
        Distance between rows, between columns.
    letters : tuple of str
        Patient directions at the top, right, bottom and left edge.
    title : str
    """

    hu: npt.NDArray[np.generic]
    labels: npt.NDArray[np.uint8]
    spacing_mm: tuple[float, float]
    letters: tuple[str, str, str, str]
    title: str = ""

    @property
    def size_mm(self) -> tuple[float, float]:
        """Width and height."""
        rows, columns = self.labels.shape
        return columns * self.spacing_mm[1], rows * self.spacing_mm[0]


@dataclass(frozen=True)
class PanelStyle:
    """What is drawn over the CT of one panel."""

    overlay: bool = True
    scale_bar_mm: float = 0.0
    """Length of the scale bar; 0 draws none."""
    levels_mm: tuple[float, ...] = ()
    """Heights from the top of the plane at which the axial cuts lie, marked at the right edge."""


def axial_plane(hu: npt.NDArray[np.generic], labels: npt.NDArray[np.uint8], index: int,
                spacing_mm: tuple[float, float, float]) -> Plane:  # fmt: skip
    """Axial cut of arrays in standard order, the patient's right at the left of the picture."""
    return Plane(hu[index], labels[index], (spacing_mm[1], spacing_mm[2]), ("A", "L", "P", "R"))


def coronal_plane(hu: npt.NDArray[np.generic], labels: npt.NDArray[np.uint8], index: int,
                  spacing_mm: tuple[float, float, float]) -> Plane:  # fmt: skip
    """Coronal cut, feet at the bottom, the patient's right at the left of the picture."""
    cut = (slice(None, None, -1), index)
    return Plane(hu[cut], labels[cut], (spacing_mm[0], spacing_mm[2]), ("S", "L", "I", "R"))


def sagittal_plane(hu: npt.NDArray[np.generic], labels: npt.NDArray[np.uint8], index: int,
                   spacing_mm: tuple[float, float, float]) -> Plane:  # fmt: skip
    """Sagittal cut, feet at the bottom, the patient's front at the left of the picture."""
    cut = (slice(None, None, -1), slice(None), index)
    return Plane(hu[cut], labels[cut], (spacing_mm[0], spacing_mm[1]), ("S", "P", "I", "A"))


def titled(plane: Plane, title: str) -> Plane:
    """Return the plane under another title."""
    return replace(plane, title=title)


def draw_panel(axes: Axes, plane: Plane, style: PanelStyle, scheme: LabelScheme = DEFAULT_SCHEME) -> None:
    """Draw one plane into `axes`, whose box has the plane's aspect ratio (one mm is one mm both ways)."""
    width_mm, height_mm = plane.size_mm
    place = (0.0, width_mm, height_mm, 0.0)
    low, high = LUNG_WINDOW_HU
    axes.set_axis_off()
    axes.imshow(
        plane.hu, cmap="gray", vmin=low, vmax=high, extent=place, interpolation="bilinear", aspect="auto"
    )
    if style.overlay:
        _draw_labels(axes, plane, scheme)
    axes.set_xlim(0.0, width_mm)
    axes.set_ylim(height_mm, 0.0)
    for height in style.levels_mm:
        _draw_line(axes, (0.95 * width_mm, width_mm), height, 1.4)
    if min(axes.bbox.width, axes.bbox.height) < _SMALLEST_WITH_LETTERS_PX:
        return
    _draw_letters(axes, plane.letters, [1 - height / height_mm for height in style.levels_mm])
    if style.scale_bar_mm:
        _draw_scale_bar(axes, style.scale_bar_mm, width_mm, height_mm)


def scale_bar_length_mm(width_mm: float) -> float:
    """Round length that takes up to a quarter of a picture this wide; 0 where none fits."""
    return next((length for length in SCALE_BAR_MM if length <= width_mm / 4), 0.0)


def colour(label: int, scheme: LabelScheme = DEFAULT_SCHEME) -> tuple[float, float, float]:
    """Colour of a label as matplotlib wants it, 0..1."""
    red, green, blue = scheme.colours[label]
    return red / 255, green / 255, blue / 255


def _draw_labels(axes: Axes, plane: Plane, scheme: LabelScheme) -> None:
    width_mm, height_mm = plane.size_mm
    paint = np.zeros((*plane.labels.shape, 4), dtype=np.float32)
    for label in scheme.lesion:
        paint[plane.labels == label] = (*colour(label, scheme), FILL_OPACITY)
    axes.imshow(paint, extent=(0.0, width_mm, height_mm, 0.0), interpolation="nearest", aspect="auto")
    for region, label in ((scheme.solid, Label.SOLID), (scheme.lung, Label.LUNG)):
        _outline(axes, np.isin(plane.labels, region), plane.spacing_mm, colour(label, scheme))


def _outline(axes: Axes, mask: npt.NDArray[np.bool_], spacing_mm: tuple[float, float],
             paint: tuple[float, float, float]) -> None:  # fmt: skip
    """Thin line between the pixels inside and outside of `mask`, closed at the picture's edge too."""
    if not mask.any():
        return
    padded = np.pad(mask, 1).astype(np.float32)
    rows_mm = (np.arange(padded.shape[0]) - 0.5) * spacing_mm[0]
    columns_mm = (np.arange(padded.shape[1]) - 0.5) * spacing_mm[1]
    axes.contour(columns_mm, rows_mm, padded, levels=[0.5], colors=[paint], linewidths=0.9, antialiased=True)


def _draw_letters(axes: Axes, letters: tuple[str, str, str, str], levels: list[float]) -> None:
    top, right, bottom, left = letters
    free = [
        height
        for height in _LETTER_HEIGHTS
        if all(abs(height - level) > _LEVEL_FREE_OF_LETTERS for level in levels)
    ]
    right_height = free[0] if free else _LETTER_HEIGHTS[0]
    edges = (
        (top, (0.5, 1.0), (0, -_EDGE_PX), "center", "top"),
        (right, (1.0, right_height), (-_EDGE_PX, 0), "right", "center"),
        (bottom, (0.5, 0.0), (0, _EDGE_PX), "center", "bottom"),
        (left, (0.0, 0.5), (_EDGE_PX, 0), "left", "center"),
    )
    for letter, place, offset, horizontal, vertical in edges:
        note = axes.annotate(
            letter, place, xycoords="axes fraction", xytext=offset, textcoords="offset pixels",
            ha=horizontal, va=vertical, color=INK, fontsize=9, fontweight="bold", family=FONT,
        )  # fmt: skip
        _halo(note)


def _draw_scale_bar(axes: Axes, length_mm: float, width_mm: float, height_mm: float) -> None:
    start, height = 0.035 * width_mm, 0.955 * height_mm
    _draw_line(axes, (start, start + length_mm), height, 2.4)
    note = axes.annotate(
        f"{length_mm:g} mm", (start + length_mm / 2, height), xytext=(0, 4), textcoords="offset pixels",
        ha="center", va="bottom", color=INK, fontsize=8.5, family=FONT,
    )  # fmt: skip
    _halo(note)


def _draw_line(axes: Axes, ends_mm: tuple[float, float], height_mm: float, width: float) -> None:
    """Draw a light line on a dark rim, to be seen on lung and on soft tissue."""
    for paint, thickness in (("black", width + 2.4), (INK, width)):
        axes.plot(ends_mm, [height_mm, height_mm], color=paint, linewidth=thickness, solid_capstyle="butt")


def _halo(note: Text) -> None:
    from matplotlib.patheffects import withStroke

    note.set_path_effects([withStroke(linewidth=2.0, foreground="black")])
