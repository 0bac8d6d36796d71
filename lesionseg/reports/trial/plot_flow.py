"""Patient flow: who was randomised, scanned and analysed, and who was lost on the way and why."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from lesionseg.reports.trial.plots import INK, MUTED, Drawing, Look, Stroke, Type

_WIDTH = 860.0
_STEP, _LOSS, _TOP_BOX = 180.0, 216.0, 320.0
_LINE, _PAD, _GAP = 16.0, 10.0, 26.0
_STEP_CHARACTERS, _LOSS_CHARACTERS, _TOP_CHARACTERS = 26, 36, 46
_BOX = Look("#ffffff", INK)
_LOSS_BOX = Look("#f6f7f8", MUTED)


@dataclass(frozen=True)
class FlowStep:
    """A box: what it counts, how many, and who was lost since the box before with their reasons."""

    label: str
    count: int | None
    losses: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class FlowColumn:
    """One arm's boxes from top to bottom; or everybody's."""

    steps: tuple[FlowStep, ...]


def flow_svg(top: Sequence[FlowStep], columns: Sequence[FlowColumn]) -> str:
    """Draw common boxes in the middle and, below them, a column for each arm.

    Parameters
    ----------
    top : sequence of FlowStep
        Before the arms part; one or more.
    columns : sequence of FlowColumn
        One or two.
    """
    drawing = Drawing(_WIDTH, _height(top, columns), "Patient flow: " + "; ".join(_line(s) for s in top))
    centre = _WIDTH / 2
    y = _boxes(drawing, top, centre, 2.0, _TOP_BOX)
    middles = [_middle(index, len(columns)) for index in range(len(columns))]
    tops = _part(drawing, centre, middles, y) if columns else y
    for column, middle in zip(columns, middles, strict=True):
        _boxes(drawing, column.steps, middle, tops, _STEP)
    return drawing.svg()


def _middle(index: int, columns: int) -> float:
    """Return the middle of a column's boxes; their losses stand at the right."""
    if columns == 1:
        return _WIDTH / 2
    return index * _WIDTH / 2 + _STEP / 2 + 12


def _part(drawing: Drawing, centre: float, middles: Sequence[float], y: float) -> float:
    """Draw the lines from the last common box to every column; return where the columns start."""
    turn, end = y + _GAP / 2, y + _GAP
    drawing.line((centre, y), (centre, turn), Stroke(INK, 1.2))
    drawing.line((min(*middles, centre), turn), (max(*middles, centre), turn), Stroke(INK, 1.2))
    for middle in middles:
        _arrow(drawing, middle, turn, end)
    return end


def _boxes(drawing: Drawing, steps: Sequence[FlowStep], middle: float, top: float, width: float) -> float:
    y = top
    for index, step in enumerate(steps):
        if index:
            lost = _loss_lines(step)
            gap = _gap(lost)
            _arrow(drawing, middle, y, y + gap)
            if lost:
                _loss(drawing, lost, middle, y + (gap - _tall(lost)) / 2)
            y += gap
        y = _box(drawing, step, (middle, y), width)
    return y


def _box(drawing: Drawing, step: FlowStep, place: tuple[float, float], width: float) -> float:
    middle, y = place
    lines = _step_lines(step, width)
    tall = _tall(lines)
    drawing.box((middle - width / 2, y), (width, tall), _BOX, edge_width=1.2)
    for index, words in enumerate(lines):
        last = index == len(lines) - 1
        style = Type(anchor="middle", bold=last and step.count is not None)
        drawing.text((middle, y + _PAD + _LINE * (index + 0.75)), words, style)
    return y + tall


def _loss(drawing: Drawing, lines: Sequence[str], middle: float, y: float) -> None:
    left = middle + 18
    across = y + _tall(lines) / 2
    drawing.line((middle, across), (left, across), Stroke(MUTED, 1.0))
    drawing.box((left, y), (_LOSS, _tall(lines)), _LOSS_BOX)
    for index, words in enumerate(lines):
        drawing.text((left + 8, y + _PAD + _LINE * (index + 0.75)), words, Type(size=11, bold=index == 0))


def _arrow(drawing: Drawing, x: float, start: float, end: float) -> None:
    drawing.line((x, start), (x, end - 5), Stroke(INK, 1.2))
    drawing.polygon([(x - 4, end - 7), (x + 4, end - 7), (x, end)], INK)


def _step_lines(step: FlowStep, width: float) -> list[str]:
    room = _TOP_CHARACTERS if width == _TOP_BOX else _STEP_CHARACTERS
    count = [] if step.count is None else [f"n = {step.count:,}"]
    return textwrap.wrap(step.label, room) + count


def _loss_lines(step: FlowStep) -> list[str]:
    if not step.losses:
        return []
    lines = [f"Left out: {sum(number for _, number in step.losses):,}"]
    for reason, number in step.losses:
        lines += textwrap.wrap(f"{reason}: {number:,}", _LOSS_CHARACTERS, subsequent_indent="  ")
    return lines


def _gap(lost: Sequence[str]) -> float:
    return max(_GAP, _tall(lost) + 12) if lost else _GAP


def _tall(lines: Sequence[str]) -> float:
    return 2 * _PAD + _LINE * len(lines)


def _height(top: Sequence[FlowStep], columns: Sequence[FlowColumn]) -> float:
    tall = 4 + _column_height(top, _TOP_BOX)
    if columns:
        tall += _GAP + max(_column_height(column.steps, _STEP) for column in columns)
    return tall


def _column_height(steps: Sequence[FlowStep], width: float) -> float:
    boxes = sum(_tall(_step_lines(step, width)) for step in steps)
    return boxes + sum(_gap(_loss_lines(step)) for step in steps[1:])


def _line(step: FlowStep) -> str:
    return step.label if step.count is None else f"{step.label} {step.count}"
