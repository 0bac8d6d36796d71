"""The patient page: matched levels, changes with their reasons, warnings, and never an arm."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import InputError, InputNotFoundError, MeasurementError, UnreadableFileError
from lesionseg.reports.patient.page import PatientScan, render_patient_page, write_patient_page
from lesionseg.reports.patient.plot import proportions_svg
from lesionseg.reports.patient.tables import read_patient
from lesionseg.volume import CTVolume
from tests.reports.browser import needs_browser, open_browser
from tests.reports.given_case import GivenCase, asymmetric_chest, given_case
from tests.reports.html_elements import elements_of, words_of

VISITS = (("baseline", 0), ("day 10", 10), ("day 28", 28))
NAMES = {"LESPCT": "Whole lesion, % of both lungs", "SOLPCT": "Solid component, % of both lungs"}
ADLESION = {
    ("P01", "LESPCT", "baseline"): {"AVAL": 14.0, "AVALLO": 13.0, "AVALHI": 15.5, "ABLFL": "Y", "ADY": -1,
                                    "ADT": "2020-03-31", "SCANID": "P01-a"},
    ("P01", "SOLPCT", "baseline"): {"AVAL": 0.0, "ABLFL": "Y", "ADY": -1, "ADT": "2020-03-31",
                                    "SCANID": "P01-a"},
    ("P01", "LESPCT", "day 10"): {"REASCD": "scan-failed", "REAS": "The scan could not be measured: a gap."},
    ("P01", "SOLPCT", "day 10"): {"REASCD": "scan-failed", "REAS": "The scan could not be measured: a gap."},
    ("P01", "LESPCT", "day 28"): {"AVAL": 7.0, "AVALLO": 6.0, "AVALHI": 8.0, "CHG": -7.0, "PCHG": -50.0,
                                  "ADY": 29, "ADT": "2020-04-30", "SCANID": "P01-c"},
    ("P01", "SOLPCT", "day 28"): {"AVAL": 0.5, "CHG": 0.5, "REASCD": "zero-baseline", "ADY": 29,
                                  "REAS": "The baseline value is 0.", "ADT": "2020-04-30", "SCANID": "P01-c"},
    ("P02", "LESPCT", "baseline"): {"AVAL": 99.9, "ABLFL": "Y", "REAS": "Other patient"},
}  # fmt: skip
PAIRING = (
    ("P01", "P01-a", "2020-03-31", "-1", "baseline", "Y", "only-scan", "Taken on day -1."),
    ("P01", "P01-b", "2020-04-11", "10", "day 10", "N", "scan-failed", "Could not be measured: a gap."),
    ("P01", "P01-c", "2020-04-30", "29", "day 28", "Y", "nearest", "Taken on day 29."),
    ("P02", "P02-a", "2020-03-31", "0", "baseline", "Y", "only-scan", "Taken on day 0."),
)
COMPARABILITY = (
    ("P01", "day 28", "kernel", "kernel-differs", "info", "Kernel B31f, at baseline B30f.", ""),
    ("P01", "day 28", "spacing", "spacing-differs", "warning", "The slices are 5.00 mm apart.", "2"),
    ("P01", "day 28", "contrast", "comparable", "none", "Both without contrast medium.", ""),
)


def table(path: Path, rows: list[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def adlesion_rows() -> Iterator[dict[str, object]]:
    columns = ("AVAL", "AVALLO", "AVALHI", "CHG", "PCHG", "ABLFL", "ADT", "ADY", "SCANID", "REASCD", "REAS")
    for (subject, code, visit), cells in ADLESION.items():
        yield {
            "USUBJID": subject, "PARAMCD": code, "PARAM": NAMES[code], "AVISIT": visit,
            "AVISITN": dict(VISITS)[visit], **dict.fromkeys(columns, ""), **cells, "TRT01P": "cells",
        }  # fmt: skip


def write_changes(folder: Path) -> Path:
    """What ``lesionseg change`` writes, and, against all rules, columns with the arm."""
    table(folder / "adlesion.csv", list(adlesion_rows()))
    names = ("subject", "scan_id", "study_date", "day", "visit", "chosen", "reason", "reason_text")
    table(folder / "pairing.csv", [dict(zip(names, row, strict=True), arm="cells") for row in PAIRING])
    names = ("subject", "visit", "check", "flag", "severity", "sentence", "value")
    table(folder / "comparability.csv", [dict(zip(names, row, strict=True)) for row in COMPARABILITY])
    return folder


@pytest.fixture
def changes(tmp_path: Path) -> Path:
    return write_changes(tmp_path)


@pytest.fixture(scope="module")
def page(cases: dict[str, GivenCase], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page with both scans at hand."""
    changes = write_changes(tmp_path_factory.mktemp("changes"))
    return render_patient_page("P01", changes, scans=[*scans(cases), PatientScan("P01-b")])


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, GivenCase]:
    """Two scans of one body on different grids."""
    place = tmp_path_factory.mktemp("cases")
    shapes = {"P01-a": (24, 48, 64), "P01-c": (18, 40, 56)}
    return {name: given_case(place / name, *asymmetric_chest(shape)) for name, shape in shapes.items()}


