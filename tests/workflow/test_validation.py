"""Folders of label maps against folders of references: matching, refusals, and what is written."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import (
    EmptyInputError,
    InputError,
    LesionSegError,
    MeasurementError,
    OutputExistsError,
)
from lesionseg.volume import LabelMap, VolumeGeometry, write_label_map
from lesionseg.volumetry.agreement import ComparisonSettings, RegionLabels, Resampling
from lesionseg.volumetry.agreement.findings import Findings
from lesionseg.volumetry.agreement.labels import ANY_VALUES
from lesionseg.workflow.validation.files import find_label_maps, match_cases
from lesionseg.workflow.validation.output import VALIDATION_FILES
from lesionseg.workflow.validation.run import ValidationRequest, ValidationResult, validate

SHAPE = (4, 8, 10)


def save(path: Path, lesion_columns: int, *, origin_mm: float = 0.0, lung: int = 1, lesion: int = 2) -> Path:
    """A block of lung, whose first columns are lesion and the first of these solid where values are ours."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:-1, 1:-1, 1:-1] = lung
    labels[1:-1, 1:-1, 1 : 1 + lesion_columns] = lesion
    if lesion == 2 and lesion_columns:
        labels[1:-1, 1:-1, 1] = 3
    geometry = VolumeGeometry.from_axes(SHAPE, (5.0, 2.0, 2.0), (origin_mm, 0.0, 0.0))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_label_map(LabelMap(labels, geometry, ANY_VALUES), path)
    return path


