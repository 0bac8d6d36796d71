"""Plots of the trial report: whole SVG, every patient in it, and nothing beyond its edges."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest

from lesionseg.reports.trial.plot_arms import box_strip_svg, swarm
from lesionseg.reports.trial.plot_axes import Scale, axis_range, round_step
from lesionseg.reports.trial.plot_flow import FlowColumn, FlowStep, flow_svg
from lesionseg.reports.trial.plot_forest import ForestHeads, ForestPanel, ForestRow, forest_svg
from lesionseg.reports.trial.plot_visits import Course, CoursePanel, VisitDay, courses_svg
from lesionseg.reports.trial.plot_waterfall import Dot, Group, Marker, waterfall_svg
from lesionseg.reports.trial.plots import CONTROL, TREATMENT, Drawing, Look, Type

CELLS, PLACEBO = Group("cells", TREATMENT), Group("placebo", CONTROL)
HEADS = ForestHeads("n", "Difference", "P", "lower", "higher")


def dots(values: list[float], start: int = 1) -> list[Dot]:
    return [Dot(f"P{number:03d}", value) for number, value in enumerate(values, start)]


def many(count: int, seed: int = 1) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).normal(-40, 20, count)]


def texts(svg: str) -> list[ET.Element]:
    return [element for element in ET.fromstring(svg).iter() if element.tag == "text"]


def inside(svg: str) -> bool:
    """Whether all text, at 0.6 em a character, lies within the picture."""
    root = ET.fromstring(svg)
    width, height = (float(part) for part in root.attrib["viewBox"].split()[2:])
    return all(_fits(text, width, height) for text in root.iter("text"))


def _fits(text: ET.Element, width: float, height: float) -> bool:
    x, y, size = (float(text.attrib[name]) for name in ("x", "y", "font-size"))
    length = 0.6 * size * len(text.text or "")
    before = {"start": 0.0, "middle": 0.5, "end": 1.0}[text.attrib["text-anchor"]] * length
    if "transform" in text.attrib:  # it reads upwards
        return 0 <= x <= width and y + before <= height + 1 and y + before - length >= -1
    return 0 <= y <= height and x - before >= -1 and x - before + length <= width + 1


def test_waterfall_has_a_bar_for_every_patient_in_descending_order() -> None:
    svg = waterfall_svg([(CELLS, dots([-50, -10, 20])), (PLACEBO, dots([5, -30], 11))], "Change (%)")
    named = re.findall(r"<title>(P\d+), (cells|placebo)", svg)
    assert named == [
        ("P003", "cells"),
        ("P011", "placebo"),
        ("P002", "cells"),
        ("P012", "placebo"),
        ("P001", "cells"),
    ]
    assert {element.text for element in texts(svg)} >= {"cells", "placebo", "Change (%)", "P001"}


def test_waterfall_of_a_hundred_names_nobody_beneath_and_one_of_ten_everybody() -> None:
    crowd = waterfall_svg([(CELLS, dots(many(65))), (PLACEBO, dots(many(35, 2), 66))], "Change (%)")
    assert crowd.count("<title>P") == 100
    assert not any((element.text or "").startswith("P0") for element in texts(crowd))
    few = waterfall_svg([(CELLS, dots(many(10)))], "Change (%)")
    assert sum((element.text or "").startswith("P0") for element in texts(few)) == 10
    assert inside(crowd)
    assert inside(few)


def test_one_value_far_out_does_not_press_the_others_and_is_told() -> None:
    values = [*many(40), 900.0]
    assert axis_range(values, cut=True)[1] < 200
    assert axis_range(values)[1] >= 900
    for svg in (
        waterfall_svg([(CELLS, dots(values))], "Change (%)"),
        box_strip_svg([(CELLS, dots(values))], "Change (%)"),
    ):
        assert any(element.text == "+900.0" for element in texts(svg))


def test_marker_is_drawn_where_it_lies_within_the_axis() -> None:
    svg = waterfall_svg(
        [(CELLS, dots([-60, -20]))], "Change (%)", [Marker(-50, "halved"), Marker(300, "far")]
    )
    assert "halved" in svg
    assert "far" not in svg


@pytest.mark.parametrize("values", [[0.0], [-5.0], [0.0, 0.0, 0.0], [1e-9], [-1e6, 1e6]])
def test_plots_stand_any_values(values: list[float]) -> None:
    for svg in (
        waterfall_svg([(CELLS, dots(values)), (PLACEBO, [])], "x"),
        box_strip_svg([(CELLS, dots(values)), (PLACEBO, [])], "x"),
    ):
        ET.fromstring(svg)
        assert "nan" not in svg
        assert "inf" not in svg.replace("info", "")


def test_swarm_keeps_points_apart() -> None:
    heights = [float(value) for value in np.random.default_rng(3).normal(100, 30, 65)]
    offsets = swarm(heights, 8.0, 75.0)
    places = np.column_stack([offsets, heights])
    gaps = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1)) + np.eye(65) * 99
    assert gaps.min() > 0.98 * 8.0
    assert max(abs(offset) for offset in offsets) <= 75.0
    assert len(swarm([1.0] * 1000, 8.0, 75.0)) == 1000


def test_box_holds_quartiles_median_and_whiskers() -> None:
    svg = box_strip_svg([(CELLS, dots([0.0, 25.0, 50.0, 75.0, 100.0]))], "x")
    scale = Scale(0, 100, 380 - 48, 24)
    box = next(element for element in ET.fromstring(svg).iter("rect") if len(element))
    assert float(box.attrib["y"]) == pytest.approx(scale(75.0), abs=0.01)
    assert float(box.attrib["height"]) == pytest.approx(scale(25.0) - scale(75.0), abs=0.01)


def test_courses_name_every_patient_and_visit_names_do_not_touch() -> None:
    visits = [VisitDay("baseline", 0), VisitDay("day 10", 10), VisitDay("day 28", 28), VisitDay("day 90", 90)]
    course = Course("P1 <b>", ((0.0, 20.0), (28.0, 5.0)))
    panel = CoursePanel(CELLS, (course,), {"baseline": (20.0,), "day 28": (5.0,)})
    svg = courses_svg([panel, CoursePanel(PLACEBO, (), {})], visits, "Lesion (%)")
    assert "P1 &lt;b&gt;, cells" in svg
    names = [e for e in texts(svg) if e.text in {visit.name for visit in visits}]
    rows: dict[float, list[tuple[float, float]]] = {}
    for element in names:
        half = len(element.text or "") * 11 * 0.56 / 2
        x = float(element.attrib["x"])
        rows.setdefault(float(element.attrib["y"]), []).append((x - half, x + half))
    for spans in rows.values():
        spans.sort()
        assert all(first[1] < second[0] for first, second in pairwise(spans))


def test_forest_has_an_axis_for_each_unit_and_says_what_is_not_estimated() -> None:
    row = ForestRow("Lesion", "ITT", "60 / 33", -15.4, -30.8, -0.4, 1, "0.043")
    lost = ForestRow("Solid", "ITT", "0 / 33", None, None, None, 2, "")
    open_end = ForestRow("One-sided", "ITT", "60 / 33", -3.0, None, 2.0, 1, "0.1")
    svg = forest_svg([ForestPanel("%", (row, lost)), ForestPanel("m", (open_end,))], HEADS, "Forest")
    words = [element.text for element in texts(svg)]
    assert {"%", "m", "not estimated", "0.043"} <= set(words)
    assert "\N{MINUS SIGN}3.0 (up to +2.0)" in words
    assert inside(svg)


def test_flow_tells_losses_with_their_reasons_and_stays_in_the_picture() -> None:
    steps = (
        FlowStep("cells", 65),
        FlowStep(
            "Measured at baseline", 60, (("no scan at this visit", 4), ("the scan could not be measured", 1))
        ),
    )
    svg = flow_svg((FlowStep("Randomised", 100),), (FlowColumn(steps), FlowColumn(steps)))
    words = " ".join(element.text or "" for element in texts(svg))
    assert words.count("Left out: 5") == 2
    assert "no scan at this visit: 4" in words
    assert "n = 100" in words
    assert inside(svg)


def test_words_are_escaped_and_pictures_do_not_change() -> None:
    drawing = Drawing(10, 10, 'a "quoted" <picture>')
    drawing.text((1, 1), "<script>", Type(bold=True))
    drawing.point((5, 5), 2, Look("#000", "#000"), "<i>")
    svg = drawing.svg()
    assert "<script>" not in svg
    assert "<i>" not in svg
    ET.fromstring(svg)
    assert waterfall_svg([(CELLS, dots([1.0]))], "x") == waterfall_svg([(CELLS, dots([1.0]))], "x")


def test_ticks_are_round_and_cover_the_axis() -> None:
    assert Scale(-100, 50, 0, 1).ticks() == (-100, -75, -50, -25, 0, 25, 50)
    assert Scale(-20, 120, 0, 1).ticks() == (-20, 0, 20, 40, 60, 80, 100, 120)
    assert round_step(0.13) == pytest.approx(0.2)
    assert axis_range([]) == (0.0, 1.0)
    assert axis_range([3.0, 3.0], with_zero=False) == (2.0, 4.0)
