"""Bad and odd files: not DICOM, truncated, undecodable, misnamed, multi-frame."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from pydicom.encaps import encapsulate
from pydicom.uid import RLELossless

from lesionseg.core.errors import (
    DuplicatePositionError,
    EmptyInputError,
    InputError,
    MissingGeometryError,
    MissingSlicesError,
    NoCTSeriesError,
    PixelDataError,
    UnreadableFileError,
    UnsupportedTransferSyntaxError,
)
from tests.support.broken_series import VICTIM, VICTIM_MM, uid
from tests.support.compare import Truth
from tests.support.ct_series import Series, save, save_all
from tests.support.encode import encode
from tests.support.enhanced_series import enhanced_dataset
from tests.support.series_case import SeriesCase, truth_of

Truths = tuple[Truth, ...]


def emptied_end(base: Series, folder: Path) -> Truths:
    """Nothing but the empty file tells that the last slice is missing."""
    paths = save_all(base.datasets(), folder)
    paths[-1].write_bytes(b"")
    return (truth_of(base),)


def stub_end(base: Series, folder: Path) -> Truths:
    paths = save_all(base.datasets(), folder)
    paths[-1].write_bytes(paths[-1].read_bytes()[:100])
    return (truth_of(base),)


def empty_marker_files(base: Series, folder: Path) -> Truths:
    save_all(base.datasets(), folder)
    for name in ("done", ".keep", "VERSION", "index.html"):
        (folder / name).touch()
    return (truth_of(base),)


def _undecodable(base: Series, folder: Path, syntax: str) -> Truths:
    datasets = base.datasets()
    for dataset in datasets:
        dataset.PixelData = encapsulate([b"\x00\x00\x01\xb3" * 100])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = syntax
    folder.mkdir()
    for number, dataset in enumerate(datasets):
        dataset.save_as(folder / f"{number}.dcm", implicit_vr=False, little_endian=True)
    return ()


def empty_folder(base: Series, folder: Path) -> Truths:
    folder.mkdir()
    return ()


def no_ct(base: Series, folder: Path) -> Truths:
    for dataset, path in zip(base.datasets(), base.paths, strict=True):
        dataset.Modality = "MR"
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
        save(dataset, folder / path.name)
    return ()


def text_only(base: Series, folder: Path) -> Truths:
    folder.mkdir()
    for number in range(5):
        (folder / f"IM{number}.dcm").write_text("This is no image.\n" * 100)
    return ()


def truncated_file(base: Series, folder: Path) -> Truths:
    paths = save_all(base.datasets(), folder)
    paths[VICTIM].write_bytes(paths[VICTIM].read_bytes()[:6000])
    return (truth_of(base),)


def truncated_header(base: Series, folder: Path) -> Truths:
    paths = save_all(base.datasets(), folder)
    paths[VICTIM].write_bytes(paths[VICTIM].read_bytes()[:400])
    return (truth_of(base),)


def truncated_rle(base: Series, folder: Path) -> Truths:
    paths = save_all([encode(dataset, RLELossless) for dataset in base.datasets()], folder)
    content = paths[VICTIM].read_bytes()
    paths[VICTIM].write_bytes(content[: len(content) - 1500])
    return (truth_of(base),)


def no_pixel_data(base: Series, folder: Path) -> Truths:
    datasets = base.datasets()
    del datasets[VICTIM].PixelData
    save_all(datasets, folder)
    return (truth_of(base),)


def undecodable_codec(base: Series, folder: Path) -> Truths:
    return _undecodable(base, folder, "1.2.840.10008.1.2.4.102")


def private_codec(base: Series, folder: Path) -> Truths:
    return _undecodable(base, folder, "1.3.6.1.4.1.55555.1.2.3")


def copied_file(base: Series, folder: Path) -> Truths:
    paths = save_all(base.datasets(), folder)
    (folder / "copy of IM00021.dcm").write_bytes(paths[VICTIM].read_bytes())
    return (truth_of(base),)


def invalid_uids(base: Series, folder: Path) -> Truths:
    import pydicom

    with pydicom.config.disable_value_validation():
        datasets = base.datasets()
        for index, dataset in enumerate(datasets):
            dataset.SeriesInstanceUID = "6f2d7c0a-5b0e-4f57-9b6e-series"
            dataset.StudyInstanceUID = "6f2d7c0a-5b0e-4f57-9b6e-study"
            dataset.FrameOfReferenceUID = "6f2d7c0a-5b0e-4f57-9b6e-frame"
            dataset.SOPInstanceUID = f"6f2d7c0a-5b0e-4f57-9b6e-{index}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        save_all(datasets, folder)
    return (truth_of(base),)


def odd_neighbours(base: Series, folder: Path) -> Truths:
    """A folder named like a slice, dangling and circular links, a pipe, a hidden file, a DICOMDIR."""
    save_all(base.datasets(), folder)
    (folder / "folder.dcm").mkdir()
    (folder / "gone.dcm").symlink_to(folder / "nowhere.dcm")
    (folder / "round").symlink_to(folder, target_is_directory=True)
    os.mkfifo(folder / "pipe.dcm")
    (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (folder / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 64)
    return (truth_of(base),)


def enhanced(base: Series, folder: Path) -> Truths:
    save(enhanced_dataset(base.volume), folder / "enhanced.dcm")
    return (truth_of(base),)


def enhanced_shuffled(base: Series, folder: Path) -> Truths:
    order = np.random.default_rng(5).permutation(len(base.volume.hu)).tolist()
    save(enhanced_dataset(base.volume, order), folder / "enhanced.dcm")
    return (truth_of(base),)


def enhanced_in_two_files(base: Series, folder: Path) -> Truths:
    parts = [enhanced_dataset(base.volume, range(40)[part]) for part in (slice(0, 17), slice(17, 40))]
    for part in parts:
        part.SeriesInstanceUID, part.FrameOfReferenceUID = uid("parts"), uid("parts frame")
        part.StudyInstanceUID = uid("parts study")
    save_all(parts, folder)
    return (truth_of(base),)


def enhanced_missing_frame(base: Series, folder: Path) -> Truths:
    order = [index for index in range(len(base.volume.hu)) if index != VICTIM]
    save(enhanced_dataset(base.volume, order), folder / "enhanced.dcm")
    return (truth_of(base),)


def enhanced_truncated(base: Series, folder: Path) -> Truths:
    dataset = enhanced_dataset(base.volume)
    dataset.PixelData = dataset.PixelData[: 64 * 64 * 2 * 30]
    save(dataset, folder / "enhanced.dcm")
    return (truth_of(base),)


def enhanced_frame_count(base: Series, folder: Path) -> Truths:
    dataset = enhanced_dataset(base.volume)
    dataset.NumberOfFrames = 35
    save(dataset, folder / "enhanced.dcm")
    return (truth_of(base),)


AT_VICTIM = (VICTIM_MM,)
BAD_FILES_CASES: tuple[SeriesCase, ...] = (
    SeriesCase("empty folder", "no file", empty_folder, (EmptyInputError,)),
    SeriesCase("no CT", "modality MR", no_ct, (NoCTSeriesError,)),
    SeriesCase("text files only", "texts renamed .dcm", text_only, (NoCTSeriesError,)),
    SeriesCase(
        "truncated file",
        "slice 20 cut within the pixels",
        truncated_file,
        (UnreadableFileError, PixelDataError, MissingSlicesError),
    ),
    SeriesCase(
        "truncated header",
        "slice 20 cut within the header",
        truncated_header,
        (UnreadableFileError, PixelDataError, MissingSlicesError, MissingGeometryError),
    ),
    SeriesCase(
        "truncated RLE", "slice 20's RLE frame cut", truncated_rle, (UnreadableFileError, PixelDataError)
    ),
    SeriesCase(
        "no pixel data", "slice 20 without pixels", no_pixel_data, (PixelDataError, MissingSlicesError)
    ),
    SeriesCase("last file empty", "the last slice's file emptied", emptied_end, (UnreadableFileError,)),
    SeriesCase("last file a stub", "100 bytes of the last slice's file", stub_end, (UnreadableFileError,)),
    SeriesCase("empty marker files", "empty files of other names beside the slices", empty_marker_files),
    SeriesCase(
        "undecodable codec", "MPEG-4 in every slice", undecodable_codec, (UnsupportedTransferSyntaxError,)
    ),
    SeriesCase(
        "private codec", "a private transfer syntax", private_codec, (UnsupportedTransferSyntaxError,)
    ),
    SeriesCase(
        "copied file",
        "slice 20's very file twice",
        copied_file,
        (DuplicatePositionError,),
        AT_VICTIM,
        may_load=True,
    ),
    SeriesCase("invalid UIDs", "UUIDs with hyphens", invalid_uids),
    SeriesCase("odd neighbours", "pipe, links, DICOMDIR and a folder named .dcm", odd_neighbours),
    SeriesCase("enhanced", "one multi-frame file", enhanced),
    SeriesCase("enhanced, in two files", "frames 0 to 16 and 17 to 39", enhanced_in_two_files),
    SeriesCase("enhanced, frames shuffled", "frames in random order", enhanced_shuffled),
    SeriesCase(
        "enhanced, missing frame",
        "frame 20 left out",
        enhanced_missing_frame,
        (MissingSlicesError,),
        (25.0, 18.75, 31.25),
    ),
    SeriesCase("enhanced, truncated", "pixels of 30 of 40 frames", enhanced_truncated, (PixelDataError,)),
    SeriesCase(
        "enhanced, wrong frame count",
        "35 frames announced, 40 described",
        enhanced_frame_count,
        (InputError,),
    ),
)
