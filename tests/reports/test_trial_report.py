"""The trial report: what it says, that it needs nothing but itself, and that a blinded one tells no arm."""

from __future__ import annotations

import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lesionseg.core.errors import InputNotFoundError, PlanError, TableError, UnreadableFileError
from lesionseg.reports.trial.report import write_trial_report
from tests.longitudinal.builders import read_rows, write_table
from tests.reports.trial_fixture import TrialOnDisk, write_trial

NASTY = '<img src="https://evil.example/x.png" onerror="alert(1)">'
VOID = ("meta", "img", "br", "link")
SECTIONS = ("flow", "changes", "visits", "quality", "methods", "manifest")
SECTIONS_WITH_ARMS = ("answer", "baseline", "endpoints", "missing", "responders", "events")


class Elements(HTMLParser):
    """Balanced tags, ids, and every address that the page names."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.svgs = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.svgs += tag == "svg"
        named = dict(attrs)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [
            named[name] or "" for name in ("src", "href", "srcset", "xlink:href") if name in named
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element of SVG that holds nothing."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def parsed(html: str) -> Elements:
    elements = Elements()
    elements.feed(html)
    return elements


def plain(html: str) -> str:
    body = re.sub(r"<style>.*?</style>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> TrialOnDisk:
    """A dozen patients, without the costly sensitivity analyses."""
    return write_trial(tmp_path_factory.mktemp("small") / "trial", 9, 6, rules="worst-case")


@pytest.fixture(scope="module")
def html(trial: TrialOnDisk) -> str:
    path = trial.root / "report.html"
    write_trial_report(trial.analysis, trial.changes, path, scans=trial.scans)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def blinded(trial: TrialOnDisk) -> str:
    path = trial.root / "blinded.html"
    write_trial_report(None, trial.changes, path, scans=trial.scans, plan=trial.root / "plan.yaml")
    return path.read_text(encoding="utf-8")


def test_page_is_whole_and_names_no_address_but_its_own_sections(html: str, blinded: str) -> None:
    for page, sections in ((html, (*SECTIONS, *SECTIONS_WITH_ARMS)), (blinded, SECTIONS)):
        elements = parsed(page)
        assert elements.open == []
        assert set(elements.ids) == set(sections)
        assert all(address.startswith("#") for address in elements.addresses)
        assert {address[1:] for address in elements.addresses} <= set(elements.ids)
        assert not re.search(r"https?://|url\(|@import|<script|xmlns", page)
        assert "default-src 'none'" in page


def test_answer_stands_first_with_plan_and_notice(html: str, trial: TrialOnDisk) -> None:
    analysis = json.loads((trial.analysis / "analysis.json").read_text())
    words = plain(html)
    top = words.partition("Patient flow")[0]
    assert "A phantom trial" in top
    assert "Research use only. Not a medical device." in top
    assert analysis["plan"]["sha256"] in top
    assert re.search(
        r"Lesion proportion fell by [\d.]+ percentage points (more|less) under cells than under", top
    )
    assert "Hodges-Lehmann difference" in top
    assert "Median change:" in top
    assert "too few to generalise from" in top


def test_every_endpoint_estimate_responder_and_event_stands_on_the_page(
    html: str, trial: TrialOnDisk
) -> None:
    words = plain(html)
    for phrase in (
        "6-minute walk", "Solid proportion", "Stratified rank-sum (van Elteren)", "Analysis of covariance",
        "Mixed model, repeated measures", "Missing filled against treatment", "halved", "Any event", "Fever",
        "Cough &lt;dry&gt; &amp; fatigue", "severity: severe", "Wilcoxon F.", "Hodges JL",
        "P is adjusted for testing primary and secondary endpoints in the order of the plan",
    ):  # fmt: skip
        assert phrase in words, phrase
    assert parsed(html).svgs == 1 + 2 * 4 + 3 + 1 + 1  # flow, 2 per endpoint, 3 courses, 2 forests


def test_every_patient_is_in_the_plots_and_every_left_out_one_is_listed_with_the_reason(html: str) -> None:
    assert {f"P{number:03d}" for number in range(1, 16)} - {"P007"} <= set(
        re.findall(r"<title>(P\d{3})", html)
    )
    listing = plain(html.partition("Patients left out of an endpoint")[2])
    assert re.search(r"P007 (cells|placebo) lesion, solid, lesion late randomised", listing)
    assert re.search(r"P006 (cells|placebo) solid The baseline value is 0", listing)
    assert re.search(r"P009 (cells|placebo) lesion late outside the population mITT", listing)
    assert "3 slices are missing" in plain(html.partition("Scans without figures")[2])


def test_flow_counts_agree_with_the_analysis(html: str, trial: TrialOnDisk) -> None:
    arms = json.loads((trial.analysis / "analysis.json").read_text())["flow"]["arms"]
    flow = plain(html.partition('id="flow"')[2].partition("</svg>")[0])
    for arm in arms.values():
        for count in (arm["randomised"], arm["with_baseline"], arm["analysed"]["lesion"]):
            assert f"n = {count}" in flow
    assert "never scanned: 1" in flow


def test_hashes_of_all_inputs_stand_in_the_manifest(html: str, trial: TrialOnDisk) -> None:
    analysis = json.loads((trial.analysis / "analysis.json").read_text())
    for entry in analysis["inputs"]:
        assert entry["sha256"] in html
    assert str(trial.root) not in html


def test_blinded_page_says_so_and_tells_no_arm(blinded: str) -> None:
    assert "The arms are closed." in blinded
    # neither names of arms, nor folders called after them, nor a sentence that quotes such a folder
    for word in ("cells", "placebo", "/data/", "treatment", "control"):
        assert word not in blinded.lower().replace("whatever labels and measures a scan knows no arm", ""), (
            word
        )
    for colour in ("#0072b2", "#f5c779"):
        assert colour not in blinded.partition("</style>")[2]
    words = plain(blinded)
    assert "All patients, arms closed" in words
    assert "P005 P005-2 day 28 failed slices missing" in words


def test_blinded_page_is_the_same_whoever_received_what(
    trial: TrialOnDisk, blinded: str, tmp_path: Path
) -> None:
    arms = trial.root / "arms.csv"
    kept = arms.read_text()
    try:
        arms.write_text(kept.replace("cells", "x").replace("placebo", "cells").replace("x", "placebo"))
        again = tmp_path / "again.html"
        write_trial_report(None, trial.changes, again, scans=trial.scans, plan=trial.root / "plan.yaml")
    finally:
        arms.write_text(kept)
    assert again.read_text(encoding="utf-8") == blinded


def test_arms_smuggled_into_the_changes_do_not_reach_a_blinded_page(
    trial: TrialOnDisk, tmp_path: Path
) -> None:
    folder = tmp_path / "visits"
    folder.mkdir()
    (folder / "adlesion.csv").write_bytes((trial.analysis / "adtrial.csv").read_bytes())
    page = tmp_path / "page.html"
    write_trial_report(None, folder, page)
    assert "cells" not in page.read_text()
    assert "placebo" not in page.read_text()


def test_blinded_page_follows_the_plan_and_refuses_another_one(
    trial: TrialOnDisk, blinded: str, tmp_path: Path
) -> None:
    assert "Lesion proportion: absolute change, baseline to day 90" in blinded
    default = tmp_path / "default.html"
    write_trial_report(None, trial.changes, default)
    assert "Solid proportion: relative change, baseline to day 28" in default.read_text()
    other = tmp_path / "other.yaml"
    other.write_text((trial.root / "plan.yaml").read_text() + "alpha: 0.01\n")
    with pytest.raises(PlanError, match="another plan"):
        write_trial_report(None, trial.changes, default, plan=other)


def test_names_are_escaped(trial: TrialOnDisk, tmp_path: Path) -> None:
    folder = tmp_path / "analysis"
    folder.mkdir()
    arm = NASTY + "arm"
    for name in ("adtrial.csv", "adsl.csv"):
        rows = [
            {column: {"P001": NASTY, "cells": arm}.get(cell, cell) for column, cell in row.items()}
            for row in read_rows(trial.analysis / name)
        ]
        write_table(folder / name, rows)
    text = (trial.analysis / "analysis.json").read_text()
    analysis = json.loads(text.replace('"cells"', json.dumps(arm)))
    analysis["plan"]["trial"]["title"] = NASTY
    analysis["excluded"][0]["reason_text"] = NASTY
    analysis["adverse_events"][0]["term"] = NASTY
    analysis["methods_text"] = NASTY
    (folder / "analysis.json").write_text(json.dumps(analysis))
    page = tmp_path / "page.html"
    write_trial_report(folder, None, page)
    html = page.read_text()
    assert "<img" not in html
    assert html.count("&lt;img") > 10
    assert parsed(html).open == []


def test_an_analysis_alone_makes_a_report_that_says_what_it_lacks(trial: TrialOnDisk, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    write_trial_report(trial.analysis, None, page)
    assert "No list of scans was given" in page.read_text()


def test_an_interval_of_less_confidence_than_planned_is_not_called_by_the_planned_one(tmp_path: Path) -> None:
    trial = write_trial(tmp_path / "trial", 3, 3, rules="")
    page = tmp_path / "page.html"
    write_trial_report(trial.analysis, trial.changes, page)
    words = plain(page.read_text())
    top = words.partition("Patient flow")[0]
    assert ", 80 % CI " in top
    assert "95 % CI" not in top
    assert "the smallest P that any data could give is 0.2" in top
    assert "An interval of the plan's confidence would be without ends" in words.replace("&#39;", "'")


def test_endpoint_nobody_has_is_told_and_drawn_nowhere(tmp_path: Path) -> None:
    trial = write_trial(tmp_path / "trial", 3, 2, rules="")
    analysis = json.loads((trial.analysis / "analysis.json").read_text())
    for entry in analysis["estimates"]:
        entry.update(dict.fromkeys(("effect", "low", "high", "p_value", "p_adjusted", "significant")))
    (trial.analysis / "analysis.json").write_text(json.dumps(analysis))
    rows = [{**row, "PCHG": ""} for row in read_rows(trial.analysis / "adtrial.csv")]
    write_table(trial.analysis / "adtrial.csv", rows)
    page = tmp_path / "page.html"
    write_trial_report(trial.analysis, trial.changes, page)
    words = plain(page.read_text())
    assert "could not be estimated" in words
    assert "Nobody has a value." in words
    assert "not estimated" in words


def test_same_folders_give_the_same_bytes(trial: TrialOnDisk, html: str, tmp_path: Path) -> None:
    again = tmp_path / "again.html"
    write_trial_report(trial.analysis, trial.changes, again, scans=trial.scans)
    assert again.read_text(encoding="utf-8") == html


def test_absent_and_damaged_inputs_are_refused_and_nothing_is_written(
    trial: TrialOnDisk, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    with pytest.raises(InputNotFoundError, match="nothing to report on"):
        write_trial_report(None, None, page)
    with pytest.raises(InputNotFoundError, match="no such file"):
        write_trial_report(tmp_path, None, page)
    with pytest.raises(InputNotFoundError, match="list of scans"):
        write_trial_report(trial.analysis, None, page, scans=tmp_path / "none.csv")
    (tmp_path / "analysis.json").write_text("{")
    with pytest.raises(UnreadableFileError, match="damaged"):
        write_trial_report(tmp_path, None, page)
    (tmp_path / "adlesion.csv").write_text("USUBJID\nP1\n")
    with pytest.raises(TableError, match="this column is missing"):
        write_trial_report(None, tmp_path, page)
    assert not page.exists()


@pytest.mark.slow
def test_template_travels_in_the_wheel(repository: Path, tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(repository)).build(directory=str(tmp_path), versions=["standard"])
    assert "lesionseg/reports/templates/trial_report.html.j2" in zipfile.ZipFile(wheel).namelist()
