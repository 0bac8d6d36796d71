"""Which scans there are, what they are called, and what is not taken."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from lesionseg.batch.cases import FileSet
from lesionseg.batch.work_list import NO_CT, OTHER_SERIES, VOLUME_FILE, list_cases
from lesionseg.core.errors import InputNotFoundError, NoCTSeriesError, TableError, UnreadableFileError
from lesionseg.volume.files import write_volume
from tests.batch.builders import SHAPE, SPACING_MM, name, write_scan
from tests.support.ct_series import chest_volume, save


def table(folder: Path, *lines: str) -> Path:
    path = folder / "scans.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_every_study_is_a_case_named_after_patient_and_date(scans: Path) -> None:
    work = list_cases([scans])
    assert [case.case_id for case in work.cases] == [name("P001"), name("P002"), name("P003")]
    assert work.cases[0].files.paths == tuple(sorted((scans / "P001").iterdir()))
    assert work.left_over == ()


def test_a_study_without_patient_id_is_named_after_its_folder(scans: Path, tmp_path: Path) -> None:
    for dataset in write_scan(tmp_path / "whole", "P009").datasets():
        dataset.PatientID = dataset.StudyDate = ""
        save(dataset, scans / "nobody" / f"{dataset.InstanceNumber}.dcm")
    assert [case.case_id for case in list_cases([scans / "nobody"]).cases] == ["nobody"]


def test_the_best_series_of_a_study_is_taken_and_the_other_told(tmp_path: Path) -> None:
    first = write_scan(tmp_path / "s", "P1", kernel="B30f")
    for number, dataset in enumerate(first.datasets()):
        dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["sharp"])
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[f"sharp {number}"])
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.ConvolutionKernel = "B80f"
        save(dataset, tmp_path / "s" / "sharp" / f"{number}.dcm")
    work = list_cases([tmp_path / "s"])
    (case,) = work.cases
    assert case.series_uid == first.settings.series_uid
    assert [(left.what, left.reason) for left in work.left_over] == [("series", OTHER_SERIES)]
    assert len(case.slices.names) == 2 * len(case.files.names)


def test_the_same_study_in_two_inputs_is_one_case(scans: Path) -> None:
    work = list_cases([scans / "P001", scans])
    assert [case.case_id for case in work.cases] == [name("P001"), name("P002"), name("P003")]
    (left,) = work.left_over
    assert "found before" in left.reason


def test_what_is_no_ct_and_volume_files_in_folders_are_told(scans: Path, tmp_path: Path) -> None:
    for dataset in write_scan(tmp_path / "other", "M1").datasets()[:2]:
        dataset.Modality, dataset.SOPClassUID = "MR", "1.2.840.10008.5.1.4.1.1.4"
        save(dataset, scans / "mr" / f"{dataset.InstanceNumber}.dcm")
    (scans / "labels.nii.gz").write_bytes(b"")
    reasons = {left.reason for left in list_cases([scans]).left_over}
    assert reasons == {NO_CT, VOLUME_FILE}


def test_a_table_names_scans_and_series(scans: Path) -> None:
    write_volume(chest_volume(SHAPE, SPACING_MM), scans / "scan.nii.gz")
    uid = list_cases([scans / "P002"]).cases[0].series_uid
    path = table(scans, "path,id,series_uid", "P001,first,", f".,second,{uid}", "scan.nii.gz,,")
    work = list_cases([path])
    assert [case.case_id for case in work.cases] == ["first", "second", "scan.nii.gz"]
    assert work.cases[1].asked_series == uid
    assert [case.patient_id for case in work.cases] == ["P001", "P002", ""]
    assert [case.is_dicom for case in work.cases] == [True, True, False]


def test_faults_of_a_table_are_told_all_at_once(scans: Path) -> None:
    path = table(scans, "path,id", "nowhere,a", "P001,b/c", "P002,x", "P003,X")
    with pytest.raises(TableError) as caught:
        list_cases([path])
    assert len(caught.value.faults) == 3
    assert all(word in str(caught.value) for word in ("nowhere", "b/c", "row 4 already"))


def test_a_row_that_leads_to_several_studies_or_none_is_that_cases_error(scans: Path) -> None:
    (scans / "text").mkdir()
    (scans / "text" / "readme.txt").write_text("words")
    path = table(scans, "path,id,series_uid", ".,all,", "text,none,", "P001,other,1.2.3")
    found = {case.case_id: case.error.code for case in list_cases([path]).cases}
    assert found == {"all": "series-ambiguous", "none": "no-ct-series", "other": "no-ct-series"}


def test_inputs_without_a_scan_are_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("words")
    with pytest.raises(NoCTSeriesError, match="no CT study"):
        list_cases([tmp_path])
    with pytest.raises(InputNotFoundError):
        list_cases([tmp_path / "nowhere"])


def test_errors_keep_no_headers_in_memory(scans: Path) -> None:
    path = table(scans, "path,id", ".,all")
    (case,) = list_cases([path]).cases
    assert case.error.__traceback__ is None
    assert case.error.__context__ is None


def test_a_file_that_is_no_slice_any_more_is_told(scans: Path) -> None:
    case = list_cases([scans / "P001"]).cases[0]
    case.files.paths[3].write_bytes(b"words instead of a slice")
    with pytest.raises(UnreadableFileError, match="none any more"):
        case.find_again()


def test_a_file_set_gives_back_its_files(tmp_path: Path) -> None:
    paths = [tmp_path / "a" / "1.dcm", tmp_path / "b" / "2.dcm", tmp_path / "a" / "1.dcm"]
    assert FileSet.of(paths).paths == (paths[0], paths[1])
    assert FileSet.of([]).paths == ()
