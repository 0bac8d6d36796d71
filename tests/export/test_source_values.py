"""What derived objects copy of a source whose attributes are absent or not allowed."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydicom import Dataset, config
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import UID

from lesionseg.dicom import load_series
from lesionseg.export.copied_values import clean_copied_values
from lesionseg.export.derived import NewSeries, derived_dataset
from lesionseg.export.origin import Origin
from lesionseg.export.source import SourceSeries, read_source
from tests.export.asymmetric import AXIAL, phantom
from tests.support.ct_series import Series, save, write_series

ORIGIN = Origin("a" * 64, datetime(2024, 3, 5, tzinfo=UTC), "0.0.0.test")
NEW = NewSeries("test", "OT", 1, "test", "1.2.840.10008.5.1.4.1.1.7")


def item(**values: str) -> Dataset:
    dataset = Dataset()
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    return dataset


def raw(keyword: str, vr: str, value: bytes) -> Dataset:
    """As read from a file: not looked at yet."""
    dataset = Dataset()
    tag = Tag(keyword)
    dataset._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    return dataset


def header(**values: object) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = Dataset()
        for keyword, value in values.items():
            setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize(
    ("keyword", "carried", "written"),
    [
        ("PatientID", "9" * 65, None),
        ("AccessionNumber", "A" * 17, None),
        ("StudyDate", "2020.01.02", None),
        ("StudyDate", "20200230", None),
        ("StudyDate", "20200101-20200102", None),
        ("StudyTime", "25:61", None),
        ("PatientSex", "W", None),
        ("PatientAge", "39", None),
        ("PatientName", "A" * 70 + "^Ann", "A" * 64),
        ("StudyDescription", "chest " * 20, ("chest " * 20)[:64].strip()),
        ("StudyDescription", "chest\tCT", "chestCT"),
    ],
)  # fmt: skip
def test_values_that_are_not_allowed_are_left_out_or_cut_and_noted(
    keyword: str, carried: str, written: str | None
) -> None:
    dataset = header(**{keyword: carried})
    notes = clean_copied_values(dataset)
    assert len(notes) == 1
    assert keyword in notes[0]
    assert (str(dataset[keyword].value) if keyword in dataset else None) == written


def test_good_values_are_kept_and_nothing_is_noted() -> None:
    good = {
        "PatientID": "12/34", "PatientName": "Yamada^Tarou=山田^太郎", "StudyDate": "20200229",
        "StudyTime": "235959.25", "PatientSex": "O", "PatientWeight": "70.5", "PatientAge": "039Y",
        "StudyDescription": "Thorax, nativ",
    }  # fmt: skip
    dataset = header(**good)
    assert clean_copied_values(dataset) == ()
    assert {keyword: str(dataset[keyword].value) for keyword in good} == good


def test_a_number_that_is_none_is_left_out() -> None:
    dataset = raw("PatientWeight", "DS", b"heavy ")
    assert len(clean_copied_values(dataset)) == 1
    assert "PatientWeight" not in dataset


def test_several_values_where_one_is_allowed() -> None:
    dataset = header(StudyDescription=["one", "two"], PatientID=["1", "2"])
    notes = clean_copied_values(dataset)
    assert ["2 values" in note for note in notes] == [True, True]
    assert dataset.StudyDescription == "one"
    assert "PatientID" not in dataset


def test_items_that_lack_what_they_need_are_left_out_together() -> None:
    whole = item(CodeValue="113100", CodingSchemeDesignator="DCM", CodeMeaning="Basic Profile")
    dataset = header(
        PatientIdentityRemoved="YES",
        DeidentificationMethodCodeSequence=[whole, item(CodeValue="113105")],
        OtherPatientIDsSequence=[item(PatientID="7", TypeOfPatientID="TEXT", PatientComments="private")],
    )
    notes = clean_copied_values(dataset)
    assert "DeidentificationMethodCodeSequence" not in dataset
    assert "PatientIdentityRemoved" not in dataset, "it would ask for the method"
    assert len(notes) == 2
    assert list(dataset.OtherPatientIDsSequence[0].keys()) == [Tag("PatientID"), Tag("TypeOfPatientID")]


def test_a_trial_is_named_whole_or_not_at_all() -> None:
    half = header(ClinicalTrialProtocolID="P", ClinicalTrialSubjectID="1")
    assert "ClinicalTrialSponsorName" in clean_copied_values(half)[0]
    assert "ClinicalTrialSubjectID" not in half
    whole = header(ClinicalTrialSponsorName="S", ClinicalTrialProtocolID="P", ClinicalTrialSubjectID="1")
    assert clean_copied_values(whole) == ()
    assert whole.ClinicalTrialSiteID == ""


@pytest.fixture
def series(tmp_path: Path) -> Series:
    return write_series(tmp_path / "ct", phantom(AXIAL))


def altered(series: Series, **values: str) -> SourceSeries:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dataset, path in zip(series.datasets(), series.paths, strict=True):
            for keyword, value in values.items():
                setattr(dataset, keyword, value)
            save(dataset, path)
        return read_source(load_series(series.folder).series)


def all_uids(source: SourceSeries) -> list[str]:
    instances = [one.sop_instance_uid for one in source.instances]
    return [source.study_uid, source.series_uid, source.frame_of_reference_uid, *instances]


def test_uids_that_are_not_allowed_are_replaced_and_recorded(series: Series) -> None:
    bad = {
        "StudyInstanceUID": "4bae1d63-1eeb",
        "SeriesInstanceUID": "1.02.3",
        "FrameOfReferenceUID": "f" * 70,
    }
    source = altered(series, **bad)
    assert all(UID(uid, config.IGNORE).is_valid for uid in all_uids(source))
    assert set(source.replaced_uids) == set(bad.values())
    assert source.replaced_uids["1.02.3"] == source.series_uid
    assert all_uids(source) == all_uids(altered(series, **bad)), "the same every time"


def test_absent_uids_are_made_up_for_one_for_each_slice(series: Series) -> None:
    source = altered(series, SOPInstanceUID="", FrameOfReferenceUID="")
    assert len(set(all_uids(source))) == len(source.instances) + 3
    assert all(UID(uid, config.IGNORE).is_valid for uid in all_uids(source))
    assert source.replaced_uids == {}
    assert ["SOP Instance UID on 16 slices" in note for note in source.notes] == [False, True]


def test_nothing_is_invented_for_a_source_that_says_nothing(series: Series) -> None:
    silent = {"PatientID": "", "PatientName": "", "StudyDate": "", "StudyTime": "", "StudyID": ""}
    dataset = derived_dataset(altered(series, **silent), NEW, ORIGIN)
    assert all(dataset[keyword].value == "" for keyword in silent)


def test_texts_of_any_character_set_are_written_in_utf_8(series: Series) -> None:
    for dataset, path in zip(series.datasets(), series.paths, strict=True):
        dataset.SpecificCharacterSet, dataset.PatientName = "ISO_IR 100", "Müller^Zoë"
        save(dataset, path)
    dataset = derived_dataset(read_source(load_series(series.folder).series), NEW, ORIGIN)
    assert dataset.SpecificCharacterSet == "ISO_IR 192"
    assert str(dataset.PatientName) == "Müller^Zoë"
