"""A folder as it comes from an archive becomes one that may be passed on."""

from __future__ import annotations

import csv
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import BasicTextSRStorage, SecondaryCaptureImageStorage

from lesionseg.core.errors import (
    ConfigurationError,
    InputNotFoundError,
    NoCTSeriesError,
    OutputExistsError,
    TableError,
)
from lesionseg.dicom import load_series
from lesionseg.dicom.deidentify import new_key
from lesionseg.dicom.write import WriterSettings
from lesionseg.workflow.deidentify import DeidentifyRequest, deidentify
from tests.support.ct_series import chest_volume, save, write_series

PATIENT_ID, NAME = "MRN-778899", "Rumpelstiltskin^Ada"
SMALL = ((4, 24, 24), (40.0, 11.0, 11.0))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Two visits of one patient in folders with her name, and what archives put beside them."""
    folder = tmp_path / "archive" / "Rumpelstiltskin, Ada (1950-03-12)"
    for number, day in enumerate(("20240210", "20240309")):
        settings = WriterSettings("visits", PATIENT_ID, NAME, study_date=day, manufacturer="SIEMENS")
        write_series(folder / day, chest_volume(*SMALL, seed=number), settings)
    report = dcmread(next((folder / "20240210").iterdir()))
    capture = dcmread(next((folder / "20240210").iterdir()))
    for dataset, sop_class, name in (
        (report, BasicTextSRStorage, "report"),
        (capture, SecondaryCaptureImageStorage, "dose"),
    ):
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = sop_class
        save(dataset, folder / f"{name} of Rumpelstiltskin")
    (folder / "letter to Rumpelstiltskin.txt").write_text("Dear Mrs Rumpelstiltskin\n" * 30)
    return tmp_path / "archive"


@pytest.fixture
def request_(archive: Path, tmp_path: Path) -> DeidentifyRequest:
    new_key(tmp_path / "key")
    return DeidentifyRequest(archive, tmp_path / "out", tmp_path / "key")


def content_of(folder: Path) -> bytes:
    """Names and bytes of everything in a folder."""
    return b"\n".join(
        str(path.relative_to(folder)).encode() + (path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    )


def test_two_visits_come_out_with_their_distance_and_their_volumes(request_: DeidentifyRequest) -> None:
    result = deidentify(request_)
    assert result.complete
    assert result.report["files"] == {"copied": 8, "left-out": 3, "refused": 0}
    days = sorted(
        np.datetime64(f"{s['study_date'][:4]}-{s['study_date'][4:6]}-{s['study_date'][6:]}")
        for s in result.report["series"]
    )
    assert days[1] - days[0] == np.timedelta64(28, "D")
    studies = sorted(path for path in request_.output_folder.glob("*/*") if path.is_dir())
    assert len(studies) == 2
    after = {load_series(study).volume.hu.tobytes() for study in studies}
    before = {load_series(path).volume.hu.tobytes() for path in request_.input_path.glob("*/2024*")}
    assert after == before


def test_nothing_that_is_passed_on_names_the_patient_or_her_dates(request_: DeidentifyRequest) -> None:
    deidentify(request_)
    content = content_of(request_.output_folder).lower()
    told = (
        "rumpelstiltskin",
        PATIENT_ID,
        "778899",
        "20240210",
        "20240309",
        "2024-02-10",
        "1950-03",
        "archive/",
    )
    assert [text for text in told if text.lower().encode() in content] == []


def test_the_report_says_of_every_file_what_became_of_it(request_: DeidentifyRequest) -> None:
    deidentify(request_)
    report = json.loads((request_.output_folder / "deidentify.json").read_text())
    with (request_.output_folder / "deidentify.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["number"]) for row in rows] == list(range(1, 12))
    assert [row["status"] for row in rows].count("copied") == 8
    assert all((request_.output_folder / row["file"]).is_file() for row in rows if row["status"] == "copied")
    assert {row["reason"] for row in report["not_copied"]} == {
        "the object is no CT image but Basic Text SR Storage",
        "the object is no CT image but Secondary Capture Image Storage",
        "not a DICOM file (text)",
    }
    assert {"attribute": "PatientID", "done": "replaced", "table_e1_1": "Z/D", "occurrences": 8} in report[
        "attributes"
    ]
    assert [code["value"] for code in report["profile"]["codes"]] == ["113100", "113105", "113107"]


def test_one_refused_slice_is_missed_by_its_series_and_by_nothing_else(
    request_: DeidentifyRequest, archive: Path
) -> None:
    path = sorted(archive.glob("*/20240210/*"))[1]
    dataset = dcmread(path)
    dataset.BurnedInAnnotation = "YES"
    dataset.save_as(path)
    sorted(archive.glob("*/20240309/*"))[2].write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 300)
    result = deidentify(request_)
    assert not result.complete
    assert result.report["files"] == {"copied": 6, "left-out": 3, "refused": 2}
    assert sorted((series["files"], series["refused"]) for series in result.report["series"]) == [
        (3, 0),
        (3, 1),
    ]
    assert any("lacks 1 files" in note for note in result.report["notes"])


def test_a_copy_is_left_out_and_a_second_object_with_its_uid_refused(
    request_: DeidentifyRequest, archive: Path
) -> None:
    path = sorted(archive.glob("*/20240210/*"))[1]
    (archive / "copy.dcm").write_bytes(path.read_bytes())
    other = dcmread(path)
    other.PixelData = bytes(len(other.PixelData))
    save(other, archive / "other.dcm")
    answers = {row.source: (row.status, row.code) for row in deidentify(request_).rows}
    assert answers[archive / "copy.dcm"] == ("copied", "")  # a folder's own files come before its folders
    assert answers[path] == ("left-out", "repetition")
    assert answers[archive / "other.dcm"] == ("refused", "uid-twice")


def test_the_linkage_goes_where_it_is_asked_for_and_only_its_owner_reads_it(
    request_: DeidentifyRequest, tmp_path: Path
) -> None:
    linkage = tmp_path / "safe" / "linkage.csv"
    result = deidentify(replace(request_, linkage=linkage))
    with linkage.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["patient_id"] == PATIENT_ID
    assert row["subject"] == result.report["series"][0]["subject"]
    moved = np.datetime64("2024-02-10") + np.timedelta64(int(row["shift_days"]), "D")
    assert str(moved).replace("-", "") in {series["study_date"] for series in result.report["series"]}
    if os.name == "posix":
        assert stat.S_IMODE(linkage.stat().st_mode) == 0o600


def test_a_table_names_the_subjects_and_who_is_not_in_it_is_refused(
    request_: DeidentifyRequest, archive: Path, tmp_path: Path
) -> None:
    stranger = dcmread(sorted(archive.glob("*/20240210/*"))[0])
    stranger.PatientID = "unlisted"
    save(stranger, archive / "x.dcm")
    (tmp_path / "subjects.csv").write_text(f"patient_id,subject\n{PATIENT_ID},SITE1-007\n")
    result = deidentify(replace(request_, subjects=tmp_path / "subjects.csv"))
    assert {series["subject"] for series in result.report["series"]} == {"SITE1-007"}
    assert [row.code for row in result.rows if row.status == "refused"] == ["not-in-table"]


def test_a_table_with_faults_is_refused_before_anything_is_written(
    request_: DeidentifyRequest, tmp_path: Path
) -> None:
    (tmp_path / "subjects.csv").write_text("patient_id,subject\nA,../S1\nA,S2\nB,\n")
    with pytest.raises(TableError):
        deidentify(replace(request_, subjects=tmp_path / "subjects.csv"))
    (tmp_path / "subjects.csv").write_text("patient_id,subject\nA,../S1\n")
    with pytest.raises(TableError, match="row 2"):
        deidentify(replace(request_, subjects=tmp_path / "subjects.csv"))
    assert not request_.output_folder.exists()


def test_unsafe_places_are_refused_before_a_key_is_made(request_: DeidentifyRequest, tmp_path: Path) -> None:
    request = replace(request_, key_file=tmp_path / "newkey", make_key=True)
    outside = {
        "output in input": replace(request, output_folder=request.input_path / "out"),
        "input in output": replace(
            request, output_folder=tmp_path / "new", input_path=tmp_path / "new" / "in"
        ),
        "key in output": replace(request, key_file=request.output_folder / "key"),
        "linkage in output": replace(request, linkage=request.output_folder / "linkage.csv"),
    }
    (tmp_path / "new" / "in").mkdir(parents=True)
    for request in outside.values():
        with pytest.raises((ConfigurationError, OutputExistsError)):
            deidentify(request)
    assert not (tmp_path / "newkey").exists()
    assert not request_.output_folder.exists()


def test_nothing_is_overwritten(request_: DeidentifyRequest, tmp_path: Path) -> None:
    (tmp_path / "linkage.csv").write_text("precious")
    with pytest.raises(OutputExistsError):
        deidentify(replace(request_, linkage=tmp_path / "linkage.csv"))
    with pytest.raises(OutputExistsError):
        deidentify(replace(request_, make_key=True))
    request_.output_folder.mkdir()
    (request_.output_folder / "precious").touch()
    with pytest.raises(OutputExistsError):
        deidentify(request_)


def test_a_folder_without_ct_images_leaves_nothing_behind(
    request_: DeidentifyRequest, tmp_path: Path
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "note.txt").write_text("nothing here\n" * 50)
    linkage = tmp_path / "linkage.csv"
    with pytest.raises(NoCTSeriesError, match=r"1 x not a DICOM file \(text\)"):
        deidentify(replace(request_, input_path=tmp_path / "notes", linkage=linkage))
    with pytest.raises(InputNotFoundError):
        deidentify(replace(request_, input_path=tmp_path / "absent"))
    assert not request_.output_folder.exists()
    assert not linkage.exists()
    assert not list(tmp_path.glob(".lesionseg-*"))


def test_words_of_the_site_are_read_one_by_one(request_: DeidentifyRequest, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("# site 1\nHoofdscan\n\nVisite\n")
    deidentify(replace(request_, words=tmp_path / "words.txt"))
    (tmp_path / "bad.txt").write_text("Dr. Smith\n")
    with pytest.raises(ConfigurationError):
        deidentify(replace(request_, words=tmp_path / "bad.txt", output_folder=tmp_path / "out2"))
