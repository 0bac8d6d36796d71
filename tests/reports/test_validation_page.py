"""The report of a validation: what it says, in which order, and that it needs nothing but itself."""

from __future__ import annotations

import base64
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lesionseg.reports.validation.page import PageSource, render_validation_page
from lesionseg.reports.validation.plots import bland_altman_svg, scatter_svg
from lesionseg.reports.validation.words import amount, share, signed
from lesionseg.volumetry.agreement import ComparisonSettings, RegionAgreement, RegionLabels, Resampling, pool
from lesionseg.volumetry.agreement.findings import ComparedCase, Findings, LeftOutCase

SOURCE = PageSource("pred", "ref", "0.1.0", {"lesionseg": "0.1.0", "numpy": "2.0"})
LESION_ONLY = ComparisonSettings(reference_labels=RegionLabels.parse("lesion=1"))


def found(dice: float, prediction_ml: float, reference_ml: float, empty: str = "") -> RegionAgreement:
    missing = {"error_pct": empty} if reference_ml == 0 else {}
    return RegionAgreement(
        "lesion", empty, dice, dice / 2, prediction_ml, reference_ml,
        prediction_ml / 40, reference_ml / 40, missing,
    )  # fmt: skip


def page(cases: dict[str, RegionAgreement], *left_out: LeftOutCase, notes: tuple[str, ...] = ()) -> str:
    compared = tuple(ComparedCase(name, (each,)) for name, each in cases.items())
    pooled = pool([case.regions for case in compared], Resampling(resamples=20))
    findings = Findings(compared, left_out, pooled, LESION_ONLY, notes=notes)
    return render_validation_page(findings, SOURCE)


CASES = {
    "good": found(0.95, 100, 102),
    "bad": found(0.21, 30, 80),
    "clear": found(1, 0, 0, "both-empty"),
    "false alarm": found(0, 4, 0, "reference-empty"),
}


class Elements(HTMLParser):
    """Balanced tags, and every address that the page names."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "br", "link"):
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def text() -> str:
    return page(CASES)


def test_page_is_whole_and_needs_no_network(text: str) -> None:
    elements = Elements()
    elements.feed(text)
    assert elements.open == []
    assert len(elements.addresses) == 4
    assert all(address.startswith("data:image/svg+xml;base64,") for address in elements.addresses)
    assert "<script" not in text
    assert "http://" not in re.sub(r'src="[^"]*"', "", text)
    assert "default-src 'none'" in text


def test_worst_case_comes_first_and_cases_empty_in_both_last(text: str) -> None:
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>', text.partition("worst Dice first")[2])
    assert rows == ["false alarm", "bad", "good", "clear"]


def test_figures_intervals_and_reasons_stand_on_the_page(text: str) -> None:
    words = re.sub(r"<[^>]+>|\s+", " ", text)
    assert share((0.95 + 0.21 + 1 + 0) / 4) in words
    assert share((0.95 + 0.21 + 0) / 3) in words  # without the case that is empty in both
    assert "reference empty" in words
    assert "both empty" in words
    assert "lesion=1" in words
    assert "numpy 2.0" in words
    for rule in ("Empty masks", "Nikolov", "Shrout and Fleiss", "Bland and Altman", "percentile bootstrap"):
        assert rule in words


def test_cases_that_are_not_in_the_figures_stand_at_the_top() -> None:
    lost = LeftOutCase("P007", "failed", "the grids differ", "geometry")
    text = page(
        CASES, lost, LeftOutCase("P008", "no-prediction", ""), LeftOutCase("P009", "no-reference", "")
    )
    top = text.partition("All cases together")[0]
    assert "2 cases with a reference" in top
    for words in ("P007", "the grids differ", "P008", "has no prediction", "P009"):
        assert words in top


def test_names_and_problems_are_escaped() -> None:
    nasty = "<img src=x onerror=alert(1)>"
    text = page({nasty: found(0.5, 1, 2)}, LeftOutCase(nasty, "failed", nasty, "input"), notes=(nasty,))
    assert nasty not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt;") == 4


def test_one_case_has_no_plots_and_no_intervals_and_still_a_page() -> None:
    text = page({"only": found(0.5, 10, 20)})
    assert "Plots need two cases" in text
    assert "too few cases" in text
    assert "<img" not in text


def test_same_findings_give_the_same_page(text: str) -> None:
    assert page(CASES) == text


def test_plots_hold_every_case_and_do_not_change() -> None:
    drawn = bland_altman_svg([1.0, 2.0, 4.0], [1.5, 2.0, 3.0], "ml")
    assert drawn == bland_altman_svg([1.0, 2.0, 4.0], [1.5, 2.0, 3.0], "ml")
    assert drawn != bland_altman_svg([1.0, 2.0, 4.0], [1.5, 2.0, 3.5], "ml")
    assert "<svg" in scatter_svg([0.0, 0.0], [0.0, 0.0], "ml")  # all empty: no scale to divide by
    assert base64.b64encode(drawn.encode())


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.00"), (-0.001, "0.00"), (0.001, "0.00"), (3.14, "+3.1"), (-0.5, "\N{MINUS SIGN}0.50"),
     (1234.5, "+1,234"), (-2000.0, "\N{MINUS SIGN}2,000")],
)  # fmt: skip
def test_signed_amounts_never_show_a_sign_before_zero(value: float, text: str) -> None:
    assert signed(amount)(value) == text


@pytest.mark.slow
def test_the_template_travels_in_the_wheel(repository: Path, tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(repository)).build(directory=str(tmp_path), versions=["standard"])
    assert "lesionseg/reports/templates/validation.html" in zipfile.ZipFile(wheel).namelist()
