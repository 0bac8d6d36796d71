"""Damaged, oversized and hostile files end in one kind of error, before they can take the machine down."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

from lesionseg.core.errors import (
    InputError,
    InputNotFoundError,
    LesionSegError,
    MaskMismatchError,
    UnreadableFileError,
)
from lesionseg.readings.masks import Misfit, dicom_file, read_mask
from lesionseg.volume import LabelMap, VolumeGeometry, write_label_map
from lesionseg.volume.nifti import nifti_header_bytes
from tests.readings.masks.builders import Roi, Scan, highdicom_seg, outline, rtstruct, slicer_nrrd
from tests.readings.masks.test_misfits import NAMED

MEBIBYTE = 1 << 20


def test_no_file(axial: Scan, tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        read_mask(tmp_path / "absent.nii.gz", axial.reference)
    with pytest.raises(UnreadableFileError, match="not a file"):
        read_mask(tmp_path, axial.reference)


@pytest.mark.parametrize("name", ["mask.txt", "mask.pkl", "mask.npy", "mask.dcm"])
def test_other_kinds_of_files(axial: Scan, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04 something else" * 20)
    with pytest.raises(UnreadableFileError, match="this is no mask"):
        read_mask(tmp_path / name, axial.reference)


def test_ct_slice_is_no_mask(axial: Scan) -> None:
    with pytest.raises(UnreadableFileError, match=r"DICOM object is no mask.*found CT"):
        read_mask(next(axial.folder.iterdir()), axial.reference)


def test_scan_itself_is_no_label_map(axial: Scan, tmp_path: Path) -> None:
    from lesionseg.volume import write_volume

    write_volume(axial.volume, tmp_path / "scan.nii.gz")
    with pytest.raises(UnreadableFileError, match="not a label map"):
        read_mask(tmp_path / "scan.nii.gz", axial.reference)


def files(scan: Scan, folder: Path) -> list[Path]:
    """One good file of each format."""
    labels, geometry = scan.labels.labels, scan.reference.geometry
    write_label_map(scan.labels, folder / "mask.nii.gz")
    write_label_map(scan.labels, folder / "mask.mha")
    slicer_nrrd(folder / "mask.seg.nrrd", labels[None], geometry, NAMED)
    highdicom_seg(folder / "binary.dcm", scan.headers(), labels)
    highdicom_seg(
        folder / "map.dcm", scan.headers(), labels, kind="LABELMAP", transfer_syntax_uid=RLELossless
    )
    rtstruct(folder / "rt.dcm", scan, [Roi("lung", outline(labels > 0, geometry))])
    return sorted(folder.iterdir())


def test_good_files_are_read(axial: Scan, tmp_path: Path) -> None:
    for path in files(axial, tmp_path):
        assert read_mask(path, axial.reference).label_map.lung.any()


@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, about the damage
def test_cut_and_flipped_bytes_give_our_errors_or_the_same_grid(axial: Scan, tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    for path in files(axial, tmp_path):
        good = path.read_bytes()
        for trial in range(12):
            damaged = bytearray(good)
            if trial % 3 == 0:
                del damaged[random.integers(len(good)) :]
            else:
                for place in random.integers(0, min(len(good), 4000), 1 + trial):
                    damaged[place] = random.integers(256)
            victim = tmp_path / f"damaged-{path.name}"
            victim.write_bytes(bytes(damaged))
            try:
                mask = read_mask(victim, axial.reference)
            except LesionSegError:
                continue
            assert mask.label_map.geometry == axial.reference.geometry


def test_header_of_a_huge_volume_is_refused_before_anything_is_allocated(axial: Scan, tmp_path: Path) -> None:
    huge = VolumeGeometry.from_axes((4000, 3000, 3000), (1.0, 1.0, 1.0))
    path = tmp_path / "huge.nii.gz"
    with gzip.open(path, "wb") as stream:
        stream.write(nifti_header_bytes(huge, np.uint8))
        stream.write(bytes(MEBIBYTE))
    tracemalloc.start()
    with pytest.raises(MaskMismatchError, match="far larger than the scan") as caught:
        read_mask(path, axial.reference)
    assert tracemalloc.get_traced_memory()[1] < 20 * MEBIBYTE
    tracemalloc.stop()
    assert caught.value.reason == Misfit.SIZE


def nrrd_of(path: Path, sizes: str, unpacked: bytes) -> Path:
    header = (
        f"NRRD0004\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: {sizes}\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nkinds: domain domain domain\nencoding: gzip\n"
        "space origin: (0,0,0)\nSegment0_Name:=lung\n\n"
    )
    path.write_bytes(header.encode() + gzip.compress(unpacked))
    return path


@pytest.mark.parametrize("suffix", [".nrrd", ".seg.nrrd"])
def test_more_compressed_than_the_header_says(axial: Scan, tmp_path: Path, suffix: str) -> None:
    path = nrrd_of(tmp_path / f"bomb{suffix}", "4 4 4", bytes(64 * MEBIBYTE))
    tracemalloc.start()
    with pytest.raises(UnreadableFileError, match="more than the"):
        read_mask(path, axial.reference)
    assert tracemalloc.get_traced_memory()[1] < 20 * MEBIBYTE
    tracemalloc.stop()


def test_long_gzip_tail_of_a_nifti(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "bomb.nii.gz"
    header = nifti_header_bytes(axial.reference.geometry, np.uint8)
    path.write_bytes(gzip.compress(header + axial.labels.labels.tobytes() + bytes(64 * MEBIBYTE)))
    with pytest.raises(UnreadableFileError, match="more is compressed"):
        read_mask(path, axial.reference)


def test_deflated_dicom_is_unpacked_to_a_limit(
    axial: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "seg.dcm"
    dataset = highdicom_seg(path, axial.headers(), axial.labels.labels)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    np.testing.assert_array_equal(read_mask(path, axial.reference).label_map.labels, axial.labels.labels)
    monkeypatch.setattr(dicom_file, "MAXIMUM_INFLATED_BYTES", 2000)
    with pytest.raises(UnreadableFileError, match="unpacks to more"):
        read_mask(path, axial.reference)


def test_seg_that_claims_more_frames_than_it_holds(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    dataset = highdicom_seg(path, axial.headers(), axial.labels.labels)
    dataset.NumberOfFrames = 2_000_000_000
    dataset.save_as(path)
    with pytest.raises(MaskMismatchError, match="2000000000 items"):
        read_mask(path, axial.reference)


def test_seg_whose_pixels_end_early(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    dataset = highdicom_seg(path, axial.headers(), axial.labels.labels)
    dataset.PixelData = dataset.PixelData[:-10]
    dataset.save_as(path)
    with pytest.raises(InputError, match="ends early"):
        read_mask(path, axial.reference)


def test_seg_that_draws_an_undeclared_segment(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    dataset = highdicom_seg(path, axial.headers(), axial.labels.labels, kind="LABELMAP")
    dataset.PixelData = bytes(dataset.PixelData).replace(b"\x03", b"\x09")
    dataset.save_as(path)
    with pytest.raises(MaskMismatchError, match=r"does not declare.*found 9"):
        read_mask(path, axial.reference)


def test_file_that_changes_while_it_is_read(
    axial: Scan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lesionseg.readings.masks import read

    path = tmp_path / "mask.nii.gz"
    write_label_map(axial.labels, path)
    original = read.read_label_file

    def read_and_change(*arguments: object) -> object:
        drawing = original(*arguments)
        write_label_map(LabelMap(np.minimum(axial.labels.labels, 2), axial.reference.geometry), path)
        return drawing

    monkeypatch.setattr(read, "read_label_file", read_and_change)
    with pytest.raises(UnreadableFileError, match="changed while it was read"):
        read_mask(path, axial.reference)


def test_checksum_of_a_compressed_mask_is_checked(axial: Scan, tmp_path: Path) -> None:
    path = slicer_nrrd(tmp_path / "m.seg.nrrd", axial.labels.labels[None], axial.reference.geometry, NAMED)
    packed = bytearray(path.read_bytes())
    packed[-6] ^= 0xFF  # of the CRC
    path.write_bytes(bytes(packed))
    with pytest.raises(UnreadableFileError, match="damaged"):
        read_mask(path, axial.reference)


def test_bits_are_those_that_pydicom_sees(axial: Scan, tmp_path: Path) -> None:
    """Frames of 22 x 27 pixels do not end at a byte: the reader's bits are checked against pydicom's."""
    path = tmp_path / "seg.dcm"
    highdicom_seg(path, axial.headers(), axial.labels.labels)
    frames = dcmread(path).pixel_array
    assert (frames[0].size % 8) != 0
    assert int(frames.sum()) == sum(segment.voxels for segment in read_mask(path, axial.reference).segments)
