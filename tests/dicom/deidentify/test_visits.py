"""The same patient in several series, visits and files stays the same patient, and nobody else."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage

from lesionseg.dicom.deidentify import NotCopied, Patient, Settings, Subjects
from tests.dicom.deidentify.conftest import KEY, OTHER_KEY, Deidentify

BASELINE, DAY_28 = date(2024, 2, 10), date(2024, 3, 9)


def visit(dataset: Dataset, day: date, number: int) -> Dataset:
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = f"{day:%Y%m%d}"
    dataset.AcquisitionDateTime = f"{day:%Y%m%d}235959.5+0200"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.3.{number}", f"1.2.3.{number}.1"
    dataset.SOPInstanceUID = f"1.2.3.{number}.1.1"
    return dataset


def day_of(text: str) -> date:
    return datetime.strptime(text[:8], "%Y%m%d").date()


def test_day_28_minus_baseline_is_preserved(deidentify: Deidentify, slices: list[Dataset]) -> None:
    baseline, day_28 = deidentify([visit(slices[0], BASELINE, 1), visit(slices[1], DAY_28, 2)])
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "AcquisitionDateTime"):
        before, after = day_of(baseline[keyword].value), day_of(day_28[keyword].value)
        assert after - before == DAY_28 - BASELINE
        assert before < BASELINE
    assert baseline.AcquisitionDateTime == baseline.StudyDate + "235959.5"
    assert baseline.StudyTime == slices[0].StudyTime
    assert baseline.LongitudinalTemporalInformationModified == "MODIFIED"


def test_one_patient_has_one_pseudonym_at_every_visit_and_two_patients_have_two(
    deidentify: Deidentify, slices: list[Dataset]
) -> None:
    slices[2].PatientID = "SOMEBODY ELSE"
    results = deidentify(slices[:3])
    assert results[0].PatientID == results[1].PatientID == results[0].PatientName
    assert results[2].PatientID != results[0].PatientID
    assert results[0].StudyDate != results[2].StudyDate


def test_uids_are_replaced_alike_in_every_file_and_links_are_kept(
    deidentify: Deidentify, slices: list[Dataset]
) -> None:
    reference = Dataset()
    reference.ReferencedSOPClassUID = CTImageStorage
    reference.ReferencedSOPInstanceUID = slices[0].SOPInstanceUID
    slices[1].ReferencedImageSequence = Sequence([reference])
    slices[1].SeriesInstanceUID = "not-a-uid"
    first, second = deidentify(slices[:2])
    assert first.StudyInstanceUID == second.StudyInstanceUID != slices[0].StudyInstanceUID
    assert first.FrameOfReferenceUID == second.FrameOfReferenceUID != slices[0].FrameOfReferenceUID
    assert first.SeriesInstanceUID != second.SeriesInstanceUID
    assert second.ReferencedImageSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert second.ReferencedImageSequence[0].ReferencedSOPClassUID == CTImageStorage
    assert first.file_meta.MediaStorageSOPInstanceUID == first.SOPInstanceUID
    assert all(
        dataset[tag].value.is_valid
        for dataset in (first, second)
        for tag in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")
    )


def test_another_key_links_nothing(deidentify: Deidentify, slices: list[Dataset]) -> None:
    (one,) = deidentify([slices[0]])
    (other,) = deidentify([slices[0]], Settings(OTHER_KEY, "0.0"))
    for keyword in ("PatientID", "StudyDate", "StudyInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        assert one[keyword].value != other[keyword].value


def test_the_same_key_makes_the_same_file_again(deidentify: Deidentify, slices: list[Dataset]) -> None:
    (one,) = deidentify([slices[0]])
    (again,) = deidentify([slices[0]])
    assert one == again


def test_the_same_id_of_two_issuers_is_two_patients() -> None:
    subjects = Subjects(KEY)
    assert subjects.of(Patient("7", "A")) != subjects.of(Patient("7", "B"))
    assert subjects.ids_of_several_issuers() == 1


def test_a_table_names_subjects_and_joins_two_ids_of_one_person() -> None:
    subjects = Subjects(KEY, {"old id": "S01", "new id": "S01", "third": "S02"})
    assert subjects.of(Patient("old id")) == subjects.of(Patient("new id"))
    assert subjects.of(Patient("third")).shift_days != subjects.of(Patient("new id")).shift_days


@pytest.mark.parametrize(
    ("met", "patient", "code"),
    [
        ([], Patient(""), "no-patient-id"),
        ([], Patient("unlisted"), "not-in-table"),
        ([Patient("7", "A")], Patient("7", "B"), "two-issuers"),
    ],
)
def test_a_patient_who_cannot_be_told_is_refused(met: list[Patient], patient: Patient, code: str) -> None:
    subjects = Subjects(KEY, {"7": "S07"})
    for known in met:
        subjects.of(known)
    with pytest.raises(NotCopied) as caught:
        subjects.of(patient)
    assert caught.value.code == code
    assert patient.patient_id == "" or patient.patient_id not in caught.value.reason


def test_every_shift_is_one_to_ten_years_back() -> None:
    subjects = Subjects(KEY)
    shifts = {subjects.of(Patient(str(number))).shift_days for number in range(300)}
    assert -3652 <= min(shifts) < -3300
    assert -700 < max(shifts) <= -365
    assert len(shifts) > 250
