"""Stored values become Hounsfield units exactly; padding becomes air and is counted; nothing wraps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import Dataset

from lesionseg.core.errors import IntensityError, PixelDataError
from lesionseg.dicom import LoadedSeries, LoaderSettings, load_series
from tests.dicom.conftest import SaveSeries
from tests.support.ct_series import Series

Hounsfield = npt.NDArray[np.int16]


def notes(loaded: LoadedSeries) -> dict[str, str]:
    return {note.code: note.text for note in loaded.notes}


@pytest.fixture
def stored(slices: list[Dataset], save_series: SaveSeries) -> Callable[..., LoadedSeries]:
    """Loads the small series with other stored values and attributes in every slice."""

    def load(values: npt.NDArray[np.generic], **changes: object) -> LoadedSeries:
        for index, dataset in enumerate(slices):
            dataset.PixelData = values[index].tobytes()
            for keyword, value in changes.items():
                if keyword.startswith("PixelPadding"):
                    signed = changes.get("PixelRepresentation", dataset.PixelRepresentation)
                    dataset.add_new(keyword, "SS" if signed else "US", value)
                else:
                    setattr(dataset, keyword, value)
        return load_series(save_series(slices))

    return load


def test_twelve_bits_with_strangers_above_are_masked_and_noted(
    small: Series, stored: Callable[..., LoadedSeries]
) -> None:
    values = (small.volume.hu.astype(np.int32) + 1024).astype("<u2")
    values[2, :4, :4] |= 0xA000
    loaded = stored(
        values, PixelRepresentation=0, BitsStored=12, HighBit=11, RescaleIntercept="-1024", RescaleSlope="1"
    )
    np.testing.assert_array_equal(loaded.volume.hu, small.volume.hu)
    assert "16 voxels" in notes(loaded)["unused-bits-masked"]


def test_signed_twelve_bits_are_extended_with_or_without_their_sign(
    small: Series, stored: Callable[..., LoadedSeries]
) -> None:
    hu = np.clip(small.volume.hu, -1024, 2047)
    plain = stored(hu.astype("<i2"), PixelRepresentation=1, BitsStored=12, HighBit=11, RescaleIntercept="0")
    np.testing.assert_array_equal(plain.volume.hu, hu)
    cut = stored(
        hu.astype("<i2").view("<u2") & 0x0FFF,
        PixelRepresentation=1, BitsStored=12, HighBit=11, RescaleIntercept="0",
    )  # fmt: skip
    np.testing.assert_array_equal(cut.volume.hu, hu)
    assert "unused-bits-masked" not in notes(cut)


def test_values_stored_at_the_upper_bits_are_shifted_down(
    small: Series, stored: Callable[..., LoadedSeries]
) -> None:
    values = ((small.volume.hu.astype(np.int32) + 1024) << 4).astype("<u2")
    loaded = stored(values, PixelRepresentation=0, BitsStored=12, HighBit=15, RescaleIntercept="-1024")
    np.testing.assert_array_equal(loaded.volume.hu, small.volume.hu)


def test_eight_bits_with_a_coarse_slope_are_read(small: Series, stored: Callable[..., LoadedSeries]) -> None:
    values = np.clip((small.volume.hu.astype(np.int32) + 1024) // 16, 0, 255).astype("u1")
    loaded = stored(
        values, BitsAllocated=8, BitsStored=8, HighBit=7, PixelRepresentation=0, RescaleSlope="16",
        RescaleIntercept="-1024",
    )  # fmt: skip
    assert loaded.volume.hu.dtype == np.int16
    np.testing.assert_array_equal(loaded.volume.hu, values.astype(np.int16) * 16 - 1024)


def test_a_fractional_slope_gives_float32(small: Series, stored: Callable[..., LoadedSeries]) -> None:
    loaded = stored((small.volume.hu * 2).astype("<i2"), RescaleSlope="0.50001", RescaleIntercept="0.25")
    assert loaded.volume.hu.dtype == np.float32
    np.testing.assert_allclose(loaded.volume.hu, small.volume.hu * 2 * 0.50001 + 0.25, rtol=1e-6)


def test_each_slice_is_rescaled_by_its_own_values(
    small: Series, slices: list[Dataset], save_series: SaveSeries
) -> None:
    for index, dataset in enumerate(slices):
        intercept = -1024 - 10 * index
        dataset.RescaleIntercept = str(intercept)
        dataset.PixelData = (small.volume.hu[index] - intercept).astype("<i2").tobytes()
    loaded = load_series(save_series(slices))
    np.testing.assert_array_equal(loaded.volume.hu, small.volume.hu)
    assert "6 different rescales" in notes(loaded)["rescale-per-slice"]


def test_values_beyond_int16_are_clipped_not_wrapped(
    small: Series, stored: Callable[..., LoadedSeries]
) -> None:
    values = small.volume.hu.astype(np.int32) + 1024
    values[1, 0, :3] = 65535
    loaded = stored(values.astype("<u2"), PixelRepresentation=0, RescaleIntercept="-1024")
    assert (loaded.volume.hu[1, 0, :3] == 32767).all()
    np.testing.assert_array_equal(loaded.volume.hu[2:], small.volume.hu[2:])
    assert "3 voxels" in notes(loaded)["values-clipped"]


def test_undeclared_padding_becomes_air_and_is_counted(
    small: Series, stored: Callable[..., LoadedSeries]
) -> None:
    hu = small.volume.hu.copy()
    hu[:, :2] = -3024
    loaded = stored(hu.astype("<i2"), RescaleIntercept="0")
    assert (loaded.volume.hu[:, :2] == -1024).all()
    np.testing.assert_array_equal(loaded.volume.hu[:, 2:], small.volume.hu[:, 2:])
    assert notes(loaded)["padding-set-to-air"].startswith(
        "384 voxels outside the reconstruction (down to -3024 HU)"
    )


def test_declared_padding_just_below_air_becomes_air(
    small: Series, stored: Callable[..., LoadedSeries]
) -> None:
    hu = np.maximum(small.volume.hu, -1024)
    hu[:, :2] = -1300
    loaded = stored(hu.astype("<i2"), RescaleIntercept="0", PixelPaddingValue=-1300)
    assert (loaded.volume.hu[:, :2] == -1024).all()
    assert "padding-set-to-air" in notes(loaded)


def test_a_range_of_padding_is_honoured(small: Series, stored: Callable[..., LoadedSeries]) -> None:
    hu = np.maximum(small.volume.hu, -1024)
    hu[:, 0], hu[:, 1] = -1300, -1200
    loaded = stored(
        hu.astype("<i2"), RescaleIntercept="0", PixelPaddingValue=-1400, PixelPaddingRangeLimit=-1150
    )
    assert (loaded.volume.hu[:, :2] == -1024).all()


def test_an_unsigned_range_of_padding_is_honoured(small: Series, stored: Callable[..., LoadedSeries]) -> None:
    values = np.maximum(small.volume.hu, -1024).astype(np.int32) + 2000
    values[:, :2] = 700  # -1300 HU
    loaded = stored(
        values.astype("<u2"), PixelRepresentation=0, RescaleIntercept="-2000", PixelPaddingValue=600,
        PixelPaddingRangeLimit=800,
    )  # fmt: skip
    assert (loaded.volume.hu[:, :2] == -1024).all()


def test_a_padding_value_inside_the_body_scale_touches_nothing(
    small: Series, stored: Callable[..., LoadedSeries]
) -> None:
    """Some writers name 0 as padding; in Hounsfield units that is water."""
    loaded = stored(small.volume.hu.astype("<i2"), RescaleIntercept="0", PixelPaddingValue=0)
    np.testing.assert_array_equal(loaded.volume.hu, small.volume.hu)
    assert "padding-set-to-air" not in notes(loaded)


def test_padding_beyond_the_stored_bits_is_recognised_before_they_are_masked(
    small: Series, stored: Callable[..., LoadedSeries]
) -> None:
    """-2000 written into 16 bits of an unsigned 12-bit image would become 1072 HU."""
    values = (small.volume.hu.astype(np.int32) + 1024).astype("<u2")
    values[:, :2] = 0x10000 - 2000
    loaded = stored(
        values, PixelRepresentation=0, BitsStored=12, HighBit=11, RescaleIntercept="-1024",
        PixelPaddingValue=0x10000 - 2000,
    )  # fmt: skip
    assert (loaded.volume.hu[:, :2] == -1024).all()
    np.testing.assert_array_equal(loaded.volume.hu[:, 2:], small.volume.hu[:, 2:])


def test_grey_values_under_a_hounsfield_label_are_refused(
    small: Series, stored: Callable[..., LoadedSeries]
) -> None:
    with pytest.raises(IntensityError, match="8-bit"):
        stored(np.clip(small.volume.hu // 8 + 120, 0, 255).astype("<i2"), RescaleIntercept="0")


def test_one_thread_and_many_give_the_same_bytes(small: Series) -> None:
    one, many = (load_series(small.folder, settings=LoaderSettings(threads=n)).volume.hu for n in (1, 7))
    np.testing.assert_array_equal(one, many)


def test_progress_counts_every_slice(small: Series) -> None:
    seen: list[tuple[int, int]] = []
    load_series(small.folder, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(n, 6) for n in range(1, 7)]


def test_an_error_in_the_progress_report_ends_loading(small: Series) -> None:
    def fail(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load_series(small.folder, progress=fail)


def test_a_volume_beyond_all_reason_is_refused_before_memory_is_taken(
    small: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lesionseg.dicom.decode_volume.MAXIMUM_VOXELS", 6000)
    with pytest.raises(PixelDataError, match="too large"):
        load_series(small.folder)
