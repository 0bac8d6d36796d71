"""The slice viewer in a browser: right is right, the labels come and go, nothing leaves the page."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from lesionseg.core.labels import DEFAULT_SCHEME, Label
from lesionseg.reports.case.page import write_case_page
from tests.reports.browser import Browser, needs_browser, open_browser
from tests.reports.given_case import asymmetric_chest, given_case

Picture = npt.NDArray[np.float64]
CHANGED, COLOURED = 0.02, 0.08
SCANS = {
    "sick": {},
    "rows-turned": {"front_at_row_0": False},
    "clear": {"sick": False},
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Case pages of the asymmetric chest: lesion in the right lung only, towards head and front."""
    place = tmp_path_factory.mktemp("pages")
    for name, options in SCANS.items():
        case = given_case(place / name, *asymmetric_chest(**options))
        write_case_page(case.folder, place / f"{name}.html", volume=case.volume)
    return {name: place / f"{name}.html" for name in SCANS}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as opened:
        yield opened


def opened(browser: Browser, page: Path) -> Browser:
    browser.open(page)
    assert browser.wait_for_viewer() == "ready"
    return browser


def labels_alone(browser: Browser) -> tuple[Picture, Picture]:
    """The canvas with the labels on, and without them."""
    browser.choose("viewer-labels", value=True)
    shown = browser.picture("viewer-canvas")
    browser.choose("viewer-labels", value=False)
    hidden = browser.picture("viewer-canvas")
    browser.choose("viewer-labels", value=True)
    return shown, hidden


def painted(shown: Picture, hidden: Picture, label: Label) -> npt.NDArray[np.bool_]:
    """Pixels that the labels changed to this label's hue; the scan itself is grey."""
    hues = {each: np.asarray(DEFAULT_SCHEME.colours[each]) / 255 for each in (1, 2, 3)}
    hues = {each: colour - colour.mean() for each, colour in hues.items()}
    found = shown - shown.mean(axis=2, keepdims=True)
    fit = {each: found @ (hue / np.linalg.norm(hue)) for each, hue in hues.items()}
    changed = np.abs(shown - hidden).max(axis=2) > CHANGED
    return changed & (fit[label] > COLOURED) & (fit[label] == np.max(list(fit.values()), axis=0))


