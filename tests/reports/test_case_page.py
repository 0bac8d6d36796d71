"""The case page: what it says, that it refuses another scan, and that it needs nothing but itself."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import InputNotFoundError, MeasurementError, UnreadableFileError
from lesionseg.core.labels import Label
from lesionseg.reports.case.histogram import hu_histogram
from lesionseg.reports.case.page import render_case_page, write_case_page
from lesionseg.volume import CTVolume, LabelMap
from tests.reports.given_case import DOUBT, GivenCase, asymmetric_chest, given_case
from tests.reports.html_elements import elements_of, words_of


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> GivenCase:
    place = tmp_path_factory.mktemp("cases") / "P01-baseline"
    return given_case(place, *asymmetric_chest(), confidence=DOUBT)


@pytest.fixture(scope="module")
def page(case: GivenCase) -> str:
    return render_case_page(case.folder, volume=case.volume)


@pytest.fixture
def copied(case: GivenCase, tmp_path: Path) -> Path:
    """A case folder to spoil."""
    return Path(shutil.copytree(case.folder, tmp_path / "case"))


def test_page_is_whole_and_names_no_address_but_its_own_pictures(page: str) -> None:
    elements = elements_of(page)
    assert elements.open == []
    assert len(elements.addresses) == 3
    assert all(address.startswith("data:image/") for address in elements.addresses)
    assert "default-src 'none'" in page
    assert "script-src 'unsafe-inline'" in page
    assert all(alt for alt in elements.alts)


def test_headings_go_down_one_step_at_a_time_from_one_title(page: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])[ >]", page.partition("<script")[0])]
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_proportions_intervals_flags_and_provenance_stand_on_the_page(case: GivenCase, page: str) -> None:
    stored = json.loads((case.folder / "measurements.json").read_text())
    manifest = json.loads((case.folder / "manifest.json").read_text())
    words = words_of(page)
    whole, sure = stored["regions"]["whole"], stored["confidence"]
    low, high = sure["lesion_proportion_low_pct"], sure["lesion_proportion_high_pct"]
    assert f"{whole['lesion_proportion_pct']:.1f} % {low:.1f} to {high:.1f} %" in words
    assert DOUBT.interval_basis in words
    assert stored["flags"]
    assert all(flag["sentence"] in words for flag in stored["flags"])
    assert manifest["volume"]["sha256"][:12] in words
    assert "labels by given labels 1" in words
    assert f"numpy {np.__version__}" in words


def test_lesion_of_the_right_lung_stands_in_the_rows_of_the_right_lung(page: str) -> None:
    rows = dict(re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', page, re.DOTALL))
    lesion_ml = {name: words_of(cells).split()[1] for name, cells in rows.items() if "lung" in name.lower()}
    assert float(lesion_ml["Right lung"]) > 1
    assert lesion_ml["Left lung"] == "0.00"
    assert "no lesion" in words_of(rows["Left lung"])


def test_without_the_scan_there_is_no_script_and_the_page_says_so(case: GivenCase) -> None:
    page = render_case_page(case.folder)
    assert "<script" not in page
    assert "script-src" not in page
    assert "The scan was not at hand" in words_of(page)
    assert elements_of(page).open == []


def test_another_scan_is_refused(case: GivenCase, tmp_path: Path) -> None:
    other = CTVolume(
        np.where(case.volume.hu == 40, 41, case.volume.hu).astype(np.int16), case.volume.geometry
    )
    with pytest.raises(MeasurementError, match="not the scan") as caught:
        write_case_page(case.folder, tmp_path / "case.html", volume=other)
    assert "same repairs" in caught.value.remedy
    assert not (tmp_path / "case.html").exists()


def test_same_case_gives_the_same_page_whenever_it_was_segmented(
    case: GivenCase, page: str, copied: Path
) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["times"] = {"started_utc": "2031-01-01T00:00:00+00:00", "seconds": {}}
    (copied / "manifest.json").write_text(json.dumps(manifest))
    assert render_case_page(copied, volume=case.volume) == page


def test_names_notes_and_sentences_are_escaped(copied: Path) -> None:
    nasty = "</script><img src=x onerror=alert(1)>"
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["warnings"], manifest["model"]["bundle"] = [nasty], nasty
    (copied / "manifest.json").write_text(json.dumps(manifest))
    table = (copied / "measurements.csv").read_text().replace("P01-baseline.nii.gz,", f"{nasty},", 1)
    (copied / "measurements.csv").write_text(table)
    page = render_case_page(copied)
    assert nasty not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 4


def test_patients_name_and_number_stay_in_the_manifest(copied: Path) -> None:
    manifest = json.loads((copied / "manifest.json").read_text())
    manifest["source"]["series"] = {
        "patient_id": "HOSPITAL-4711",
        "study_date": "20200401",
        "series_uid": "1.2.3",
    }
    (copied / "manifest.json").write_text(json.dumps(manifest))
    page = render_case_page(copied)
    assert "HOSPITAL-4711" not in page
    assert "scanned 2020-04-01" in page
    assert "series 1.2.3" in page


@pytest.mark.parametrize("name", ["measurements.json", "manifest.json"])
def test_incomplete_and_damaged_folders_are_told_by_the_file(copied: Path, name: str) -> None:
    (copied / name).write_text("{}")
    with pytest.raises(UnreadableFileError, match=name):
        render_case_page(copied)
    (copied / name).write_text('{"regions": ')
    with pytest.raises(UnreadableFileError, match=name):
        render_case_page(copied)
    (copied / name).unlink()
    with pytest.raises(InputNotFoundError, match=name):
        render_case_page(copied)


def test_case_without_picture_or_labels_still_has_a_page_or_a_clear_refusal(
    copied: Path, case: GivenCase
) -> None:
    (copied / "overview.png").unlink()
    assert "The overview could not be drawn" in words_of(render_case_page(copied))
    (copied / "labels.nii.gz").unlink()
    with pytest.raises(InputNotFoundError, match=r"labels\.nii\.gz"):
        render_case_page(copied, volume=case.volume)


def test_scan_without_any_lung_has_a_page_with_reasons(tmp_path: Path) -> None:
    volume, label_map = asymmetric_chest((12, 16, 20))
    empty = given_case(tmp_path / "empty", volume, LabelMap(np.zeros_like(label_map.labels), volume.geometry))
    words = words_of(render_case_page(empty.folder, volume=empty.volume))
    assert "No lung was found" in words
    assert "no lung" in words
    assert "None" not in words
    assert "nan" not in words.split()


def test_histogram_holds_every_voxel_of_the_lungs_once() -> None:
    volume, label_map = asymmetric_chest()
    far = CTVolume(np.where(label_map.labels == 3, 3000, volume.hu).astype(np.int16), volume.geometry)
    histogram = hu_histogram(far, label_map)
    for label, ml in histogram.volume_ml.items():
        counted = np.count_nonzero(label_map.labels == label) * volume.geometry.voxel_volume_ml
        assert ml.sum() == pytest.approx(counted)
    assert histogram.volume_ml[Label.SOLID][-1] > 0  # held in the outermost bin
    bins = np.flatnonzero(histogram.volume_ml[Label.NON_SOLID])
    assert histogram.edges_hu[bins].tolist() == [-510]
    assert histogram.edges_hu[bins + 1].tolist() == [-490]
