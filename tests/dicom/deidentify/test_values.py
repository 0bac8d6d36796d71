"""One value at a time."""

from __future__ import annotations

import struct

import pytest
from pydicom import Dataset

from lesionseg.dicom.deidentify import Settings
from lesionseg.dicom.deidentify.coded import known_code
from lesionseg.dicom.deidentify.terms import IMAGE_WORDS
from lesionseg.dicom.deidentify.values import shifted_date
from lesionseg.dicom.image_kinds import _LOCALIZER_WORDS, _REFORMATTED_WORDS
from tests.dicom.deidentify.conftest import KEY, Deidentify

AXIAL = ("ORIGINAL", "PRIMARY", "AXIAL")


@pytest.mark.parametrize(
    ("keyword", "carried", "kept"),
    [
        ("SeriesDescription", "ThorRoutine  2.0  D40s", "ThorRoutine  2.0  D40s"),
        ("SeriesDescription", "Thorax 1.5mm Br40d, for Dr. Smith 12.03.1950", "Thorax 1.5mm Br40d for"),
        ("SeriesDescription", "O'Brien / 03.12 / 1950-03-12 / 0401 555 123", None),
        ("StudyDescription", "CT chest MARY JONES", "CT chest"),
        ("ProtocolName", "5.1 Chest_routine (ward 7, St. Mary)", "Chest routine"),
        ("Manufacturer", "SIEMENS", "SIEMENS"),
        ("Manufacturer", "GE MEDICAL SYSTEMS, property of J. Doe", "GE MEDICAL SYSTEMS"),
        ("Manufacturer", "Doe Medical Systems", ""),
        ("ManufacturerModelName", "SOMATOM Definition AS+", "SOMATOM Definition AS+"),
        ("ManufacturerModelName", "Aquilion ONE #4711", "Aquilion ONE"),
        ("ConvolutionKernel", ["I31f", "3"], ["I31f", "3"]),
        ("ConvolutionKernel", "FC51", "FC51"),
        ("ConvolutionKernel", "BONEPLUS", "BONEPLUS"),
        ("ConvolutionKernel", "DOE 1950", ""),
        ("ContrastBolusAgent", "100 ml Omnipaque given by nurse Kim", "ml Omnipaque"),
        ("ContrastBolusAgent", "Kim", "contrast agent"),
        ("BodyPartExamined", "Chest", "CHEST"),
        ("BodyPartExamined", "DOE JOHN", None),
        ("ImageType", [*AXIAL, "JOHN DOE"], [*AXIAL, "OTHER"]),
        ("ImageType", [*AXIAL, "CT_SOM5 SPI"], [*AXIAL, "CT_SOM5 SPI"]),
        ("StudyTime", "235959.123456", "235959.123456"),
        ("StudyTime", "19500312", ""),
        ("StudyDate", "1950", ""),
        ("SliceLocation", "19500312", None),
        ("SliceLocation", "-123.5", "-123.5"),
        ("ContrastBolusAgentNumber", list(b"Doe^John"), None),
        ("SpiralPitchFactor", struct.unpack("<d", b"19500312")[0], None),
        ("SpiralPitchFactor", 0.9, 0.9),
        ("WindowCenter", ["40", "-600"], [40, -600]),
        ("PatientAge", "039Y", None),
        ("PatientSex", "F", ""),
        ("PositionReferenceIndicator", "DOE", ""),
        ("FilterType", "WEDGE_2", "WEDGE_2"),
        ("StationName", "CT-ROOM-4", None),
        ("SoftwareVersions", "syngo CT VC40", None),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_stays_of_a_value(
    keyword: str, carried: object, kept: object, deidentify: Deidentify, slices: list[Dataset]
) -> None:
    setattr(slices[0], keyword, carried)
    (clean,) = deidentify([slices[0]])
    assert clean.get(keyword) == kept


@pytest.mark.parametrize("word", ["Hoofdscan", "Schädel"])
def test_words_of_the_site_may_stay_on_request(
    word: str, deidentify: Deidentify, slices: list[Dataset]
) -> None:
    slices[0].SpecificCharacterSet = "ISO_IR 100"
    slices[0].SeriesDescription = f"{word} thorax Smith"
    (clean,) = deidentify([slices[0]], Settings(KEY, "0.0", more_words=frozenset({word.lower()})))
    assert clean.SeriesDescription == f"{word} thorax"


@pytest.mark.parametrize(
    ("age", "kept"),
    [("039Y", "039Y"), ("089Y", "089Y"), ("090Y", "090Y"), ("103Y", "090Y"), ("011M", "011M")],
)
def test_characteristics_stay_on_request_and_ages_above_89_are_one(
    age: str, kept: str, deidentify: Deidentify, slices: list[Dataset]
) -> None:
    slices[0].PatientAge, slices[0].PatientSex, slices[0].PatientWeight = age, "F", "61.5"
    slices[0].PatientBirthDate, slices[0].EthnicGroup = "19500312", "Elf"
    (clean,) = deidentify([slices[0]], Settings(KEY, "0.0", characteristics=True))
    assert (clean.PatientAge, clean.PatientSex, clean.PatientWeight) == (kept, "F", 61.5)
    assert clean.PatientBirthDate == ""
    assert "EthnicGroup" not in clean
    assert "113108" in {item.CodeValue for item in clean.DeidentificationMethodCodeSequence}


def test_what_was_done_stands_in_the_file(deidentify: Deidentify, slices: list[Dataset]) -> None:
    (clean,) = deidentify([slices[0]])
    assert clean.PatientIdentityRemoved == "YES"
    assert [item.CodeValue for item in clean.DeidentificationMethodCodeSequence] == [
        "113100",
        "113105",
        "113107",
    ]
    assert all(len(line) <= 64 for line in clean.DeidentificationMethod)
    assert clean.file_meta.ImplementationVersionName == "LESIONSEG"
    assert "SourceApplicationEntityTitle" not in clean.file_meta


def test_every_word_that_the_loader_goes_by_stays() -> None:
    assert _LOCALIZER_WORDS | _REFORMATTED_WORDS <= IMAGE_WORDS


@pytest.mark.parametrize(
    ("text", "days", "moved"),
    [
        ("20240301", -1, "20240229"),
        ("2024.03.01", -366, "20230301"),
        ("20240230", -1, None),
        ("19500312DOE", -1, None),
        ("00010101", -1, None),
        ("", -1, None),
    ],
)
def test_dates_move_by_days_of_the_calendar(text: str, days: int, moved: str | None) -> None:
    assert shifted_date(text, days) == moved


@pytest.mark.parametrize(
    ("value", "scheme", "meaning"),
    [
        ("51185008", "SCT", "Thoracic structure"),
        ("T-D3000", "SRT", "Thoracic structure"),
        ("113691", "DCM", "IEC Body Dosimetry Phantom"),
        ("19500312", "SCT", None),
        ("DOE", "99LOCAL", None),
    ],
)
def test_codes_stay_where_a_terminology_knows_them(value: str, scheme: str, meaning: str | None) -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, "John Doe"
    code = known_code(item)
    if meaning is None:
        assert code is None
    else:
        assert code is not None
        assert code.CodeMeaning.startswith(meaning)
