"""The trial report in a browser: console clean, no request, nothing overlaps, nothing sticks out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lesionseg.reports.trial.report import write_trial_report
from tests.reports.browser import Browser, needs_browser, open_browser
from tests.reports.trial_fixture import TrialOnDisk, write_trial

pytestmark = [pytest.mark.slow, needs_browser]

_OVERLAPS = """
const touching = [];
for (const svg of document.querySelectorAll("svg")) {
  const words = [...svg.querySelectorAll("text")].filter(text => text.textContent.trim());
  const boxes = words.map(text => text.getBoundingClientRect());
  for (let i = 0; i < boxes.length; i++) for (let j = i + 1; j < boxes.length; j++) {
    const a = boxes[i], b = boxes[j], slack = 1.5;
    if (a.left < b.right - slack && b.left < a.right - slack &&
        a.top < b.bottom - 3 && b.top < a.bottom - 3)
      touching.push(words[i].textContent + " | " + words[j].textContent);
  }
}
return touching;
"""
_BEYOND_THEIR_PICTURE = """
const beyond = [];
for (const svg of document.querySelectorAll("svg")) {
  const frame = svg.getBoundingClientRect();
  for (const text of svg.querySelectorAll("text")) {
    const box = text.getBoundingClientRect();
    if (box.left < frame.left - 1 || box.right > frame.right + 1 ||
        box.top < frame.top - 1 || box.bottom > frame.bottom + 1) beyond.push(text.textContent);
  }
}
return beyond;
"""
_SIDEWAYS = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> TrialOnDisk:
    return write_trial(tmp_path_factory.mktemp("seen") / "trial")


@pytest.fixture(scope="module", params=["report", "blinded"])
def page(request: pytest.FixtureRequest, trial: TrialOnDisk) -> Path:
    path = trial.root / f"{request.param}.html"
    analysis = trial.analysis if request.param == "report" else None
    write_trial_report(analysis, trial.changes, path, scans=trial.scans)
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


def test_console_is_clean_and_no_request_leaves_the_page(browser: Browser, page: Path) -> None:
    browser.requests()  # of the pages before
    browser.open(page)
    assert browser.complaints() == []
    assert browser.requests() == []
    assert browser.run("return document.title").startswith("PHANTOM-01")


def test_words_of_plots_neither_overlap_nor_leave_their_picture(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.run(_OVERLAPS) == []
    assert browser.run(_BEYOND_THEIR_PICTURE) == []


@pytest.mark.parametrize("width", [1280, 700])
def test_page_does_not_scroll_sideways(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width=width)
    assert browser.run(_SIDEWAYS) <= 0
