"""A case whose segmenter says how sure it is: in the table, the JSON, the manifest, the same bytes twice."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from lesionseg.volume.files import write_volume
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.request import CaseRequest, CaseSettings, SegmenterSettings
from lesionseg.workflow.segmenting import DeferredSegmenter
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter, filled_chest, threshold_bundle


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scan and a bundle of known thresholds."""
    folder = tmp_path_factory.mktemp("confidence")
    write_volume(filled_chest(), folder / "scan.nii.gz")
    threshold_bundle(folder / "threshold")
    return folder


def run(place: Path, name: str, *, flips: bool = False) -> dict:
    how = SegmenterSettings(str(place / "threshold"), device="cpu", runtime="torch", threads=1, flips=flips)
    request = CaseRequest(place / "scan.nii.gz", place / name)
    segmenter = DeferredSegmenter.from_settings(how)
    return segment_case(request, segmenter, settings=CaseSettings(segmenter=how)).manifest


def row_of(folder: Path) -> dict[str, str]:
    with (folder / "measurements.csv").open(encoding="utf-8") as stream:
        return next(csv.DictReader(stream))


def test_interval_and_figures_are_written_with_the_case_and_again_to_the_byte(place: Path) -> None:
    manifest = run(place, "first")
    row = row_of(place / "first")
    low, value, high = (float(row[f"lesion_proportion_{name}"]) for name in ("low_pct", "pct", "high_pct"))
    assert 0 < low < value < high
    assert "ood_score=no-reference-ranges" in row["missing"]
    stored = json.loads((place / "first" / "measurements.json").read_text(encoding="utf-8"))
    assert manifest["confidence"] == stored["confidence"]
    assert {figure["name"] for figure in stored["confidence"]["figures"]} >= {"noise_hu", "lung_hu"}
    run(place, "second")
    for name in ("labels.nii.gz", "measurements.json", "measurements.csv"):
        assert (place / "first" / name).read_bytes() == (place / "second" / name).read_bytes(), name


def test_flips_are_recorded_and_change_nothing_for_a_network_that_sees_both_sides_alike(place: Path) -> None:
    plain, flipped = run(place, "plain"), run(place, "flipped", flips=True)
    assert [entry["request"]["settings"]["segmenter"]["flips"] for entry in (plain, flipped)] == [False, True]
    first, second = (row_of(place / name) for name in ("plain", "flipped"))
    assert float(second["lesion_proportion_pct"]) == pytest.approx(
        float(first["lesion_proportion_pct"]), abs=0.1
    )


def test_a_segmenter_that_says_nothing_leaves_the_reason(good_series: Series, output: Path) -> None:
    manifest = segment_case(CaseRequest(good_series.folder, output), RuleSegmenter()).manifest
    assert manifest["confidence"]["missing"]["ood_score"] == "not-assessed"
    assert manifest["confidence"]["figures"] == []
