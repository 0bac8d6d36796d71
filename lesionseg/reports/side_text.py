"""The written part of the overview: figures, legend and quality flags."""

from __future__ import annotations

from lesionseg.core.labels import DEFAULT_SCHEME, Label, LabelScheme
from lesionseg.reports.canvas import Canvas, Rectangle, TextStyle, wrapped
from lesionseg.reports.caption import Caption, CaptionFlag, share_text, volume_text
from lesionseg.reports.panels import INK, MUTED, colour

LINE_PX = 19
RULE_COLOUR = "#3a424b"
SEVERITY_COLOURS = {"critical": "#ff8f70", "warning": "#ffd166", "info": MUTED}
_FIGURE = TextStyle(size_px=40, bold=True)
_BODY = TextStyle(size_px=14)
_BODY_RIGHT = TextStyle(size_px=14, align="right")
_SMALL = TextStyle(size_px=13, colour=MUTED)
_SMALL_RIGHT = TextStyle(size_px=13, colour=MUTED, align="right")


def draw_side_text(
    canvas: Canvas, caption: Caption, place: Rectangle, scheme: LabelScheme = DEFAULT_SCHEME
) -> None:
    """Write the proportions, the volume table, the legend and the flags into `place`, top down."""
    top = _draw_figures(canvas, caption, place)
    top = _draw_table(canvas, caption, place, top)
    top = _draw_legend(canvas, place, top, scheme)
    _draw_flags(canvas, caption.flags, place, top)


def _draw_figures(canvas: Canvas, caption: Caption, place: Rectangle) -> float:
    second = place.left + place.width / 2
    for left, words, share in (
        (place.left, "Lesion, of the lung", caption.lesion_pct),
        (second, "Solid component, of the lung", caption.solid_pct),
    ):
        canvas.write(left, place.top, words, _SMALL)
        canvas.write(left, place.top + 20, share_text(share), _FIGURE)
    return place.top + 76


def _draw_table(canvas: Canvas, caption: Caption, place: Rectangle, top: float) -> float:
    volume_edge, share_edge = place.left + 0.66 * place.width, place.left + place.width
    canvas.write(volume_edge, top, "Volume", _SMALL_RIGHT)
    canvas.write(share_edge, top, "Share of lung", _SMALL_RIGHT)
    top += LINE_PX
    canvas.rule(place.left, top, place.width, RULE_COLOUR)
    top += 5
    for row in caption.rows:
        canvas.write(place.left, top, row.name, _BODY)
        canvas.write(volume_edge, top, volume_text(row.volume_ml), _BODY_RIGHT)
        if row.share_pct is not None:
            canvas.write(share_edge, top, share_text(row.share_pct), _BODY_RIGHT)
        top += LINE_PX + 1
    return top + 10


def _draw_legend(canvas: Canvas, place: Rectangle, top: float, scheme: LabelScheme) -> float:
    entries = (
        ("lung", Label.LUNG, False),
        ("non-solid lesion", Label.NON_SOLID, True),
        ("solid component", Label.SOLID, True),
    )
    for column, (words, label, filled) in enumerate(entries):
        left = place.left + (0.0, 0.2, 0.58)[column] * place.width
        canvas.swatch(Rectangle(left, top + 2, 15, 11), colour(label, scheme), filled=filled)
        canvas.write(left + 22, top, words, TextStyle(size_px=13, colour=INK))
    return top + LINE_PX + 14


def _draw_flags(canvas: Canvas, flags: tuple[CaptionFlag, ...], place: Rectangle, top: float) -> None:
    bottom = place.top + place.height
    canvas.write(place.left, top, "Quality flags" if flags else "No quality flag was raised.", _SMALL)
    top += LINE_PX
    for number, flag in enumerate(flags):
        lines = wrapped(flag.sentence, _BODY, place.width - 18)
        left_over = len(flags) - number
        room_px = bottom - top - (LINE_PX if left_over > 1 else 0)
        if len(lines) * LINE_PX > room_px:
            canvas.write(place.left, top, f"and {left_over} more, see measurements.json", _SMALL)
            return
        paint = SEVERITY_COLOURS.get(flag.severity, INK)
        canvas.write(place.left, top, "■", TextStyle(size_px=12, colour=paint))
        for line in lines:
            canvas.write(place.left + 18, top, line, TextStyle(size_px=14, colour=paint))
            top += LINE_PX
        top += 3
