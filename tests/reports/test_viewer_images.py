"""The scan as a page carries it: small enough, in the right place, the right way round."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.labels import DEFAULT_SCHEME
from lesionseg.reports.case.viewer import start_place
from lesionseg.reports.case.viewer_images import (
    HIGHEST_HU,
    LOWEST_HU,
    MOST_PIXELS,
    MOST_SLICES,
    OUTLINE,
    STEP_HU,
    block_size,
    outlined,
    viewer_images,
)
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, read_label_map, read_volume_file
from tests.reports.given_case import asymmetric_chest

DRAWN_SCHEME = replace(DEFAULT_SCHEME, names=(*DEFAULT_SCHEME.names, "outline"))


def grid(shape: tuple[int, int, int]) -> VolumeGeometry:
    return VolumeGeometry.from_axes(shape, (1.0, 0.7, 0.7), (10.0, 20.0, 30.0))


def tall_scan() -> tuple[CTVolume, LabelMap]:
    """More slices and rows than a page carries; lung everywhere, so that nothing is cropped away."""
    shape = (2 * MOST_SLICES + 1, MOST_PIXELS + 2, 12)
    hu = np.random.default_rng(0).normal(-700, 200, shape).astype(np.int16)
    return CTVolume(hu, grid(shape)), LabelMap(np.ones(shape, np.uint8), grid(shape))


def test_no_scan_is_larger_than_a_page_can_carry() -> None:
    assert block_size((160, 256, 256)) == (1, 1, 1)
    assert block_size((161, 256, 257)) == (2, 2, 2)
    for shape in ((1000, 512, 512), (400, 1024, 100), (161, 257, 513)):
        thick, rows, columns = block_size(shape)
        assert -(-shape[0] // thick) <= MOST_SLICES
        assert max(-(-shape[1] // rows), -(-shape[2] // columns)) <= MOST_PIXELS
        assert rows == columns  # square pixels stay square


def test_blocks_are_averaged_and_lie_where_their_voxels_lay(tmp_path: Path) -> None:
    volume, label_map = tall_scan()
    images = viewer_images(volume, label_map)
    (tmp_path / "ct.nii.gz").write_bytes(images.ct_nifti())
    (tmp_path / "map.nii.gz").write_bytes(images.label_nifti())
    ct, labels = (
        read_volume_file(tmp_path / "ct.nii.gz"),
        read_label_map(tmp_path / "map.nii.gz", scheme=DRAWN_SCHEME),
    )
    assert ct.geometry.matches(labels.geometry)
    assert ct.geometry.spacing_mm == pytest.approx((3.0, 1.4, 1.4))
    place = (7, 30, 3)
    block = tuple(
        slice(size * index, size * (index + 1)) for size, index in zip((3, 2, 2), place, strict=True)
    )
    assert ct.hu[place] == pytest.approx(volume.hu[block].mean(), abs=STEP_HU / 2 + 0.01)
    centre = volume.geometry.index_to_lps([(part.start + part.stop - 1) / 2 for part in block])
    assert ct.geometry.index_to_lps(place) == pytest.approx(centre, abs=1e-4)


def test_lesion_keeps_its_place_in_the_patient() -> None:
    volume, label_map = asymmetric_chest((24, 48, 300))
    images = viewer_images(volume, label_map)
    whole, small = (
        geometry.index_to_lps(np.argwhere(labels >= 2)[:, :]).mean(axis=0)
        for geometry, labels in (
            (label_map.geometry, label_map.labels),
            (images.geometry, np.where(images.labels == OUTLINE, 1, images.labels)),
        )
    )
    assert small == pytest.approx(whole, abs=3.5)  # half a voxel of the page
    assert whole[0] < -30  # LPS: the patient's right


def test_storage_order_of_rows_does_not_matter() -> None:
    front = viewer_images(*asymmetric_chest())
    back = viewer_images(*asymmetric_chest(front_at_row_0=False))
    assert front.ct_nifti() == back.ct_nifti()
    assert front.label_nifti() == back.label_nifti()


def test_values_beyond_the_range_are_held_at_its_ends() -> None:
    hu = np.full((3, 4, 4), -3000, np.int16)
    hu[1], hu[2] = 3000, -600
    images = viewer_images(
        CTVolume(hu, grid(hu.shape)), LabelMap(np.ones(hu.shape, np.uint8), grid(hu.shape))
    )
    shown = images.ct.astype(int) * STEP_HU + LOWEST_HU
    assert shown[:, 0, 0].tolist() == [LOWEST_HU, HIGHEST_HU, pytest.approx(-600, abs=STEP_HU)]


def test_map_without_labels_leaves_the_whole_scan() -> None:
    volume, label_map = asymmetric_chest()
    empty = LabelMap(np.zeros_like(label_map.labels), label_map.geometry)
    images = viewer_images(volume, empty)
    assert images.geometry.shape == volume.geometry.shape
    assert not images.labels.any()


def test_lung_is_an_outline_within_each_slice_and_lesions_stay_whole() -> None:
    labels = np.zeros((1, 7, 7), np.uint8)
    labels[0, 1:6, 1:6] = 1
    labels[0, 2:4, 1:4] = 2
    drawn = outlined(labels)[0]
    assert drawn.tolist() == [
        [0, 0, 0, 0, 0, 0, 0],
        [0, 4, 4, 4, 4, 4, 0],
        [0, 2, 2, 2, 1, 4, 0],
        [0, 2, 2, 2, 1, 4, 0],
        [0, 4, 1, 1, 1, 4, 0],
        [0, 4, 4, 4, 4, 4, 0],
        [0, 0, 0, 0, 0, 0, 0],
    ]
    assert labels.max() == 2  # the caller's array is as it was


def test_viewer_opens_in_the_slice_with_most_lesion_on_a_voxel_of_it() -> None:
    labels = np.ones((5, 10, 10), np.uint8)
    labels[3, 2:5, 7:9] = 2
    labels[4, 2, 7] = 3
    right, front, head = start_place(labels, DEFAULT_SCHEME)
    row, column = 10 * (1 - front) - 0.5, 10 * (1 - right) - 0.5
    assert 5 * head - 0.5 == pytest.approx(3)
    assert labels[3, round(row), round(column)] == 2
    assert start_place(np.zeros((2, 2, 2), np.uint8), DEFAULT_SCHEME) == (0.5, 0.5, 0.5)
