"""What may show who it is, is not copied at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    XRayRadiationDoseSRStorage,
)

from lesionseg.dicom.deidentify import NotCopied, Settings, Status, Subjects, clean_file
from tests.dicom.deidentify.conftest import KEY, Deidentify
from tests.support.ct_series import save

Alter = Callable[[Dataset], object]


def setting(keyword: str, value: object) -> Alter:
    return lambda dataset: setattr(dataset, keyword, value)


def without(keyword: str) -> Alter:
    return lambda dataset: delattr(dataset, keyword)


def overlay_in_pixels(dataset: Dataset) -> None:
    dataset.add_new((0x6000, 0x0100), "US", 16)
    dataset.add_new((0x6000, 0x0102), "US", 12)


def answer(dataset: Dataset, folder: Path) -> NotCopied:
    path = save(dataset, folder / "Doe^John 19500312.dcm")
    with pytest.raises(NotCopied) as caught:
        clean_file(path, Subjects(KEY), Settings(KEY, "0.0"))
    return caught.value


@pytest.mark.parametrize(
    ("alter", "code"),
    [
        (setting("BurnedInAnnotation", "YES"), "burned-in"),
        (setting("BurnedInAnnotation", "MAYBE"), "burned-in"),
        (setting("RecognizableVisualFeatures", "YES"), "recognizable"),
        (setting("ImageType", ["DERIVED", "SECONDARY", "AXIAL"]), "secondary-image"),
        (setting("ImageType", ["DERIVED", "PRIMARY", "SCREEN SAVE"]), "screen"),
        (setting("ImageType", ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 PROT"]), "screen"),
        (setting("ImageType", "ORIGINAL"), "no-image-type"),
        (without("ImageType"), "no-image-type"),
        (setting("SamplesPerPixel", 3), "colour"),
        (setting("ConversionType", "WSD"), "captured"),
        (setting("SecondaryCaptureDeviceManufacturer", "Acme"), "captured"),
        (setting("ModalityLUTSequence", Sequence([Dataset()])), "lookup-table"),
        (overlay_in_pixels, "overlay-in-pixels"),
        (without("PixelData"), "no-pixels"),
        (without("PatientID"), "no-patient-id"),
        (without("StudyInstanceUID"), "no-uid"),
        (setting("PhotometricInterpretation", "PALETTE COLOR"), "value-not-allowed"),
        (setting("RescaleType", "DOE"), "value-not-allowed"),
        (setting("Modality", "US"), "value-not-allowed"),
    ],
)  # fmt: skip
def test_suspects_are_refused_with_a_reason_that_names_nobody(
    alter: Alter, code: str, slices: list[Dataset], tmp_path: Path
) -> None:
    slices[0].PatientName = "Xylander^John"
    alter(slices[0])
    refusal = answer(slices[0], tmp_path)
    assert (refusal.status, refusal.code) == (Status.REFUSED, code)
    assert "xylander" not in refusal.reason.lower()


@pytest.mark.parametrize(
    ("sop_class", "code"),
    [
        (SecondaryCaptureImageStorage, "not-a-ct-image"),
        (UltrasoundImageStorage, "not-a-ct-image"),
        (BasicTextSRStorage, "not-a-ct-image"),
        (XRayRadiationDoseSRStorage, "not-a-ct-image"),
        (EncapsulatedPDFStorage, "not-a-ct-image"),
        ("1.3.6.1.4.1.19500312.1", "not-a-ct-image"),
        (MediaStorageDirectoryStorage, "dicomdir"),
    ],
)
def test_other_objects_are_left_out_by_name(
    sop_class: str, code: str, slices: list[Dataset], tmp_path: Path
) -> None:
    slices[0].SOPClassUID = sop_class
    slices[0].file_meta.MediaStorageSOPClassUID = sop_class
    left = answer(slices[0], tmp_path)
    assert (left.status, left.code) == (Status.LEFT_OUT, code)
    assert "19500312" not in left.reason


def test_an_overlay_apart_from_the_pixels_is_dropped_and_nothing_else(
    deidentify: Deidentify, slices: list[Dataset]
) -> None:
    slices[0].add_new((0x6000, 0x0022), "LO", "Doe^John")
    slices[0].add_new((0x6000, 0x0100), "US", 1)
    slices[0].add_new((0x6000, 0x0102), "US", 0)
    (clean,) = deidentify([slices[0]])
    assert not any(tag.group == 0x6000 for tag in clean.keys())  # noqa: SIM118
    assert clean.PixelData == slices[0].PixelData


def test_bytes_behind_the_last_pixel_are_refused(slices: list[Dataset], tmp_path: Path) -> None:
    slices[0].PixelData += b"DOE^JOHN"
    assert answer(slices[0], tmp_path).code == "pixel-length"


def test_a_name_inside_the_pixel_data_is_found_in_what_was_written(
    deidentify: Deidentify, slices: list[Dataset], tmp_path: Path
) -> None:
    slices[0].PatientName = "Rumpelstiltskin^Ada"
    slices[0].PixelData = b"Rumpelstiltskin!" + slices[0].PixelData[16:]
    with pytest.raises(NotCopied) as caught:
        deidentify([slices[0]])
    assert caught.value.code == "residue"
    assert not list((tmp_path / "out").iterdir())


def test_a_name_in_a_jpeg_comment_is_found(deidentify: Deidentify, slices: list[Dataset]) -> None:
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGLosslessSV1

    slices[0].PatientID = "MRN-778-201"
    slices[0].file_meta.TransferSyntaxUID = JPEGLosslessSV1
    slices[0].PixelData = encapsulate([b"\xff\xd8\xff\xfe\x00\x0dMRN-778-201\xff\xd9"])
    slices[0]["PixelData"].is_undefined_length = True
    with pytest.raises(NotCopied, match="pixel data"):
        deidentify([slices[0]])


def test_damaged_and_foreign_files_are_told_apart(slices: list[Dataset], tmp_path: Path) -> None:
    save(slices[0], whole := tmp_path / "whole.dcm")
    content = whole.read_bytes()
    files = {"damaged": content[: len(content) // 3], "note": b"Patient John Doe\n" * 40, "empty": b""}
    codes = {}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(NotCopied) as caught:
            clean_file(tmp_path / name, Subjects(KEY), Settings(KEY, "0.0"))
        codes[name] = (caught.value.status, caught.value.code)
    assert codes["damaged"][0] is Status.REFUSED
    assert codes["note"] == codes["empty"] == (Status.LEFT_OUT, "not-dicom")


def test_a_private_transfer_syntax_is_refused(slices: list[Dataset], tmp_path: Path) -> None:
    save(slices[0], path := tmp_path / "x.dcm")
    standard = str(ExplicitVRLittleEndian).encode()
    path.write_bytes(path.read_bytes().replace(standard, b"1.2.840.999999.2.1 "[: len(standard)], 1))
    with pytest.raises(NotCopied) as caught:
        clean_file(path, Subjects(KEY), Settings(KEY, "0.0"))
    assert caught.value.code == "transfer-syntax"