def figures_of(row: str) -> str:
    """The cells of a row in plain letters."""
    words = words_of(row.partition("</tr>")[0])
    return words.replace("\N{EN DASH}", "none").replace("\N{MINUS SIGN}", "-")


def scans(cases: dict[str, GivenCase]) -> list[PatientScan]:
    return [PatientScan(name, case.folder, lambda case=case: case.volume) for name, case in cases.items()]


def test_page_needs_nothing_else_and_runs_no_script(page: str) -> None:
    elements = elements_of(page)
    assert elements.open == []
    assert all(address.startswith("data:image/") for address in elements.addresses)
    assert all(elements.alts)
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_values_intervals_changes_and_reasons_stand_in_their_cells(changes: Path) -> None:
    page = render_patient_page("P01", changes)
    rows = dict(row.split("</th>", 1) for row in page.split('<th scope="row">')[1:])
    assert figures_of(rows[NAMES["LESPCT"]]) == (
        "14.0 13.0 to 15.5 none scan-failed none none 7.0 6.0 to 8.0 -7.0 -50.0"
    )
    assert figures_of(rows[NAMES["SOLPCT"]]) == (
        "0.00 none scan-failed none none 0.50 +0.50 none zero-baseline"
    )
    words = words_of(page)
    assert words.count("The scan could not be measured: a gap.") == 1
    assert "day 28: zero-baseline The baseline value is 0." in words
    assert "baseline (changes start here): 2020-03-31, day \N{MINUS SIGN}1" in words


def test_warnings_come_worst_first_and_agreement_is_not_one(changes: Path) -> None:
    words = words_of(render_patient_page("P01", changes))
    assert words.index("Warning. The slices are 5.00 mm apart.") < words.index("Info. Kernel B31f")
    assert "Both without contrast medium" not in words


def test_nothing_of_an_arm_or_of_another_patient_reaches_the_page(changes: Path, page: str) -> None:
    for secret in ("cells", "TRT01P", "P02", "99.9", "Other patient"):
        assert secret not in words_of(page)
    assert "TRT01P" not in str(read_patient(changes, "P01"))


def test_every_scan_found_is_listed_with_what_was_decided(changes: Path) -> None:
    words = words_of(render_patient_page("P01", changes).partition("<h2>Scans")[2])
    assert "P01-b 2020-04-11 10 day 10 no Could not be measured: a gap. scan-failed" in words
    assert "P01-c 2020-04-30 29 day 28 yes Taken on day 29. nearest" in words


def test_scans_at_hand_stand_side_by_side_at_every_level(page: str) -> None:
    elements = elements_of(page)
    cuts = [alt for alt in elements.alts if "axial cut at" in alt]
    levels = {alt.split(" at ")[1].split(",")[0] for alt in cuts}
    assert 2 <= len(levels) <= 4
    for level in levels:
        of_level = sorted(alt for alt in cuts if level in alt)
        assert [alt.split(",")[0] for alt in of_level] == ["baseline", "baseline", "day 28", "day 28"]


