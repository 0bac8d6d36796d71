"""The header walk agrees with pydicom on sound files and refuses damaged ones by type."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from lesionseg.core.errors import UnreadableFileError
from lesionseg.dicom.elements import MAXIMUM_DEPTH, Elements, ElementWalker, Encoding
from lesionseg.dicom.file_header import FileHeader, StrayFile, read_file_header
from lesionseg.dicom.tags import Tag
from lesionseg.dicom.values import decimals, text, texts, unsigned
from tests.support.ct_series import Series
from tests.support.encode import encode

SOUND_FILES = [
    "CT_small.dcm", "ExplVR_BigEnd.dcm", "JPEG2000.dcm", "MR_small.dcm", "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm", "MR_small_RLE.dcm", "UN_sequence.dcm", "image_dfl.dcm", "nested_priv_SQ.dcm",
 "priv_SQ.dcm", "SC_rgb_jpeg_dcmtk.dcm", "rtdose.dcm", "ExplVR_LitEndNoMeta.dcm",
    "693_J2KI.dcm", "JPGExtended.dcm", "reportsi.dcm",
    "liver_1frame.dcm", "meta_missing_tsyntax.dcm", "JPEG-lossy.dcm", "rtplan.dcm", "test-SR.dcm",
]  # fmt: skip


def walk(data: bytes, encoding: Encoding | None = None) -> Elements:
    found: Elements = {}
    ElementWalker(io.BytesIO(data), len(data), encoding or Encoding(), "test").walk(found)
    return found


def explicit(tag: int, vr: bytes, value: bytes) -> bytes:
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def header_of(path: Path) -> FileHeader:
    header = read_file_header(path)
    assert isinstance(header, FileHeader)
    return header


def assert_agrees(header: FileHeader, dataset: Dataset) -> None:
    elements = header.elements
    for tag in (Tag.SOP_CLASS_UID, Tag.SERIES_INSTANCE_UID, Tag.MODALITY, Tag.RESCALE_SLOPE):
        if tag in dataset and not isinstance(dataset[tag].value, pydicom.multival.MultiValue):
            assert text(elements, tag) == str(dataset[tag].value or ""), tag.name
    for tag in (Tag.ROWS, Tag.COLUMNS, Tag.BITS_STORED, Tag.PIXEL_REPRESENTATION):
        if tag in dataset:
            assert unsigned(elements, tag) == dataset[tag].value, tag.name
    for tag, count in ((Tag.IMAGE_POSITION_PATIENT, 3), (Tag.IMAGE_ORIENTATION_PATIENT, 6)):
        if dataset.get(tag) and dataset[tag].value:
            assert decimals(elements, tag, count) == tuple(float(number) for number in dataset[tag].value)
    if dataset.get("ImageType"):
        assert texts(elements, Tag.IMAGE_TYPE) == tuple(part.strip() for part in dataset.ImageType)
    assert (header.pixel_element is not None) == ("PixelData" in dataset)


@pytest.mark.parametrize("name", SOUND_FILES)
def test_the_walk_finds_what_pydicom_finds(name: str) -> None:
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"pydicom was installed without {name}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header, dataset = header_of(Path(str(path))), dcmread(path, force=True)
        assert header.damage is None
        assert_agrees(header, dataset)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_every_native_encoding_gives_the_same_header(
    syntax: pydicom.uid.UID, slices: list[Dataset], tmp_path: Path
) -> None:
    encode(slices[0], syntax).save_as(tmp_path / "other.dcm", enforce_file_format=True)
    header = header_of(tmp_path / "other.dcm")
    assert header.transfer_syntax == syntax
    assert_agrees(header, slices[0])


def test_a_file_without_preamble_and_meta_header_is_read(small: Series, tmp_path: Path) -> None:
    dataset = dcmread(small.paths[0])
    content = small.paths[0].read_bytes()
    start = (
        content.index(b"\x08\x00\x05\x00") if b"\x08\x00\x05\x00CS" in content else content.index(b"\x08\x00")
    )
    (tmp_path / "bare").write_bytes(content[start:])
    header = header_of(tmp_path / "bare")
    assert header.transfer_syntax == dataset.file_meta.TransferSyntaxUID
    assert_agrees(header, dataset)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty file"),
        (b"Dear colleague,\n" * 20, "text"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "picture"),
        (b"PK\x03\x04" + bytes(range(256)), "archive"),
        (b"\0\1\2\3" * 50, "other"),
        (b"\x08\x00\x05\x00CS\x04\x00ABCD", "other"),
    ],
)
def test_strays_are_told_by_kind(content: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "stray").write_bytes(content)
    assert read_file_header(tmp_path / "stray") == StrayFile(tmp_path / "stray", kind)


def test_a_file_that_lost_its_start_is_no_stray(small: Series, tmp_path: Path) -> None:
    (tmp_path / "cut.dcm").write_bytes(small.paths[0].read_bytes()[40:])
    with pytest.raises(UnreadableFileError, match="without its start"):
        read_file_header(tmp_path / "cut.dcm")


@pytest.mark.parametrize("length", [133, 140, 300, 500])
def test_a_header_cut_off_anywhere_is_damage_not_a_stray(length: int, small: Series, tmp_path: Path) -> None:
    (tmp_path / "cut.dcm").write_bytes(small.paths[0].read_bytes()[:length])
    header = header_of(tmp_path / "cut.dcm")
    assert header.damage is not None or header.pixel_element is None


def test_bytes_behind_the_pixels_are_damage_unless_zero_or_elements(small: Series, tmp_path: Path) -> None:
    content = small.paths[0].read_bytes()
    tails = {"zeros": b"\0" * 64, "padding": b"\xfc\xff\xfc\xffOB\0\0\4\0\0\0abcd", "junk": b"\x17\x2a" * 9}
    damage = {}
    for name, tail in tails.items():
        (tmp_path / name).write_bytes(content + tail)
        damage[name] = header_of(tmp_path / name).damage
    assert damage["zeros"] is None
    assert damage["padding"] is None
    assert "behind the pixel data" in str(damage["junk"])


def test_an_element_that_reaches_beyond_the_end_is_damage() -> None:
    with pytest.raises(UnreadableFileError, match=r"\(0008,0060\) reaches beyond"):
        walk(struct.pack("<HH2sH", 8, 0x60, b"CS", 200) + b"CT")


def test_an_unknown_value_representation_is_damage() -> None:
    with pytest.raises(UnreadableFileError, match="no known value representation"):
        walk(b"\x08\x00\x60\x00Q?\xff\xffCT")


def test_implicit_elements_inside_an_explicit_file_are_read() -> None:
    data = explicit(Tag.MODALITY, b"CS", b"CT") + struct.pack("<HHL", 0x20, 0xE, 4) + b"1.2\0"
    found = walk(data)
    assert text(found, Tag.SERIES_INSTANCE_UID) == "1.2"


def test_too_deep_nesting_is_damage_not_a_crash() -> None:
    item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF)
    sequence = struct.pack("<HH2sHL", 0x40, 0x275, b"SQ", 0, 0xFFFFFFFF) + item
    assert MAXIMUM_DEPTH < 5000
    with pytest.raises(UnreadableFileError, match="nested too deeply"):
        walk(sequence * 5000)


def test_a_sequence_of_something_else_is_damage() -> None:
    sequence = struct.pack("<HH2sHL", 0x40, 0x275, b"SQ", 0, 0xFFFFFFFF)
    with pytest.raises(UnreadableFileError, match="not an item"):
        walk(sequence + explicit(Tag.MODALITY, b"CS", b"CT"))


def test_an_item_longer_than_its_file_is_damage() -> None:
    sequence = struct.pack("<HH2sHL", 0x40, 0x275, b"SQ", 0, 0xFFFFFFFF)
    with pytest.raises(UnreadableFileError, match="item reaches beyond"):
        walk(sequence + struct.pack("<HHL", 0xFFFE, 0xE000, 4000))


def test_an_endless_header_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lesionseg.dicom.elements.MAXIMUM_ELEMENTS", 50)
    with pytest.raises(UnreadableFileError, match="too many elements"):
        walk(explicit(0x00090010, b"LO", b"") * 51)


def test_a_deflated_file_is_unpacked_no_further_than_its_limit(
    slices: list[Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slices[0].file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    slices[0].save_as(tmp_path / "deflated.dcm", enforce_file_format=True)
    monkeypatch.setattr("lesionseg.dicom.file_header.MAXIMUM_INFLATED_HEADER_BYTES", 200)
    header = header_of(tmp_path / "deflated.dcm")
    assert header.damage is not None


def test_a_damaged_deflated_file_is_damage(slices: list[Dataset], tmp_path: Path) -> None:
    slices[0].file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    slices[0].save_as(tmp_path / "deflated.dcm", enforce_file_format=True)
    content = bytearray((tmp_path / "deflated.dcm").read_bytes())
    content[400:440] = b"\xff" * 40
    (tmp_path / "deflated.dcm").write_bytes(content)
    assert header_of(tmp_path / "deflated.dcm").damage is not None
