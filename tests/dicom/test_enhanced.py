"""Enhanced multi-frame CT is read frame by frame under the same rules as classic slices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import JPEG2000Lossless, RLELossless

from lesionseg.core.errors import (
    DuplicatePositionError,
    IntensityError,
    MissingGeometryError,
    NoCTSeriesError,
    PixelDataError,
    TooFewSlicesError,
    UnreadableFileError,
)
from lesionseg.dicom import load_series
from tests.support.ct_series import Series, save
from tests.support.enhanced_series import enhanced_dataset

Frames = list[bytes]


@pytest.fixture
def enhanced(small: Series) -> Dataset:
    return enhanced_dataset(small.volume)


def load(dataset: Dataset, folder: Path) -> np.ndarray:
    return load_series(save(dataset, folder / "enhanced.dcm")).volume.hu


def frames_of(dataset: Dataset) -> Frames:
    return list(generate_frames(dataset.PixelData, number_of_frames=int(dataset.NumberOfFrames)))


def set_fragments(dataset: Dataset, fragments: Sequence[bytes]) -> None:
    """Items without offset table, each fragment one item."""
    items = b"".join(b"\xfe\xff\x00\xe0" + len(one).to_bytes(4, "little") + one for one in fragments)
    dataset.PixelData = b"\xfe\xff\x00\xe0\0\0\0\0" + items + b"\xfe\xff\xdd\xe0\0\0\0\0"
    dataset["PixelData"].is_undefined_length = True


def test_frames_are_slices_with_numbers_and_one_file(
    enhanced: Dataset, small: Series, tmp_path: Path
) -> None:
    loaded = load_series(save(enhanced, tmp_path / "enhanced.dcm"))
    np.testing.assert_array_equal(loaded.volume.hu, small.volume.hu)
    assert loaded.volume.geometry.matches(small.volume.geometry)
    assert [one.frame_number for one in loaded.series.slices] == [1, 2, 3, 4, 5, 6]
    assert {one.file.name for one in loaded.series.slices} == {"enhanced.dcm"}


def halves(frames: Frames) -> Frames:
    """Two fragments a frame."""
    return [part for frame in frames for part in (frame[:64], frame[64:])]


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
def test_one_fragment_a_frame_needs_no_offset_table(
    syntax: str, table: bool, enhanced: Dataset, small: Series, tmp_path: Path
) -> None:
    enhanced.compress(syntax, generate_instance_uid=False)
    enhanced.PixelData = encapsulate(frames_of(enhanced), has_bot=table)
    np.testing.assert_array_equal(load(enhanced, tmp_path), small.volume.hu)


def test_fragmented_frames_are_told_apart_by_the_offset_table(
    enhanced: Dataset, small: Series, tmp_path: Path
) -> None:
    enhanced.compress(JPEG2000Lossless, generate_instance_uid=False)
    enhanced.PixelData = encapsulate(frames_of(enhanced), fragments_per_frame=2, has_bot=True)
    np.testing.assert_array_equal(load(enhanced, tmp_path), small.volume.hu)


def test_fragmented_frames_are_told_apart_by_their_end_markers(
    enhanced: Dataset, small: Series, tmp_path: Path
) -> None:
    enhanced.compress(JPEG2000Lossless, generate_instance_uid=False)
    set_fragments(enhanced, halves(frames_of(enhanced)))
    np.testing.assert_array_equal(load(enhanced, tmp_path), small.volume.hu)


def test_an_extended_offset_table_is_followed(enhanced: Dataset, small: Series, tmp_path: Path) -> None:
    enhanced.compress(JPEG2000Lossless, generate_instance_uid=False)
    pixels, table, lengths = encapsulate_extended(frames_of(enhanced))
    enhanced.PixelData = pixels
    enhanced.ExtendedOffsetTable, enhanced.ExtendedOffsetTableLengths = table, lengths
    np.testing.assert_array_equal(load(enhanced, tmp_path), small.volume.hu)


def test_fragments_that_cannot_be_told_apart_are_refused(enhanced: Dataset, tmp_path: Path) -> None:
    enhanced.compress(RLELossless, generate_instance_uid=False)
    set_fragments(enhanced, halves(frames_of(enhanced)))
    with pytest.raises(PixelDataError, match="cannot be told apart"):
        load(enhanced, tmp_path)


def test_fewer_fragments_than_frames_are_refused(enhanced: Dataset, tmp_path: Path) -> None:
    enhanced.compress(JPEG2000Lossless, generate_instance_uid=False)
    set_fragments(enhanced, frames_of(enhanced)[:4])
    with pytest.raises(PixelDataError, match="expected 6; found 4"):
        load(enhanced, tmp_path)


def remove_groups(dataset: Dataset) -> None:
    del dataset.PerFrameFunctionalGroupsSequence


def announce_a_million(dataset: Dataset) -> None:
    dataset.NumberOfFrames = 1_000_000


def empty_frame_group(dataset: Dataset) -> None:
    dataset.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence = []


def rescale_us(dataset: Dataset) -> None:
    dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0].RescaleType = "US"


def no_rescale(dataset: Dataset) -> None:
    del dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence


def no_shared_groups(dataset: Dataset) -> None:
    del dataset.SharedFunctionalGroupsSequence


def two_at_one_place(dataset: Dataset) -> None:
    first, second = dataset.PerFrameFunctionalGroupsSequence[:2]
    second.PlanePositionSequence = first.PlanePositionSequence


def perfusion_frames(dataset: Dataset) -> None:
    kind = Dataset()
    kind.FrameType = ["DERIVED", "PRIMARY", "PERFUSION", "RCBF"]
    dataset.SharedFunctionalGroupsSequence[0].CTImageFrameTypeSequence = [kind]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (remove_groups, UnreadableFileError, "6 frames and no per-frame groups"),
        (announce_a_million, UnreadableFileError, "1000000 frames, 6 groups"),
        (empty_frame_group, MissingGeometryError, "enhanced.dcm frame 3"),
        (rescale_us, IntensityError, "type US"),
        (no_rescale, IntensityError, "missing on 6 of 6"),
        (no_shared_groups, MissingGeometryError, "no usable ImageOrientationPatient and no PixelSpacing"),
        (two_at_one_place, DuplicatePositionError, "frame 1 and enhanced.dcm frame 2"),
        (perfusion_frames, NoCTSeriesError, "PERFUSION"),
    ],
)
def test_broken_enhanced_files_are_refused(
    change: Callable[[Dataset], None],
    error: type[Exception],
    message: str,
    enhanced: Dataset,
    tmp_path: Path,
) -> None:
    change(enhanced)
    with pytest.raises(error, match=message):
        load(enhanced, tmp_path)


def test_the_kernel_and_acquisition_of_the_frames_are_known(enhanced: Dataset, tmp_path: Path) -> None:
    reconstruction, content = Dataset(), Dataset()
    reconstruction.ConvolutionKernel = "BONE"
    enhanced.SharedFunctionalGroupsSequence[0].CTReconstructionSequence = [reconstruction]
    content.FrameAcquisitionNumber = 3
    for groups in enhanced.PerFrameFunctionalGroupsSequence:
        groups.FrameContentSequence = [content]
    loaded = load_series(save(enhanced, tmp_path / "enhanced.dcm"))
    assert loaded.volume.acquisition is not None
    assert loaded.volume.acquisition["kernel"] == "BONE"


def test_one_frame_is_too_few(small: Series, tmp_path: Path) -> None:
    with pytest.raises(TooFewSlicesError):
        load(enhanced_dataset(small.volume, [2]), tmp_path)


def test_a_series_may_lie_in_several_multiframe_files(small: Series, tmp_path: Path) -> None:
    for name, order in (("low.dcm", [0, 1, 2]), ("high.dcm", [5, 4, 3])):
        part = enhanced_dataset(small.volume, order)
        for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
            setattr(part, keyword, "1.2.3")
        save(part, tmp_path / name)
    loaded = load_series(tmp_path)
    np.testing.assert_array_equal(loaded.volume.hu, small.volume.hu)
    assert [one.frame_number for one in loaded.series.slices] == [1, 2, 3, 3, 2, 1]