def middle(mask: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Row and column of a mask's middle, as fractions of the picture."""
    rows, columns = np.nonzero(mask)
    assert rows.size > 50
    return float(rows.mean() / mask.shape[0]), float(columns.mean() / mask.shape[1])


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("name", ["sick", "rows-turned"])
def test_lesion_of_the_right_lung_is_at_the_left_of_the_picture_front_and_head_up(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    opened(browser, pages[name])
    row, column = middle(painted(*labels_alone(browser), Label.NON_SOLID))
    assert column < 0.45
    assert row < 0.5
    browser.choose("viewer-plane", "coronal")
    row, column = middle(painted(*labels_alone(browser), Label.NON_SOLID))
    assert column < 0.45
    assert row < 0.5
    browser.choose("viewer-plane", "sagittal")  # faces left
    row, column = middle(painted(*labels_alone(browser), Label.NON_SOLID))
    assert column < 0.5
    assert row < 0.5
    assert re.match(
        r"\d+ R, \d+ A, ", browser.run("return document.getElementById('viewer-place').textContent")
    )


@needs_browser
@pytest.mark.slow
def test_labels_come_and_go_and_have_the_colours_of_the_overview(
    browser: Browser, pages: dict[str, Path]
) -> None:
    opened(browser, pages["sick"])
    shown, hidden = labels_alone(browser)
    assert np.ptp(hidden) > 0.5  # the scan itself is drawn
    assert np.abs(hidden.max(axis=2) - hidden.min(axis=2)).max() < 0.1  # and it is grey
    for label in (Label.LUNG, Label.NON_SOLID, Label.SOLID):
        assert np.count_nonzero(painted(shown, hidden, label)) > 100, label
    lung = painted(shown, hidden, Label.LUNG)
    assert np.count_nonzero(lung) < 0.2 * lung.size  # an outline
    browser.choose("viewer-opacity", "100")
    stronger = browser.picture("viewer-canvas")
    assert np.abs(stronger - hidden).sum() > 1.2 * np.abs(shown - hidden).sum()


@needs_browser
@pytest.mark.slow
def test_scan_without_lesion_has_a_blue_outline_only(browser: Browser, pages: dict[str, Path]) -> None:
    opened(browser, pages["clear"])
    shown, hidden = labels_alone(browser)
    assert np.count_nonzero(painted(shown, hidden, Label.LUNG)) > 100
    assert np.count_nonzero(painted(shown, hidden, Label.NON_SOLID)) == 0
    assert np.count_nonzero(painted(shown, hidden, Label.SOLID)) == 0


@needs_browser
@pytest.mark.slow
def test_slices_windows_and_planes_change_the_picture(browser: Browser, pages: dict[str, Path]) -> None:
    opened(browser, pages["sick"])
    lung = browser.picture("viewer-canvas")
    browser.choose("viewer-window", "soft")
    assert np.abs(browser.picture("viewer-canvas") - lung).max() > 0.2
    browser.choose("viewer-window", "lung")
    browser.choose("viewer-slice", "3")
    assert browser.run("return document.getElementById('viewer-count').textContent").startswith("3 of ")
    assert np.abs(browser.picture("viewer-canvas") - lung).max() > 0.2
    browser.choose("viewer-plane", "all")
    assert np.abs(browser.picture("viewer-canvas") - lung).max() > 0.2


@needs_browser
@pytest.mark.slow
def test_no_request_leaves_the_page_and_the_console_stays_silent(
    browser: Browser, pages: dict[str, Path]
) -> None:
    browser.complaints()
    browser.requests()
    opened(browser, pages["sick"])
    for plane in ("coronal", "sagittal", "all", "axial"):
        browser.choose("viewer-plane", plane)
    labels_alone(browser)
    assert browser.complaints() == []
    assert browser.requests() == []


@needs_browser
@pytest.mark.slow
def test_page_refuses_a_request_that_a_script_on_it_would_make(
    browser: Browser, pages: dict[str, Path]
) -> None:
    opened(browser, pages["sick"])
    answer = browser.driver.execute_async_script(
        "const done = arguments[0];fetch('data:text/plain,x').then(() => done('sent'), () => done('refused'))"
    )
    assert answer == "refused"
    assert any("Content Security Policy" in message for message in browser.complaints())


@needs_browser
@pytest.mark.slow
def test_browser_without_webgl_is_told_so_and_keeps_the_rest(
    browser: Browser, pages: dict[str, Path]
) -> None:
    without = {"source": "HTMLCanvasElement.prototype.getContext = () => null"}
    script = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", without)
    browser.open(pages["sick"])
    try:
        assert browser.wait_for_viewer() == "failed"
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
    assert "WebGL 2" in browser.run("return document.getElementById('viewer-status').textContent")
    assert browser.run("return document.getElementById('viewer-stage').hidden")
    assert browser.run("return document.images[0].naturalWidth") == 1600


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 400])
def test_page_never_scrolls_sideways_as_a_whole(browser: Browser, pages: dict[str, Path], width: int) -> None:
    browser.open(pages["sick"], width=width)
    assert browser.wait_for_viewer() == "ready"
    assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")


def test_vendored_niivue_is_what_its_sums_and_its_readme_say(repository: Path) -> None:
    vendor = repository / "lesionseg" / "reports" / "vendor"
    subprocess.run([sys.executable, repository / "scripts" / "vendor_niivue.py", "--check"], check=True)
    digest = hashlib.sha256((vendor / "niivue.umd.js").read_bytes()).hexdigest()
    assert digest in (vendor / "README.md").read_text()
    assert "Niivue" in (vendor / "LICENSE.niivue.txt").read_text()
    assert b"</script" not in (vendor / "niivue.umd.js").read_bytes()  # would end its element in the page


@pytest.mark.slow
def test_templates_and_vendored_files_travel_in_the_wheel(repository: Path, tmp_path: Path) -> None:
    from hatchling.builders.wheel import WheelBuilder

    (wheel,) = WheelBuilder(str(repository)).build(directory=str(tmp_path), versions=["standard"])
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "base.html.j2",
        "macros.html.j2",
        "case.html.j2",
        "patient.html.j2",
        "viewer.html.j2",
        "viewer.js",
    ):
        assert f"lesionseg/reports/templates/{name}" in names
    for name in ("niivue.umd.js", "LICENSE.niivue.txt", "LICENSES.bundled.txt", "README.md", "SHA256SUMS"):
        assert f"lesionseg/reports/vendor/{name}" in names
