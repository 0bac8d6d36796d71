"""A scan that names its patient everywhere comes out without a name, date or UID of it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import UID

from lesionseg.dicom import LoaderSettings, load_series
from lesionseg.dicom.deidentify import Settings, Subjects, clean_file, write_clean
from tests.dicom.deidentify.conftest import KEY, Deidentify
from tests.dicom.deidentify.stuffed import MARK, NUMBER, Planted, save, stuff
from tests.support.ct_series import Series
from tests.support.encode import ENCODABLE_SYNTAXES, encode

ENCODINGS = ("ascii", "utf-8", "latin-1", "utf-16-le", "utf-16-be", "shift_jis", "euc_kr", "gb18030")


def found_in(content: bytes, planted: Planted) -> list[str]:
    """Everything planted that still stands there, in whatever encoding and case."""
    folded = content.lower()
    marks = [name for name in ENCODINGS if MARK.lower().encode(name) in folded]
    runs = [run.decode() for run in re.findall(rb"\d{8,}", content)]
    digits = {*runs, *(run[:-1] for run in runs)}
    days = [day for day in {*planted.dates, str(NUMBER)} if day in digits]
    return marks + days + [uid for uid in planted.uids if uid.encode() in content]


def test_nothing_planted_in_any_attribute_is_left(
    slices: list[Dataset], tmp_path: Path, settings: Settings
) -> None:
    planted = Planted()
    stuff(slices[0], planted)
    slices[0].PatientID = planted.text("PatientID")
    save(slices[0], tmp_path / "in.dcm")
    assert len(found_in((tmp_path / "in.dcm").read_bytes(), planted)) > 500
    assert len(planted.attributes) > 3000
    write_clean(clean_file(tmp_path / "in.dcm", Subjects(KEY), settings), tmp_path / "out.dcm")
    assert found_in((tmp_path / "out.dcm").read_bytes(), planted) == []
    clean = dcmread(tmp_path / "out.dcm")
    assert not any(tag.is_private or tag.group & 0xFF00 in (0x5000, 0x6000) for tag in clean.keys())  # noqa: SIM118


def test_a_stuffed_series_loads_to_the_same_volume(
    slices: list[Dataset], small: Series, tmp_path: Path, settings: Settings
) -> None:
    subjects = Subjects(KEY)
    (tmp_path / "out").mkdir()
    shared = (
        "PatientID",
        "IssuerOfPatientID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "FrameOfReferenceUID",
    )
    for number, dataset in enumerate(slices):
        planted = Planted()
        stuff(dataset, planted, step=40)
        for keyword in shared:
            setattr(dataset, keyword, "1.2.3" if keyword.endswith("UID") else "MRN-19500312")
        save(dataset, tmp_path / "in" / f"{number}.dcm")
        target = tmp_path / "out" / f"{number}.dcm"
        write_clean(clean_file(tmp_path / "in" / f"{number}.dcm", subjects, settings), target)
        assert found_in(target.read_bytes(), planted) == []
    loaded = load_series(tmp_path / "out")
    np.testing.assert_array_equal(loaded.volume.hu, small.volume.hu)
    np.testing.assert_array_equal(loaded.volume.geometry.affine, small.volume.geometry.affine)


def test_names_in_other_scripts_are_left_in_no_encoding(
    deidentify: Deidentify, slices: list[Dataset], tmp_path: Path
) -> None:
    names = {"ISO_IR 192": "山田^太郎=Müller^Jürgen", "ISO_IR 100": "Müller^Jürgen", "GB18030": "王^小东"}
    for charset, name in names.items():
        dataset = slices[0]
        dataset.SpecificCharacterSet = charset
        dataset.PatientName = name
        dataset.SeriesDescription = f"Thorax {name} lung"
        dataset.ImageComments = name
        (clean,) = deidentify([dataset])
        assert clean.SeriesDescription == "Thorax lung"
        content = (tmp_path / "out" / "0.dcm").read_bytes()
        for part in re.split(r"[\^=]", name):
            for encoding in ("utf-8", "latin-1", "gb18030", "shift_jis", "utf-16-le"):
                try:
                    assert part.encode(encoding) not in content
                except UnicodeEncodeError:
                    continue


def test_a_name_that_is_a_word_of_the_trade_goes_too(deidentify: Deidentify, slices: list[Dataset]) -> None:
    slices[0].PatientName = "Lung^Axial"
    slices[0].SeriesDescription = "Thorax axial LUNG 1.5"
    (clean,) = deidentify([slices[0]])
    assert clean.SeriesDescription == "Thorax 1.5"


def test_a_patient_id_repeated_as_a_number_goes(deidentify: Deidentify, slices: list[Dataset]) -> None:
    slices[0].PatientID = "123456"
    slices[0].SeriesNumber = 123456
    (clean,) = deidentify([slices[0]])
    assert clean.SeriesNumber is None


@pytest.mark.parametrize("syntax", ENCODABLE_SYNTAXES, ids=lambda syntax: syntax.keyword)
def test_pixels_are_copied_byte_for_byte_in_their_transfer_syntax(
    syntax: UID, deidentify: Deidentify, slices: list[Dataset], tmp_path: Path
) -> None:
    dataset = encode(slices[0], syntax)
    (clean,) = deidentify([dataset])
    source = dcmread(tmp_path / "in" / "0.dcm")
    assert clean.file_meta.TransferSyntaxUID == source.file_meta.TransferSyntaxUID
    assert clean.PixelData == source.PixelData
    single = LoaderSettings(minimum_slices=1)
    before, after = (load_series(tmp_path / name, settings=single).volume for name in ("in", "out"))
    np.testing.assert_array_equal(after.hu, before.hu)
