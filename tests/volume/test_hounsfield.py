"""Values that are not Hounsfield units are refused; real ones never are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import IntensityError
from lesionseg.volume import (
    CTVolume,
    VolumeGeometry,
    check_hounsfield,
    read_volume_file,
    replace_padding,
)

SHAPE = (12, 40, 40)


def chest() -> np.ndarray:
    """Air around a body of 40 HU that holds lung of -850 HU: exact values, as a phantom has them."""
    _, row, column = np.meshgrid(*(np.linspace(-1, 1, length) for length in SHAPE), indexing="ij")
    hu = np.full(SHAPE, -1000, np.int16)
    hu[row**2 + column**2 < 0.8] = 40
    hu[row**2 + (abs(column) - 0.4) ** 2 < 0.08] = -850
    return hu


def volume(hu: np.ndarray) -> CTVolume:
    kind = np.int16 if hu.dtype.kind == "i" else np.float32
    return CTVolume(hu.astype(kind), VolumeGeometry.from_axes(SHAPE, (2, 1, 1)), name="scan.nii")


def test_a_phantom_of_exact_values_is_accepted_without_remark():
    assert check_hounsfield(volume(chest())) == ()


@pytest.mark.parametrize(
    ("hu", "words"),
    [
        (np.full(SHAPE, -1000), "same value"),
        (np.zeros(SHAPE), "same value"),
        (np.clip(chest() + 1350.0, 0, 1500) / 1500, "0..1"),
        (np.clip(chest() + 1350.0, 0, 1500) / 750 - 1, "0..1"),
        (np.clip(chest() + 1350.0, 0, 1500) / 1500 * 255, "8-bit"),
        (chest() + 1024, "rescale intercept"),
        (-chest(), "inverted or shifted"),
        (np.clip(chest(), -160, 240), "clipped to a window"),
        (chest() - 1024, "no soft tissue"),
        (np.where(chest() == -1000, -1000, -850), "no soft tissue"),
        (np.where(chest() == -1000, -1024, chest() + 1024), "rescale intercept looks missing"),
        (np.where(chest() == -1000, -2000, chest() + 1024), "inverted or shifted"),
    ],
    ids=[
        "constant", "empty", "unit scale", "symmetric unit scale", "8-bit", "unrescaled", "inverted",
        "soft tissue window", "rescaled twice", "no tissue", "unrescaled and padded with -1024",
        "unrescaled and padded with -2000",
    ],
)  # fmt: skip
def test_values_that_are_not_hounsfield_units_are_refused(hu, words):
    with pytest.raises(IntensityError) as caught:
        check_hounsfield(volume(hu))
    assert words in caught.value.found
    assert caught.value.case == "scan.nii"
    assert "-1000" in caught.value.expected
    assert caught.value.remedy


@pytest.mark.parametrize(
    "hu",
    [
        np.clip(chest(), -1000, 400),
        np.where(chest() == -1000, -3024, chest()),
        chest() + np.random.default_rng(0).normal(0, 80, SHAPE),
        np.where(chest() == 40, 180, chest()),
    ],
    ids=["clamped", "padded all around", "noisy", "contrast everywhere"],
)
def test_unusual_but_real_values_are_accepted(hu):
    check_hounsfield(volume(hu))


def test_padding_and_clamping_are_noted():
    hu = chest()
    hu[:, 0] = -2048
    hu[:, -3:-1] = 1500
    notes = check_hounsfield(volume(hu))
    assert notes == ("2.5 % of voxels are padding (-2048 HU)", "values are clamped at 1500 HU")


def test_padding_is_set_to_air_in_a_copy_and_counted():
    hu = chest()
    hu[0, 0, :7] = -3024
    original = volume(hu)
    cleaned, count = replace_padding(original)
    assert count == 7
    assert (cleaned.hu[0, 0, :7] == -1024).all()
    np.testing.assert_array_equal(cleaned.hu[0, 0, 7:], original.hu[0, 0, 7:])
    assert original.hu.min() == -3024
    assert (cleaned.name, cleaned.geometry) == (original.name, original.geometry)


def test_a_volume_without_padding_is_returned_as_it_is():
    original = volume(chest())
    assert replace_padding(original) == (original, 0)


@pytest.mark.real_data
def test_no_real_scan_is_refused(real_data: Path):
    scans = sorted(real_data.glob("ct-1p5mm/*_ct.nii.gz"))
    scans += [real_data / "dicom-traps" / "cip-ct64-series" / "ct-64.nrrd"]
    assert len(scans) > 10
    for scan in scans:
        check_hounsfield(read_volume_file(scan))


@pytest.mark.real_data
def test_no_mask_passes_for_a_scan(real_data: Path):
    masks = [*real_data.glob("ct-1p5mm/*_gtv.nii.gz"), *real_data.glob("ct-1p5mm/*_lung.nii.gz")]
    assert masks
    for mask in masks:
        with pytest.raises(IntensityError):
            check_hounsfield(read_volume_file(mask))
