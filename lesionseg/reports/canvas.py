"""Placing things on a figure by pixels from its top left corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lesionseg.reports.panels import FONT, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 100
BACKGROUND = "#0d1014"
POINTS_PER_PX = 72 / DPI
FIXED_POINT = 64
"""FreeType counts in 64ths of a pixel."""


@dataclass(frozen=True)
class Rectangle:
    """Pixels from the top left corner of the picture."""

    left: float
    top: float
    width: float
    height: float

    def fitted(self, width_mm: float, height_mm: float) -> Rectangle:
        """Largest rectangle of this width-to-height ratio inside, centred across and at the top."""
        scale = min(self.width / width_mm, self.height / height_mm)
        width, height = scale * width_mm, scale * height_mm
        return Rectangle(self.left + (self.width - width) / 2, self.top, width, height)


@dataclass(frozen=True)
class TextStyle:
    """How a line of text looks; `size_px` is the height of its capitals and descenders together."""

    size_px: float = 13.0
    colour: str = INK
    bold: bool = False
    align: str = "left"


@dataclass(frozen=True)
class Canvas:
    """A figure of known pixel size."""

    figure: Figure
    width_px: float
    height_px: float

    def axes(self, place: Rectangle) -> Axes:
        """Axes that fill `place`."""
        return self.figure.add_axes(
            (
                place.left / self.width_px,
                1 - (place.top + place.height) / self.height_px,
                place.width / self.width_px,
                place.height / self.height_px,
            )
        )

    def write(self, left: float, top: float, text: str, style: TextStyle) -> None:
        """Write one line whose top edge lies at `top`."""
        self.figure.text(
            left / self.width_px, 1 - top / self.height_px, text,
            fontsize=style.size_px * POINTS_PER_PX, color=style.colour, ha=style.align, va="top",
            fontweight="bold" if style.bold else "normal", family=FONT, parse_math=False,
        )  # fmt: skip

    def swatch(self, place: Rectangle, paint: tuple[float, float, float], *, filled: bool) -> None:
        """Draw a small rectangle for the legend, filled or as an outline."""
        from matplotlib.patches import Rectangle as Patch

        self.figure.add_artist(
            Patch(
                (place.left / self.width_px, 1 - (place.top + place.height) / self.height_px),
                place.width / self.width_px, place.height / self.height_px,
                transform=self.figure.transFigure, edgecolor=paint, linewidth=1.4,
                facecolor=paint if filled else "none",
            )
        )  # fmt: skip

    def rule(self, left: float, top: float, width: float, colour: str) -> None:
        """Draw a thin horizontal line."""
        from matplotlib.lines import Line2D

        height = 1 - top / self.height_px
        ends = [left / self.width_px, (left + width) / self.width_px]
        self.figure.add_artist(Line2D(ends, [height, height], color=colour, linewidth=0.8))


def text_width_px(text: str, style: TextStyle) -> float:
    """Width of a line of text as it will be drawn."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties(family=FONT, weight="bold" if style.bold else "normal")))
    font.set_size(style.size_px * POINTS_PER_PX, DPI)
    font.set_text(text)
    return float(font.get_width_height()[0] / FIXED_POINT)


def wrapped(text: str, style: TextStyle, width_px: float) -> list[str]:
    """Break a text into lines that fit in `width_px`; a longer word loses its middle."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if text_width_px(longer, style) <= width_px:
            line = longer
            continue
        if line:
            lines.append(line)
        line = shortened(word, style, width_px)
    return [*lines, line] if line else lines


def shortened(text: str, style: TextStyle, width_px: float) -> str:
    """Cut the middle out of a text that is too long for `width_px`."""
    if text_width_px(text, style) <= width_px:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        kept = (fits + too_long) // 2
        if text_width_px(_without_middle(text, kept), style) <= width_px:
            fits = kept
        else:
            too_long = kept
    return _without_middle(text, fits)


def _without_middle(text: str, kept: int) -> str:
    return f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
