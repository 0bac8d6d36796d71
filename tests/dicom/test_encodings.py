"""Every encoding gives the same pixels; every damaged one is refused before or by its decoder."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from lesionseg.core.errors import PixelDataError, UnsupportedTransferSyntaxError
from lesionseg.dicom import LoaderSettings, load_series
from lesionseg.dicom.codestream import codestream_facts
from lesionseg.dicom.decoding import check_decodable
from lesionseg.dicom.jpeg_markers import damaged_tables, read_jpeg_frame
from lesionseg.dicom.rle import DamagedRunLengthError, decode_rle, unpack_bits
from tests.support.ct_series import Series, save
from tests.support.encode import ENCODABLE_SYNTAXES, GDCM_SYNTAXES, encode, swap_to_big_endian

ONE = LoaderSettings(minimum_slices=1)
CODESTREAMS = (JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless)


@pytest.fixture(scope="module")
def encoded(small: Series) -> Callable[[UID], Dataset]:
    """The third slice in any encoding, encoded once."""
    done: dict[UID, Dataset] = {}

    def make(syntax: UID) -> Dataset:
        if syntax not in done:
            done[syntax] = encode(small.datasets()[2], syntax)
        return deepcopy(done[syntax])

    return make


def frame_of(dataset: Dataset) -> bytes:
    return next(generate_frames(dataset.PixelData, number_of_frames=1))


def with_frame(dataset: Dataset, frame: bytes) -> Dataset:
    dataset.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2)])
    dataset["PixelData"].is_undefined_length = True
    return dataset


def load_one(dataset: Dataset, folder: Path) -> np.ndarray:
    return load_series(save(dataset, folder / "one.dcm"), settings=ONE).volume.hu[0]


@pytest.mark.parametrize("syntax", [*ENCODABLE_SYNTAXES, *GDCM_SYNTAXES], ids=lambda uid: uid.name)
def test_every_lossless_encoding_gives_the_same_pixels(
    syntax: UID, encoded: Callable[[UID], Dataset], small: Series, tmp_path: Path
) -> None:
    np.testing.assert_array_equal(load_one(encoded(syntax), tmp_path), small.volume.hu[2])


def test_octets_in_big_endian_words_are_put_right(small: Series, tmp_path: Path) -> None:
    values = np.clip((small.volume.hu[2].astype(np.int32) + 1024) // 16, 0, 255).astype("u1")
    dataset = small.datasets()[2]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation, dataset.RescaleSlope, dataset.RescaleIntercept = 0, "16", "-1024"
    dataset.PixelData = values.tobytes()
    dataset["PixelData"].VR = "OW"
    dataset = swap_to_big_endian(dataset)
    dataset.PixelData = values.reshape(-1, 2)[:, ::-1].tobytes()
    np.testing.assert_array_equal(load_one(dataset, tmp_path), values.astype(np.int16) * 16 - 1024)


@pytest.mark.parametrize("syntax", CODESTREAMS, ids=lambda uid: uid.name)
def test_a_codestream_cut_short_is_refused(
    syntax: UID, encoded: Callable[[UID], Dataset], tmp_path: Path
) -> None:
    dataset = encoded(syntax)
    frame = frame_of(dataset)
    with pytest.raises(PixelDataError, match="no end marker"):
        load_one(with_frame(dataset, frame[: len(frame) // 2]), tmp_path)


@pytest.mark.parametrize("syntax", CODESTREAMS, ids=lambda uid: uid.name)
def test_a_codestream_of_another_size_is_refused_before_it_is_decoded(
    syntax: UID, encoded: Callable[[UID], Dataset], tmp_path: Path
) -> None:
    dataset = encoded(syntax)
    dataset.Rows = 4000
    with pytest.raises(PixelDataError, match=r"not what the header says.*4000 x 32"):
        load_one(dataset, tmp_path)


@pytest.mark.parametrize("syntax", CODESTREAMS, ids=lambda uid: uid.name)
def test_a_codestream_without_start_is_refused(
    syntax: UID, encoded: Callable[[UID], Dataset], tmp_path: Path
) -> None:
    with pytest.raises(PixelDataError, match="no readable start"):
        load_one(with_frame(encoded(syntax), b"\1\2\3\4" * 40 + b"\xff\xd9"), tmp_path)


def test_damage_that_only_the_decoder_sees_is_refused(
    encoded: Callable[[UID], Dataset], tmp_path: Path
) -> None:
    dataset = encoded(JPEGLSLossless)
    frame = bytearray(frame_of(dataset))
    frame[len(frame) // 2 : len(frame) // 2 + 60] = b"\0" * 60
    with pytest.raises(PixelDataError, match="cannot be decoded"):
        load_one(with_frame(dataset, bytes(frame)), tmp_path)


def test_a_frame_longer_than_any_codec_makes_is_refused(
    encoded: Callable[[UID], Dataset], tmp_path: Path
) -> None:
    dataset = encoded(RLELossless)
    with pytest.raises(PixelDataError, match="longer than its pixels"):
        load_one(with_frame(dataset, frame_of(dataset) + b"\0" * 100_000), tmp_path)


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.4.102", "1.3.6.1.4.1.5555.1", "1.2.840.113619.5.2", ""]
)
def test_an_encoding_nothing_reads_is_named_with_a_remedy(syntax: str) -> None:
    with pytest.raises(UnsupportedTransferSyntaxError) as caught:
        check_decodable(syntax, "series 1")
    assert syntax in caught.value.found
    assert caught.value.remedy


def test_a_missing_decoder_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(UnsupportedTransferSyntaxError, match=r"pip install 'lesionseg\[codecs.*imagecodecs"):
        check_decodable(JPEGLosslessSV1, "series 1")


def test_a_codec_that_the_library_was_built_without_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagecodecs.JPEGLS, "available", False)
    check_decodable(JPEGLosslessSV1, "series 1")
    with pytest.raises(UnsupportedTransferSyntaxError, match="imagecodecs with jpegls"):
        check_decodable(JPEGLSLossless, "series 1")


def test_a_decoder_that_returns_another_shape_is_not_believed(
    encoded: Callable[[UID], Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagecodecs, "jpeg8_decode", lambda *_: np.zeros((4, 4), np.uint16))
    with pytest.raises(PixelDataError, match="another size"):
        load_one(encoded(JPEGLosslessSV1), tmp_path)


def smooth_slice(small: Series, bits: int) -> Dataset:
    """A slope from air to tissue, in as many unsigned bits as a lossy codec takes."""
    rows, columns = np.mgrid[:32, :32]
    values = ((rows + 2 * columns) * (12 if bits > 8 else 0.75)).astype("<u2" if bits > 8 else "u1")
    dataset = small.datasets()[2]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = (16 if bits > 8 else 8), bits, bits - 1
    dataset.PixelRepresentation, dataset.RescaleIntercept = 0, "-1024"
    dataset.RescaleSlope = "1" if bits > 8 else "16"
    dataset.PixelData = values.tobytes()
    return dataset


@pytest.mark.parametrize(
    ("syntax", "bits", "encoder", "options"),
    [
        (JPEGBaseline8Bit, 8, "jpeg8_encode", {"level": 98}),
        (JPEGExtended12Bit, 12, "jpeg8_encode", {"level": 98, "bitspersample": 12}),
        (JPEG2000, 12, "jpeg2k_encode", {"level": 85}),
        (HTJ2KLossless, 12, "htj2k_encode", {"reversible": True}),
        (HTJ2K, 12, "htj2k_encode", {"reversible": True}),
    ],
    ids=lambda value: value.name if isinstance(value, UID) else None,
)
def test_encodings_that_lose_or_are_new_come_out_near_the_truth(
    syntax: UID, bits: int, encoder: str, options: dict[str, Any], small: Series, tmp_path: Path
) -> None:
    dataset = smooth_slice(small, bits)
    values = np.frombuffer(dataset.PixelData, "<u2" if bits > 8 else "u1").reshape(32, 32)
    frame = bytes(getattr(imagecodecs, encoder)(values, **options))
    dataset.file_meta.TransferSyntaxUID = syntax
    found = load_one(with_frame(dataset, frame), tmp_path)
    truth = values.astype(np.int32) * int(dataset.RescaleSlope) - 1024
    assert np.abs(found - truth).max() <= 32


# --- native ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda pixels: pixels[:-600], "too short"),
        (lambda pixels: pixels + b"\0" * 64, "too long"),
        (lambda pixels: b"", "too short"),
    ],
)
def test_native_pixels_of_another_length_are_refused(
    change: Callable[[bytes], bytes], message: str, small: Series, tmp_path: Path
) -> None:
    dataset = small.datasets()[2]
    dataset.PixelData = change(dataset.PixelData)
    with pytest.raises(PixelDataError, match=message):
        load_one(dataset, tmp_path)


@pytest.mark.parametrize("removed", [1, 700])
def test_a_file_cut_inside_its_pixels_is_refused(removed: int, small: Series, tmp_path: Path) -> None:
    content = small.paths[2].read_bytes()
    (tmp_path / "cut.dcm").write_bytes(content[:-removed])
    with pytest.raises(PixelDataError, match="truncated"):
        load_series(tmp_path / "cut.dcm", settings=ONE)


def test_fragments_under_a_native_syntax_are_refused(
    encoded: Callable[[UID], Dataset], tmp_path: Path
) -> None:
    dataset = encoded(RLELossless)
    path = save(dataset, tmp_path / "one.dcm")
    content = path.read_bytes().replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.1\0")
    path.write_bytes(content)
    with pytest.raises(PixelDataError, match="no length"):
        load_series(path, settings=ONE)


def test_native_pixels_under_a_compressed_syntax_are_refused(small: Series, tmp_path: Path) -> None:
    content = small.paths[2].read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0", 1)
    (tmp_path / "one.dcm").write_bytes(content)
    with pytest.raises(PixelDataError, match="not divided into fragments"):
        load_series(tmp_path / "one.dcm", settings=ONE)


def test_a_compressed_file_cut_between_fragments_is_refused(
    encoded: Callable[[UID], Dataset], tmp_path: Path
) -> None:
    path = save(encoded(RLELossless), tmp_path / "one.dcm")
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(PixelDataError, match="truncated or damaged"):
        load_series(path, settings=ONE)


def test_a_file_that_vanishes_after_its_header_was_read_is_named(
    small: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lesionseg.dicom import decode_volume
    from lesionseg.dicom.pixel_blocks import PixelBlocks, locate_frames

    path = save(small.datasets()[2], tmp_path / "one.dcm")

    def vanish(header: object) -> PixelBlocks:
        blocks = locate_frames(header)  # type: ignore[arg-type]
        path.write_bytes(b"short")
        return blocks

    monkeypatch.setattr(decode_volume, "locate_frames", vanish)
    with pytest.raises(PixelDataError, match="truncated"):
        load_series(path, settings=ONE)


def test_a_deflated_image_unpacks_no_further_than_its_limit(
    encoded: Callable[[UID], Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lesionseg.dicom.pixel_blocks.MAXIMUM_INFLATED_BYTES", 2000)
    with pytest.raises(PixelDataError, match="deflated image is too large"):
        load_one(encoded(DeflatedExplicitVRLittleEndian), tmp_path)


# --- RLE ------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 200)), min_size=1, max_size=30))
def test_runs_and_literals_unpack_to_what_was_packed(runs: list[tuple[int, int]]) -> None:
    plane = b"".join(bytes([value]) * count for value, count in runs)
    packed = bytearray()
    for start in range(0, len(plane), 100):
        piece = plane[start : start + 100]
        if len(set(piece)) == 1 and len(piece) > 1:
            packed += bytes([257 - len(piece), piece[0]])
        else:
            packed += bytes([len(piece) - 1]) + piece
    assert unpack_bits(bytes(packed)) == plane
    assert unpack_bits(bytes(packed) + b"\0") == plane
    header = struct.pack("<16L", 1, 64, *[0] * 14)
    np.testing.assert_array_equal(decode_rle(header + bytes(packed), len(plane), 1), list(plane))


@pytest.mark.parametrize(
    "data",
    [
        b"\1\0\0\0",
        struct.pack("<16L", 3, 64, 70, *[0] * 13) + b"\0" * 40,
        struct.pack("<16L", 2, 64, 64, *[0] * 13) + b"\0" * 40,
        struct.pack("<16L", 2, 64, 9000, *[0] * 13) + b"\0" * 40,
        struct.pack("<16L", 2, 64, 70, *[0] * 13) + b"\xfe\1" * 20,
        struct.pack("<16L", 2, 64, 70, *[0] * 13) + b"\x7f\1",
    ],
)
def test_damaged_runs_are_refused(data: bytes) -> None:
    with pytest.raises(DamagedRunLengthError):
        decode_rle(data, 16, 2)


def test_runs_unpack_alike_with_and_without_the_fast_library(
    encoded: Callable[[UID], Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = frame_of(encoded(RLELossless))
    fast = decode_rle(frame, 1024, 2)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    np.testing.assert_array_equal(decode_rle(frame, 1024, 2), fast)


def test_a_damaged_rle_file_is_refused_by_name(encoded: Callable[[UID], Dataset], tmp_path: Path) -> None:
    dataset = encoded(RLELossless)
    frame = bytearray(frame_of(dataset))
    frame[100:140] = b"\x81\0" * 20
    with pytest.raises(PixelDataError, match=r"one\.dcm.*RLE segment"):
        load_one(with_frame(dataset, bytes(frame)), tmp_path)


# --- codestreams ----------------------------------------------------------------------------------------


def jpeg_facts(frame: bytes) -> str:
    found = read_jpeg_frame(frame)
    assert found is not None
    return damaged_tables(frame, found)


def test_sound_codestreams_have_no_problem(encoded: Callable[[UID], Dataset]) -> None:
    for syntax in CODESTREAMS:
        facts = codestream_facts(frame_of(encoded(syntax)))
        assert facts is not None
        assert (facts.rows, facts.columns, facts.components, facts.problem) == (32, 32, 1, "")
        assert facts.precision_bits == 16


def test_damaged_jpeg_segments_are_told_before_a_codec_sees_them(encoded: Callable[[UID], Dataset]) -> None:
    frame = frame_of(encoded(JPEGLosslessSV1))
    table, scan = frame.index(b"\xff\xc4"), frame.index(b"\xff\xda")
    cases = {
        "unexpected marker F7": frame[:table] + b"\xff\xf7" + frame[table + 2 :],
        "a Huffman table is damaged": frame[: table + 5] + b"\xff" * 16 + frame[table + 21 :],
        "Huffman table that is not there": frame[: scan + 6] + b"\x30" + frame[scan + 7 :],
        "the scan header is damaged": frame[: scan + 4] + b"\x02" + frame[scan + 5 :],
        "stands inside the scan": frame[: scan + 40] + b"\xff\xc4" + frame[scan + 42 :],
        "it has no scan": frame[:scan],
        "it has no end marker": frame[:-2].rstrip(b"\xd9").rstrip(b"\xff"),
        "a segment is cut off": frame[: scan - 3],
    }
    for problem, damaged in cases.items():
        assert problem in jpeg_facts(damaged), problem


def test_jpeg_fill_bytes_and_standalone_markers_are_passed_over(encoded: Callable[[UID], Dataset]) -> None:
    frame = frame_of(encoded(JPEGLosslessSV1))
    found = read_jpeg_frame(frame[:2] + b"\xff\x01\xff\xff" + frame[2:])
    assert found is not None
    assert found.rows == 32


@pytest.mark.parametrize(("offset", "value"), [(16, b"\0\0\0\1"), (8, b"\0\0\0\0"), (24, b"\0\0\0\0")])
def test_impossible_jpeg_2000_sizes_are_told(
    offset: int, value: bytes, encoded: Callable[[UID], Dataset]
) -> None:
    """Tiles of one row, an empty image, tiles without width."""
    frame = bytearray(frame_of(encoded(JPEG2000Lossless)))
    start = frame.index(b"\xff\x4f")
    frame[start + offset : start + offset + 4] = value
    if offset == 16:
        frame[start + 24 : start + 32] = struct.pack(">2L", 1, 1)
        frame[start + 8 : start + 24] = struct.pack(">4L", 40, 40, 0, 0)
    facts = codestream_facts(bytes(frame))
    assert facts is None or "tiles" in facts.problem


@given(st.binary(max_size=80))
def test_any_bytes_after_a_start_marker_are_told_or_refused(tail: bytes) -> None:
    for start in (b"\xff\xd8", b"\xff\x4f\xff\x51", b""):
        facts = codestream_facts(start + tail)
        assert facts is None or facts.rows >= 0


def test_explicit_little_endian_is_the_baseline(
    encoded: Callable[[UID], Dataset], small: Series, tmp_path: Path
) -> None:
    np.testing.assert_array_equal(load_one(encoded(ExplicitVRLittleEndian), tmp_path), small.volume.hu[2])
