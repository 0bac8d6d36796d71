"""A mask leaves, is edited as in an editor, comes back, and exactly those ml change."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import nrrd
import numpy as np
import pytest

from lesionseg.core.audit import read_log, verify_log
from lesionseg.core.errors import (
    AuditError,
    ConfigurationError,
    InputNotFoundError,
    MaskMismatchError,
    MeasurementError,
    OutputError,
    ReadingError,
)
from lesionseg.core.provenance import sha256_of_array
from lesionseg.dicom import load_series
from lesionseg.export.origin import Origin
from lesionseg.export.seg import write_seg
from lesionseg.export.source import read_source
from lesionseg.readings.masks import SegmentMapping
from lesionseg.readings.reading import Role
from lesionseg.volume import LabelMap, VolumeGeometry
from lesionseg.volume.files import read_label_map
from lesionseg.volumetry import measure
from lesionseg.workflow.export.request import ExportSettings
from lesionseg.workflow.export.run import export_case
from lesionseg.workflow.loading import load_volume
from lesionseg.workflow.reading.add import add_reading
from lesionseg.workflow.reading.request import AddResult
from lesionseg.workflow.reading.store import load_readings
from lesionseg.workflow.reading.withdraw import withdraw_reading
from tests.support.ct_series import Series, chest_volume, write_series
from tests.workflow.reading.builders import (
    WATCH,
    add_voxels,
    make_case,
    model_labels,
    remove_blob,
    request,
    save,
)

TEN_ML = 10  # voxels
FIGURES = ("lung_ml", "lesion_ml", "non_solid_ml", "solid_ml")


def differences(result: AddResult) -> dict[str, float]:
    """Reader's figures less the model's, where they differ."""
    reader, model = result.facts["figures"], result.facts["model"]["figures"]
    found = {name: reader[name] - model[name] for name in FIGURES}
    return {name: ml for name, ml in found.items() if abs(ml) > 1e-9}


def add(case: Path, labels: np.ndarray, readings: Path, **more: object) -> AddResult:
    mask = save(model_labels(case), labels, readings.parent / "edited.nii.gz")
    return add_reading(request(case, mask, readings, **more), watch=WATCH)


def test_an_unedited_mask_changes_nothing(case: Path, readings: Path) -> None:
    result = add(case, model_labels(case).labels, readings)
    assert differences(result) == {}
    changes = result.facts["model"]["changes"]
    assert changes == {"changed_ml": 0, "moved_ml": {}, "dice": dict.fromkeys(changes["dice"], 1.0)}


def test_ten_added_ml_are_ten_ml_more(case: Path, readings: Path) -> None:
    result = add(case, add_voxels(model_labels(case).labels, TEN_ML, 2), readings)
    assert differences(result) == pytest.approx({"lesion_ml": 10.0, "non_solid_ml": 10.0})
    assert result.facts["model"]["changes"]["moved_ml"] == pytest.approx({"lung -> non_solid": 10.0})


def test_a_removed_blob_takes_its_own_ml_away(case: Path, readings: Path) -> None:
    labels = model_labels(case).labels
    edited, voxels = remove_blob(labels)
    solid = int(((labels == 3) & (edited == 1)).sum())
    result = add(case, edited, readings)
    expected = {"lesion_ml": -voxels, "non_solid_ml": solid - voxels, "solid_ml": -solid}
    assert voxels > 20
    assert differences(result) == pytest.approx({name: ml for name, ml in expected.items() if ml})


def test_a_blob_erased_to_background_takes_its_ml_away_and_leaves_the_lung(
    case: Path, readings: Path
) -> None:
    labels = model_labels(case).labels
    edited, voxels = remove_blob(labels)
    erased = np.where(edited != labels, np.uint8(0), labels)
    result = add(case, erased, readings)
    assert differences(result)["lesion_ml"] == pytest.approx(-voxels)
    assert "lung_ml" not in differences(result)


def test_what_is_relabelled_as_solid_moves_from_one_to_the_other(case: Path, readings: Path) -> None:
    labels = model_labels(case).labels.copy()
    chosen = np.flatnonzero(labels.ravel() == 2)[:7]
    labels.ravel()[chosen] = 3
    result = add(case, labels, readings)
    assert differences(result) == pytest.approx({"non_solid_ml": -7.0, "solid_ml": 7.0})


@pytest.mark.parametrize("name", ["labels.seg.nrrd", "labels.nii.gz", "seg.dcm"])
def test_what_was_exported_and_edited_comes_back(
    case: Path, series: Series, readings: Path, tmp_path: Path, name: str
) -> None:
    export_case(case, tmp_path / "out", settings=ExportSettings(("seg", "slicer", "itk-snap")))
    path = tmp_path / "out" / name
    assert differences(add_reading(request(case, path, readings), watch=WATCH)) == {}
    labels = add_voxels(model_labels(case).labels, TEN_ML, 3)
    if name.endswith(".seg.nrrd"):
        data, header = nrrd.read(str(path))  # axes x, y, z
        nrrd.write(str(path), labels.transpose(2, 1, 0).astype(data.dtype), header)
    elif name.endswith(".nii.gz"):
        save(model_labels(case), labels, path)
    else:
        path.unlink()
        write_edited_seg(path, labels, series)
    result = add_reading(request(case, path, readings, reader="Ruiz"), watch=WATCH)
    assert differences(result) == pytest.approx({"lesion_ml": 10.0, "solid_ml": 10.0})


def write_edited_seg(path: Path, labels: np.ndarray, series: Series) -> None:
    loaded = load_series(series.folder)
    edited = LabelMap(labels, loaded.volume.geometry)
    made = Origin(sha256_of_array(labels), WATCH.now(), "1", reader="Ruiz")
    write_seg(edited, read_source(loaded.series), made, path)


def test_the_figures_are_those_of_the_same_measurement(case: Path, series: Series, readings: Path) -> None:
    labels = add_voxels(model_labels(case).labels, 25, 3)
    result = add(case, labels, readings)
    volume = load_volume(series.folder)
    expected = measure(volume, LabelMap(labels, volume.geometry)).as_row()
    with (result.reading.folder / "measurements.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert {name: row[name] for name in expected} == {
        name: "" if value is None else str(value) for name, value in expected.items()
    }


def test_everything_is_kept_and_recorded(case: Path, readings: Path) -> None:
    result = add(case, add_voxels(model_labels(case).labels, TEN_ML, 2), readings)
    folder = result.reading.folder
    assert folder.parent.parent == readings
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "reading.json", "labels.nii.gz", "measurements.csv", "overview.png", "submitted/edited.nii.gz",
    }  # fmt: skip
    submitted = (folder / "submitted" / "edited.nii.gz").read_bytes()
    assert submitted == (readings.parent / "edited.nii.gz").read_bytes()
    facts = json.loads((folder / "reading.json").read_text())
    assert (facts["reader"], facts["role"], facts["why"]) == ("Ono", "reader", "as I see it")
    assert facts["recorded_utc"] == "2024-05-01T10:00:00+00:00"
    opened, record = read_log(readings / "audit.jsonl")
    assert opened.kind == "opened"
    assert record == result.record
    assert record.facts["reading_id"] == facts["reading_id"]
    assert record.facts["scan_sha256"] == json.loads((case / "manifest.json").read_text())["volume"]["sha256"]
    assert record.facts["model"]["figures"] == facts["model"]["figures"]
    assert read_label_map(folder / "labels.nii.gz").labels.sum() > model_labels(case).labels.sum()


def test_no_arm_has_a_place_in_a_reading(case: Path, readings: Path) -> None:
    result = add(case, model_labels(case).labels, readings)
    words = json.dumps([result.facts, result.record.facts]).lower()
    assert '"arm"' not in words
    assert '"treatment"' not in words


def test_whole_lesions_alone_leave_the_solid_component_unknown(case: Path, readings: Path) -> None:
    model = model_labels(case)
    drawn = (model.labels >= 2).astype(np.uint8)
    mapping = SegmentMapping.parse(("1=lesion",))
    result = add(case, drawn, readings, mapping=mapping)
    figures = result.facts["figures"]
    assert (figures["solid_ml"], figures["solid_proportion_pct"]) == (None, None)
    assert figures["lesion_ml"] == result.facts["model"]["figures"]["lesion_ml"]
    assert figures["lung_ml"] == result.facts["model"]["figures"]["lung_ml"]  # the model's lung
    assert result.reading.value("SOLPCT") is None
    assert "solid_ml=solid-not-told" in result.reading.cells["missing"]


def test_a_scan_without_a_result_of_the_model_can_be_read(series: Series, case: Path, readings: Path) -> None:
    mask = save(model_labels(case), model_labels(case).labels, readings.parent / "drawn.nii.gz")
    result = add_reading(request(series.folder, mask, readings, scan_id="A1-day-28"), watch=WATCH)
    assert result.facts["model"] is None
    assert result.reading.scan.scan_id == "A1-day-28"
    assert result.facts["figures"]["lesion_ml"] > 0


# --- a correction ---------------------------------------------------------------------------------------


def test_a_corrected_reading_is_a_new_one_and_the_old_one_stays(case: Path, readings: Path) -> None:
    labels = model_labels(case).labels
    first = add(case, labels, readings)
    before = {path: path.read_bytes() for path in first.reading.folder.rglob("*") if path.is_file()}
    with pytest.raises(ReadingError, match="never overwritten") as refused:
        add(case, add_voxels(labels, TEN_ML, 2), readings, reader="ono ")
    assert f"--supersedes {first.reading.reading_id}" in refused.value.remedy
    second = add(case, add_voxels(labels, TEN_ML, 2), readings, supersedes=first.reading.reading_id)
    assert {path: path.read_bytes() for path in before} == before
    store = load_readings(readings)
    assert [reading.reading_id for reading in store.readings] == [
        first.reading.reading_id, second.reading.reading_id,
    ]  # fmt: skip
    assert [reading.reading_id for reading in store.current] == [second.reading.reading_id]
    for wrong in ("no-such-reading", first.reading.reading_id):
        with pytest.raises(ReadingError, match="supersede"):
            add(case, labels, readings, supersedes=wrong)
    with pytest.raises(ReadingError, match="correct their own alone"):
        add(case, labels, readings, reader="Ruiz", supersedes=second.reading.reading_id)


def test_a_withdrawn_reading_counts_no_more(case: Path, readings: Path) -> None:
    labels = model_labels(case).labels
    first = add(case, labels, readings)
    second = add(case, add_voxels(labels, TEN_ML, 2), readings, supersedes=first.reading.reading_id)
    with pytest.raises(ReadingError, match="stands"):
        withdraw_reading(readings, first.reading.reading_id, by="Data manager", why="wrong name")
    withdraw_reading(readings, second.reading.reading_id, by="Data manager", why="wrong name")
    assert load_readings(readings).current == (load_readings(readings).readings[0],)
    withdraw_reading(readings, first.reading.reading_id, by="Data manager", why="wrong name")
    assert load_readings(readings).current == ()
    assert len(load_readings(readings).readings) == 2
    assert add(case, labels, readings).reading.supersedes == ""


def test_nobody_adjudicates_what_they_read(case: Path, readings: Path) -> None:
    labels = model_labels(case).labels
    add(case, labels, readings)
    with pytest.raises(ReadingError, match="nobody adjudicates"):
        add(case, labels, readings, role=Role.ADJUDICATOR)
    assert add(case, labels, readings, reader="Chief", role=Role.ADJUDICATOR).reading.role is Role.ADJUDICATOR


# --- refusals -------------------------------------------------------------------------------------------


def test_a_mask_that_does_not_fit_leaves_nothing_behind(case: Path, readings: Path) -> None:
    model = model_labels(case)
    affine = model.geometry.affine.copy()
    affine[:3, 3] += (5.0, 0.0, 0.0)
    shifted = LabelMap(model.labels, VolumeGeometry(model.geometry.shape, affine))
    mask = save(shifted, model.labels, readings.parent / "shifted.nii.gz")
    with pytest.raises(MaskMismatchError, match="shifted"):
        add_reading(request(case, mask, readings), watch=WATCH)
    assert not readings.exists()


def test_another_scan_in_place_of_the_case_s_own_is_refused(
    case: Path, readings: Path, tmp_path: Path
) -> None:
    volume = chest_volume((20, 40, 40), (10.0, 10.0, 10.0), seed=1)
    other = write_series(tmp_path / "other", volume)
    mask = save(model_labels(case), model_labels(case).labels, tmp_path / "mask.nii.gz")
    with pytest.raises(MeasurementError, match="not the scan"):
        add_reading(request(case, mask, readings, source=other.folder), watch=WATCH)
    with pytest.raises(InputNotFoundError):
        add_reading(request(case, mask, readings, source=tmp_path / "nowhere"), watch=WATCH)


def test_two_scans_do_not_share_a_name_nor_one_scan_two(case: Path, readings: Path, tmp_path: Path) -> None:
    labels = model_labels(case).labels
    add(case, labels, readings, scan_id="A1")
    with pytest.raises(ReadingError, match="another name"):
        add(case, labels, readings, scan_id="A2", reader="Ruiz")
    volume = chest_volume((20, 40, 40), (10.0, 10.0, 10.0), seed=1)
    other = make_case(write_series(tmp_path / "other", volume), tmp_path / "other-case")
    with pytest.raises(ReadingError, match="another scan goes by this name"):
        add(other, model_labels(other).labels, readings, scan_id="A1", reader="Ruiz")


@pytest.mark.parametrize("fields", [{"reader": " "}, {"reader": "A; B"}, {"reader": "two\nlines"}])
def test_a_reader_has_a_name_in_one_line(case: Path, readings: Path, fields: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="one line"):
        request(case, Path("mask"), readings, **fields)


@pytest.mark.parametrize(
    "name", ["reading.json", "labels.nii.gz", "measurements.csv", "submitted/edited.nii.gz"]
)
def test_a_reading_that_was_changed_afterwards_is_named(case: Path, readings: Path, name: str) -> None:
    result = add(case, model_labels(case).labels, readings)
    path = result.reading.folder / name
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    with pytest.raises(ReadingError, match="not as it was recorded") as refused:
        load_readings(readings)
    assert refused.value.case == str(path)
    path.unlink()
    with pytest.raises(ReadingError, match="no such file"):
        load_readings(readings)


def test_nothing_is_added_behind_a_log_that_was_changed(case: Path, readings: Path) -> None:
    add(case, model_labels(case).labels, readings)
    log = readings / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"as I see it", b"as you see it"))
    assert not verify_log(log).sound
    with pytest.raises(AuditError, match="line 2"):
        add(case, model_labels(case).labels, readings, reader="Ruiz")


@pytest.mark.parametrize(
    "lost", [("audit.jsonl",), ("audit.jsonl.head",), ("audit.jsonl", "audit.jsonl.head")]
)
def test_nothing_is_added_where_the_log_was_lost(case: Path, readings: Path, lost: tuple[str, ...]) -> None:
    add(case, model_labels(case).labels, readings)
    for name in lost:
        (readings / name).unlink()
    with pytest.raises(AuditError):
        add(case, model_labels(case).labels, readings, reader="Ruiz")
    assert not [name for name in lost if (readings / name).exists()]


def test_a_reading_that_could_not_be_recorded_does_not_stay(
    case: Path, readings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(case, model_labels(case).labels, readings)

    def fail(*_: object, **__: object) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr("lesionseg.workflow.reading.add.append_record", fail)
    with pytest.raises(OutputError):
        add(case, model_labels(case).labels, readings, reader="Ruiz")
    assert len(list(readings.glob("*/*/reading.json"))) == 1


def test_a_reading_whose_record_was_never_written_does_not_count(
    case: Path, readings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(case, model_labels(case).labels, readings)

    def crash(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lesionseg.workflow.reading.add.append_record", crash)
        with pytest.raises(KeyboardInterrupt):
            add(case, model_labels(case).labels, readings, reader="Ruiz")
    store = load_readings(readings)
    assert [reading.reader for reading in store.readings] == ["Ono"]
    assert len(store.unrecorded) == 1
