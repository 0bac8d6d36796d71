"""One scan in every encoding at hand, shuffled and renamed, is one and the same volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from lesionseg.core.provenance import sha256_of_array
from lesionseg.dicom import load_series
from lesionseg.volume import CTVolume
from tests.support.ct_series import Series, chest_volume, save, save_all, write_series
from tests.support.encode import COMPRESSED_SYNTAXES, ENCODABLE_SYNTAXES, GDCM_SYNTAXES, encode
from tests.support.enhanced_series import enhanced_dataset

ALL_SYNTAXES = (*ENCODABLE_SYNTAXES, *GDCM_SYNTAXES, JPEGLSNearLossless)
NAMED_SYNTAXES = [pytest.param(syntax, id=syntax.name) for syntax in ALL_SYNTAXES]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Series:
    small = chest_volume((8, 41, 38), (31.25, 8.75, 8.75))
    return write_series(tmp_path_factory.mktemp("good") / "series", small)


@pytest.fixture(scope="module")
def covid(real_data: Path) -> Path:
    return real_data / "ct" / "P001"


@pytest.fixture(scope="module")
def covid_volume(covid: Path) -> CTVolume:
    return load_series(covid).volume


def encode_losslessly(dataset: Dataset, syntax: UID) -> Dataset:
    """As `encode`; near-lossless JPEG-LS with an allowed error of 0 is lossless as well."""
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        dataset.decompress()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if syntax == JPEGLSNearLossless:
        dataset.compress(syntax, jls_error=0, generate_instance_uid=False)
        return dataset
    return encode(dataset, syntax)


def save_shuffled(sources: list[Path], folder: Path, syntax: UID) -> None:
    """Re-encode every file under a name that tells nothing, in an order that means nothing."""
    random = np.random.default_rng(9)
    for number, index in enumerate(random.permutation(len(sources))):
        name = f"{random.integers(1 << 40):010x}.{number % 7}"
        save(encode_losslessly(dcmread(sources[index]), syntax), folder / str(number % 3) / name)


def assert_same_volume(volume: CTVolume, expected: CTVolume) -> None:
    assert sha256_of_array(volume.hu) == sha256_of_array(expected.hu)
    np.testing.assert_array_equal(volume.geometry.affine, expected.geometry.affine)


@pytest.mark.parametrize("syntax", NAMED_SYNTAXES)
def test_phantom_in_any_encoding_order_and_naming_is_the_same_volume(
    syntax: UID, good: Series, tmp_path: Path
) -> None:
    save_shuffled(list(good.paths), tmp_path, syntax)
    assert dcmread(next(p for p in tmp_path.rglob("*.*"))).file_meta.TransferSyntaxUID == syntax
    volume = load_series(tmp_path).volume
    np.testing.assert_array_equal(volume.hu, good.volume.hu)
    assert_same_volume(volume, load_series(good.folder).volume)


def spread_over_bits(series: Series, bits: int, *, signed: bool) -> tuple[list[Dataset], np.ndarray]:
    """Values spread over all stored bits; slope and intercept bring them into the range of CT."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    slope, intercept = f"{4000 / (high - low):.10f}", f"{-1024 - low * 4000 / (high - low):.8f}"
    stored = np.rint((series.volume.hu + 1024.0) / float(slope) + low).clip(low, high).astype(np.int32)
    stored[:, 0, :2] = low, high
    datasets = series.datasets()
    for index, dataset in enumerate(datasets):
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = (8 if bits == 8 else 16), bits, bits - 1
        dataset.PixelRepresentation = int(signed)
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
        kind = f"{'i' if signed else 'u'}{dataset.BitsAllocated // 8}"
        pixels = stored[index].astype(f"<{kind}").tobytes()
        dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
    return datasets, stored * float(slope) + float(intercept)


def assert_hu_close(folder: Path, expected: np.ndarray) -> None:
    """Whether rounded to int16 or kept as float32."""
    np.testing.assert_allclose(load_series(folder).volume.hu, expected, atol=0.51)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    "syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless, JPEGLossless, JPEGLosslessSV1, None]
)
def test_stored_bits_and_sign_survive_every_codec(
    good: Series, tmp_path: Path, bits: int, signed: bool, syntax: UID | None
) -> None:
    datasets, expected = spread_over_bits(good, bits, signed=signed)
    save_all([encode(dataset, syntax) for dataset in datasets], tmp_path)
    assert_hu_close(tmp_path, expected)


@pytest.mark.parametrize("syntax", [None, RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_frames_of_an_odd_number_of_bytes_are_read(syntax: UID | None, tmp_path: Path) -> None:
    odd = write_series(tmp_path / "good", chest_volume((8, 41, 39), (31.25, 8.75, 8.75)))
    datasets, expected = spread_over_bits(odd, 8, signed=False)
    save_all([encode(dataset, syntax) for dataset in datasets], tmp_path / "odd")
    assert_hu_close(tmp_path / "odd", expected)


@pytest.mark.parametrize("with_table", [False, True])
@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_frames_in_several_fragments_are_joined(
    syntax: UID, with_table: bool, good: Series, tmp_path: Path
) -> None:
    for index, dataset in enumerate(good.datasets()):
        encoded = encode(dataset, syntax)
        frames = list(generate_frames(encoded.PixelData, number_of_frames=1))
        encoded.PixelData = encapsulate(frames, fragments_per_frame=3, has_bot=with_table)
        save(encoded, tmp_path / f"{index}.dcm")
    np.testing.assert_array_equal(load_series(tmp_path).volume.hu, good.volume.hu)


@pytest.mark.parametrize("syntax", COMPRESSED_SYNTAXES)
def test_compressed_enhanced_frames_are_the_same_volume(syntax: UID, good: Series, tmp_path: Path) -> None:
    order = np.random.default_rng(6).permutation(len(good.volume.hu)).tolist()
    save(encode(enhanced_dataset(good.volume, order), syntax), tmp_path / "enhanced.dcm")
    np.testing.assert_array_equal(load_series(tmp_path).volume.hu, good.volume.hu)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.parametrize("syntax", NAMED_SYNTAXES)
def test_real_scan_in_any_encoding_order_and_naming_is_the_same_volume(
    syntax: UID, covid: Path, covid_volume: CTVolume, tmp_path: Path
) -> None:
    save_shuffled(sorted(covid.glob("*")), tmp_path, syntax)
    assert_same_volume(load_series(tmp_path).volume, covid_volume)