@pytest.fixture
def quick_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the report, whose plots take most of the time."""

    def write(findings: Findings, path: Path, _: object) -> None:
        path.write_text(" ".join(left.case for left in findings.left_out), encoding="utf-8")

    monkeypatch.setattr("lesionseg.reports.validation.page.write_validation_page", write)


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """Three cases: a result folder, and files in two formats."""
    save(tmp_path / "pred" / "P001" / "labels.nii.gz", 2)
    save(tmp_path / "pred" / "P002.nrrd", 3)
    save(tmp_path / "pred" / "P003.mha", 0)
    return tmp_path / "pred"


@pytest.fixture
def references(tmp_path: Path) -> Path:
    for number, columns in enumerate((2, 4, 0), start=1):
        save(tmp_path / "ref" / f"P00{number}.nii.gz", columns)
    return tmp_path / "ref"


def run(predictions: Path, references: Path, output: Path, **how: object) -> ValidationResult:
    quick = Resampling(resamples=30)
    return validate(ValidationRequest(predictions, references, output, resampling=quick, **how))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_cases_are_matched_by_name_whatever_holds_them(predictions: Path, references: Path) -> None:
    matching = match_cases(predictions, references)
    assert [pair.case for pair in matching.pairs] == ["P001", "P002", "P003"]
    assert matching.pairs[0].prediction.name == "labels.nii.gz"


def test_all_files_are_written_and_agree(predictions: Path, references: Path, output: Path) -> None:
    result = run(predictions, references, output)
    assert result.warnings == ()
    assert result.findings.complete
    assert sorted(path.name for path in output.iterdir()) == sorted(VALIDATION_FILES)
    table = {(row["case"], row["region"]): row for row in rows(output / "cases.csv")}
    assert len(table) == 3 * 4
    lesion = table["P002", "lesion"]
    assert float(lesion["dice"]) == pytest.approx(2 * 3 / (3 + 4))
    assert float(lesion["error_pct"]) == pytest.approx(-25)
    assert float(lesion["proportion_error_points"]) == pytest.approx(-100 / 8)
    assert table["P003", "solid"]["empty"] == "both-empty"
    assert table["P003", "solid"]["error_pct"] == ""
    assert "error_pct=both-empty" in table["P003", "solid"]["missing"]
    summary = json.loads((output / "summary.json").read_text(encoding="utf-8"))
    by_name = {(row["region"], row["measure"], row["statistic"]): row for row in rows(output / "summary.csv")}
    mean = summary["regions"]["lesion"]["dice"]["mean"]
    assert float(by_name["lesion", "dice", "mean"]["value"]) == pytest.approx(mean["value"])
    assert mean["value"] == pytest.approx((1 + 6 / 7 + 1) / 3)
    assert mean["low"] <= mean["value"] <= mean["high"]
    assert summary["regions"]["lesion"]["dice"]["mean_non_empty"]["cases"] == 2
    assert result.manifest == json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert len(result.manifest["inputs"][0]["prediction"]["sha256"]) == 64
    assert set(result.manifest["outputs"]) == set(VALIDATION_FILES) - {"manifest.json"}


@pytest.mark.usefixtures("quick_page")
def test_tables_never_hold_infinite_values_or_values_that_are_no_numbers(
    predictions: Path, references: Path, output: Path
) -> None:
    run(predictions, references, output)
    cells = [
        cell for name in ("cases.csv", "summary.csv") for row in rows(output / name) for cell in row.values()
    ]
    assert not {"nan", "inf", "-inf", "None"} & {cell.lower() for cell in cells}
    for name in ("summary.json", "manifest.json"):
        text = (output / name).read_text(encoding="utf-8")
        assert "NaN" not in text
        assert "Infinity" not in text


def test_second_run_gives_the_same_bytes_but_for_the_times(
    predictions: Path, references: Path, tmp_path: Path
) -> None:
    how = ComparisonSettings(regions=("lesion",))
    manifests = [
        run(predictions, references, tmp_path / name, settings=how).manifest for name in ("one", "two")
    ]
    for name in set(VALIDATION_FILES) - {"manifest.json"}:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
    for manifest in manifests:
        manifest.pop("times")
    assert manifests[0] == manifests[1]


@pytest.mark.usefixtures("quick_page")
def test_cases_with_one_side_only_are_listed_everywhere(
    predictions: Path, references: Path, output: Path
) -> None:
    save(predictions / "extra.nii.gz", 1)
    save(references / "lost.nii.gz", 1)
    (references / "notes.txt").write_text("by reader 2")
    result = run(predictions, references, output)
    assert not result.findings.complete  # a reference without prediction would flatter the figures
    listed = {row["case"]: row["status"] for row in rows(output / "cases.csv")}
    assert (listed["lost"], listed["extra"]) == ("no-prediction", "no-reference")
    assert result.manifest["other_references"] == ["notes.txt"]


@pytest.mark.usefixtures("quick_page")
def test_a_prediction_without_reference_alone_leaves_nothing_out(
    predictions: Path, references: Path, output: Path
) -> None:
    save(predictions / "extra.nii.gz", 1)
    assert run(predictions, references, output).findings.complete


@pytest.mark.usefixtures("quick_page")
def test_a_pair_that_cannot_be_compared_is_told_and_the_others_go_on(
    predictions: Path, references: Path, output: Path
) -> None:
    save(references / "P001.nii.gz", 2, origin_mm=3.0)
    save(references / "P002.nii.gz", 2, lesion=7)
    result = run(predictions, references, output)
    left = {each.case: each for each in result.findings.left_out}
    assert (left["P001"].code, left["P002"].code) == ("geometry", "measurement")
    assert "3.0 mm apart" in left["P001"].problem
    assert "found 7" in left["P002"].problem
    assert [case.case for case in result.findings.compared] == ["P003"]
    assert not result.findings.complete
    assert result.manifest["cases"] == {"compared": 1, "failed": 2, "no-prediction": 0, "no-reference": 0}


@pytest.mark.usefixtures("quick_page")
def test_damaged_references_fail_their_case_alone(predictions: Path, references: Path, output: Path) -> None:
    whole = (references / "P002.nii.gz").read_bytes()
    (references / "P002.nii.gz").write_bytes(whole[: len(whole) // 2])
    result = run(predictions, references, output)
    assert [(left.case, left.code) for left in result.findings.left_out] == [("P002", "file-unreadable")]


def test_nothing_is_written_where_no_pair_can_be_compared(tmp_path: Path, output: Path) -> None:
    save(tmp_path / "pred" / "P001.nii.gz", 2)
    save(tmp_path / "ref" / "P001.nii.gz", 2, origin_mm=3.0)
    with pytest.raises(MeasurementError, match=r"no prediction could be compared.*3\.0 mm apart"):
        run(tmp_path / "pred", tmp_path / "ref", output)
    assert list(output.parent.iterdir()) == []


@pytest.mark.usefixtures("quick_page")
def test_two_single_label_maps_are_a_pair_whatever_they_are_called(tmp_path: Path, output: Path) -> None:
    folder = save(tmp_path / "scan 7" / "labels.nii.gz", 2).parent
    reader = save(tmp_path / "ref" / "reader.nrrd", 3)
    result = run(folder, reader, output)
    assert [case.case for case in result.findings.compared] == ["scan 7"]
    with pytest.raises(InputError, match="no case has both"):
        run(folder, reader.parent, tmp_path / "other")


@pytest.mark.usefixtures("quick_page")
def test_readers_lesion_masks_are_compared_by_their_own_values(
    predictions: Path, tmp_path: Path, output: Path
) -> None:
    for number, columns in enumerate((2, 3, 0), start=1):
        save(tmp_path / "ref" / f"P00{number}.nii.gz", columns, lung=0, lesion=1)
    how = ComparisonSettings(reference_labels=RegionLabels.parse("lesion=1"))
    result = run(predictions, tmp_path / "ref", output, settings=how)
    assert {row["region"] for row in rows(output / "cases.csv")} == {"lesion"}
    assert result.findings.figure("lesion", "dice", "mean").estimate.value == 1
    assert result.findings.notes == ()


@pytest.mark.usefixtures("quick_page")
def test_lesion_masks_taken_for_lungs_are_suspected(predictions: Path, tmp_path: Path, output: Path) -> None:
    for number, columns in enumerate((2, 3, 1), start=1):
        save(tmp_path / "ref" / f"P00{number}.nii.gz", columns, lung=0, lesion=1)
    (note,) = run(predictions, tmp_path / "ref", output).findings.notes
    assert "--reference-labels lesion=1" in note


def test_two_label_maps_of_one_case_are_refused(predictions: Path) -> None:
    save(predictions / "P001.nii.gz", 1)
    with pytest.raises(InputError, match="both of P001"):
        find_label_maps(predictions)


@pytest.mark.parametrize("name", ["nowhere", "empty", "notes.txt"])
def test_paths_without_label_maps_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError):
        find_label_maps(tmp_path / name)
    with pytest.raises(EmptyInputError, match=r"notes\.txt"):
        find_label_maps(tmp_path)


def test_a_page_that_fails_does_not_cost_the_tables(
    predictions: Path, references: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no page today")

    monkeypatch.setattr("lesionseg.reports.validation.page.write_validation_page", broken)
    result = run(predictions, references, output)
    assert result.warnings == ("the report could not be made: ValueError: no page today",)
    assert (output / "cases.csv").is_file()
    assert not (output / "report.html").exists()


@pytest.mark.usefixtures("quick_page")
def test_an_earlier_validation_is_replaced_on_request_and_nothing_else_is(
    predictions: Path, references: Path, output: Path
) -> None:
    run(predictions, references, output)
    with pytest.raises(OutputExistsError):
        run(predictions, references, output)
    run(predictions, references, output, overwrite=True)
    (output / "mine.txt").write_text("keep")
    with pytest.raises(LesionSegError, match=r"mine\.txt"):
        run(predictions, references, output, overwrite=True)
