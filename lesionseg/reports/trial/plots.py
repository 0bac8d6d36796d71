"""Drawing for the trial report: SVG within the page, with text as text and a hover title for every mark.

Written by hand and not by matplotlib: the page can carry the SVG inline, where its text is searchable, scales
with the page and is read aloud; each mark names its patient when pointed at; and no identifiers can clash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape

INK, MUTED, RULE = "#222222", "#5f6368", "#d9dcdf"
FONT = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
TEXT_PX = 12.0
_WIDTH_PER_CHARACTER = 0.56
"""Mean advance of a character in em, for Latin text in the common sans-serif faces; on the wide side."""


@dataclass(frozen=True)
class Look:
    """How one group is drawn: told apart by lightness, by shape and by dash, not by hue alone.

    Attributes
    ----------
    fill, edge : str
        Colours of bars and points, and of their outline.
    dash : str
        Of the group's lines; empty: solid.
    square : bool
        Points are squares, not circles.
    """

    fill: str
    edge: str
    dash: str = ""
    square: bool = False


TREATMENT = Look("#0072b2", "#00496f")
CONTROL = Look("#f5c779", "#8a5a00", dash="6 3", square=True)
POOLED = Look("#7f8c8d", "#4a5455")
"""Dark blue and light orange of the Okabe-Ito family: apart for colour-blind readers and in greyscale."""


@dataclass(frozen=True)
class Stroke:
    """Colour, width and dash of a line."""

    color: str = INK
    width: float = 1.0
    dash: str = ""
    opacity: float = 1.0

    def attributes(self) -> str:
        """Return the attributes of SVG."""
        parts = f'stroke="{self.color}" stroke-width="{number(self.width)}"'
        parts += f' stroke-dasharray="{self.dash}"' if self.dash else ""
        return parts + (f' stroke-opacity="{number(self.opacity)}"' if self.opacity < 1 else "")


@dataclass(frozen=True)
class Type:
    """Size in px, alignment, colour and weight of a text."""

    size: float = TEXT_PX
    anchor: str = "start"
    color: str = INK
    bold: bool = False
    turned: bool = False


@dataclass
class Drawing:
    """An SVG that grows mark by mark; x to the right and y downwards, in px.

    Attributes
    ----------
    width, height : float
    words : str
        What the picture shows, for who cannot see it.
    """

    width: float
    height: float
    words: str
    _parts: list[str] = field(default_factory=list)

    def line(self, start: tuple[float, float], end: tuple[float, float], stroke: Stroke) -> None:
        """Draw a straight line."""
        (x1, y1), (x2, y2) = start, end
        self._parts.append(
            f'<line x1="{number(x1)}" y1="{number(y1)}" x2="{number(x2)}" y2="{number(y2)}" '
            f"{stroke.attributes()}/>"
        )

    def polyline(self, points: list[tuple[float, float]], stroke: Stroke, title: str = "") -> None:
        """Draw a line through points."""
        path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self._mark("polyline", f'points="{path}" fill="none" {stroke.attributes()}', title)

    def polygon(self, points: list[tuple[float, float]], fill: str, opacity: float = 1.0) -> None:
        """Fill the outline through points."""
        path = " ".join(f"{number(x)},{number(y)}" for x, y in points)
        self._mark("polygon", f'points="{path}" fill="{fill}" fill-opacity="{number(opacity)}"', "")

    def box(
        self, corner: tuple[float, float], size: tuple[float, float], look: Look, *, title: str = "",
        edge_width: float = 1.0,
    ) -> None:  # fmt: skip
        """Draw a filled rectangle from its upper left corner."""
        (x, y), (width, height) = corner, size
        self._mark(
            "rect",
            f'x="{number(x)}" y="{number(y)}" width="{number(max(width, 0))}" '
            f'height="{number(max(height, 0))}" fill="{look.fill}" stroke="{look.edge}" '
            f'stroke-width="{number(edge_width)}"',
            title,
        )

    def point(self, centre: tuple[float, float], radius: float, look: Look, title: str = "") -> None:
        """Draw the group's sign: a circle or a square of the same area."""
        x, y = centre
        if look.square:
            half = 0.886 * radius
            self.box((x - half, y - half), (2 * half, 2 * half), look, title=title, edge_width=0.8)
            return
        self._mark(
            "circle",
            f'cx="{number(x)}" cy="{number(y)}" r="{number(radius)}" fill="{look.fill}" '
            f'stroke="{look.edge}" stroke-width="0.8"',
            title,
        )

    def text(self, place: tuple[float, float], words: str, style: Type | None = None) -> None:
        """Write one line; `place` is its alignment point on the base line."""
        style = style or Type()
        x, y = place
        turned = f' transform="rotate(-90 {number(x)} {number(y)})"' if style.turned else ""
        weight = ' font-weight="600"' if style.bold else ""
        self._parts.append(
            f'<text x="{number(x)}" y="{number(y)}" font-size="{number(style.size)}" fill="{style.color}" '
            f'text-anchor="{style.anchor}"{weight}{turned}>{escape(words)}</text>'
        )

    def svg(self) -> str:
        """Return the picture; the same marks give the same text."""
        head = (
            f'<svg viewBox="0 0 {number(self.width)} {number(self.height)}" width="{number(self.width)}" '
            f'height="{number(self.height)}" role="img" aria-label="{escape(self.words)}" '
            f'font-family="{escape(FONT)}">'
        )
        return "\n".join([head, *self._parts, "</svg>"])

    def _mark(self, tag: str, attributes: str, title: str) -> None:
        inner = f"><title>{escape(title)}</title></{tag}>" if title else "/>"
        self._parts.append(f"<{tag} {attributes}{inner}")


def number(value: float) -> str:
    """Write a coordinate with at most two decimals and without a minus before zero."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def text_width(words: str, size: float = TEXT_PX) -> float:
    """Estimate a text's width in px, since nothing here can measure the reader's font."""
    return len(words) * size * _WIDTH_PER_CHARACTER