def test_scan_that_is_not_at_hand_is_shown_by_its_overview(
    changes: Path, cases: dict[str, GivenCase]
) -> None:
    given = [scans(cases)[0], PatientScan("P01-c", cases["P01-c"].folder)]
    page = render_patient_page("P01", changes, scans=given)
    assert "not cut at matched levels" in words_of(page)
    assert any(alt.startswith("Overview of day 28") for alt in elements_of(page).alts)
    assert not any(alt.startswith("day 28, axial") for alt in elements_of(page).alts)


def test_another_patients_scan_is_refused(changes: Path, cases: dict[str, GivenCase], tmp_path: Path) -> None:
    case = cases["P01-a"]
    other = CTVolume((case.volume.hu + 1).astype(np.int16), case.volume.geometry)
    given = [PatientScan("P01-a", case.folder, lambda: other)]
    with pytest.raises(MeasurementError, match="not the scan"):
        write_patient_page("P01", changes, tmp_path / "page.html", scans=given)
    assert not (tmp_path / "page.html").exists()


def test_unknown_subject_missing_table_missing_column_and_words_for_numbers_are_told(changes: Path) -> None:
    with pytest.raises(InputError, match="P77"):
        render_patient_page("P77", changes)
    text = (changes / "adlesion.csv").read_text()
    (changes / "adlesion.csv").write_text(text.replace("14.0", "14,0x").replace(",13.0,", ",a lot,", 1))
    with pytest.raises(UnreadableFileError, match=r"LESPCT at baseline"):
        render_patient_page("P01", changes)
    (changes / "adlesion.csv").write_text(text.replace("PCHG", "CHANGE", 1))
    with pytest.raises(UnreadableFileError, match="PCHG"):
        render_patient_page("P01", changes)
    (changes / "adlesion.csv").unlink()
    with pytest.raises(InputNotFoundError, match=r"adlesion\.csv"):
        render_patient_page("P01", changes)


def test_patient_without_any_scan_still_has_a_page(changes: Path) -> None:
    rows = [row for row in adlesion_rows() if row["USUBJID"] == "P01"]
    for row in rows:
        row.update(USUBJID="P03", AVAL="", AVALLO="", AVALHI="", CHG="", PCHG="", ADT="", ADY="", SCANID="",
                   ABLFL="", REASCD="no-scan", REAS="No scan belongs to this visit.")  # fmt: skip
    table(changes / "adlesion.csv", rows)
    words = words_of(render_patient_page("P03", changes))
    assert "No scan of this patient was found" in words
    assert "baseline (changes start here): no scan" in words
    assert "None" not in words


def test_plot_names_its_axes_and_marks_what_is_missing(changes: Path) -> None:
    svg = proportions_svg(read_patient(changes, "P01"))
    for words in (
        "% of the lung",
        "Visit (day of its scan, from day zero)",
        "whole lesion",
        "no value",
        "day 10",
    ):
        assert f"<!-- {words} -->" in svg
    assert svg == proportions_svg(read_patient(changes, "P01"))


@needs_browser
@pytest.mark.slow
def test_labels_are_switched_without_a_script_and_nothing_is_asked_for(page: str, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    shown = (
        "return [...document.querySelectorAll('.levels img')].filter(image => image.offsetHeight > 0)"
        ".map(image => image.className)"
    )
    with open_browser() as browser:
        browser.open(tmp_path / "page.html")
        assert set(browser.run(shown)) == {"labelled"}
        browser.run("document.getElementById('show-labels').click()")
        assert set(browser.run(shown)) == {"plain"}
        assert browser.run("return [...document.images].every(image => image.naturalWidth > 0)")
        browser.open(tmp_path / "page.html", width=400)
        assert browser.run("return document.documentElement.scrollWidth <= window.innerWidth")
        assert browser.complaints() == []
        assert browser.requests() == []
