"""Levels of the anatomy: the same fraction of the lungs' height, whatever the grid or the breath."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.image import imread

from lesionseg.reports.patient.levels import common_field_mm, draw_panels, fraction_of, slice_at, stack_of
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry


def scan(
    slices: int, lung: slice, *, slice_mm: float = 4.0, z_mm: float = 0.0, turned: bool = False
) -> tuple[CTVolume, LabelMap]:
    """A block of lung between two levels of a tall body; a lesion in its uppermost quarter, at the right."""
    labels = np.zeros((slices, 40, 40), np.uint8)
    labels[lung, 10:30, 5:35] = 1
    height = lung.stop - lung.start
    labels[lung.stop - height // 4 : lung.stop, 12:20, 6:14] = 2
    hu = np.where(labels == 0, 40, np.where(labels == 1, -860, -450)).astype(np.int16)
    affine = VolumeGeometry.from_axes(labels.shape, (slice_mm, 5.0, 5.0), (0.0, 0.0, z_mm)).affine.copy()
    if turned:
        hu, labels = hu[::-1].copy(), labels[::-1].copy()
        affine[:3, 3] += (slices - 1) * affine[:3, 0]
        affine[:3, 0] *= -1
    geometry = VolumeGeometry(labels.shape, affine)
    return CTVolume(hu, geometry), LabelMap(labels, geometry)


def test_apex_is_0_and_base_is_1() -> None:
    stack = stack_of(scan(50, slice(10, 40))[1])
    assert stack is not None
    assert fraction_of(stack.height.highest_mm, stack.height) == 0
    assert fraction_of(stack.height.lowest_mm, stack.height) == 1
    assert slice_at(stack, 0.0) == pytest.approx(39, abs=1)
    assert slice_at(stack, 1.0) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.8])
def test_same_fraction_is_the_same_anatomy_on_other_slices_and_in_another_breath(fraction: float) -> None:
    deep, shallow = scan(60, slice(10, 50))[1], scan(40, slice(8, 24), slice_mm=8.0, z_mm=-500.0)[1]
    stacks = [stack_of(deep), stack_of(shallow)]
    for stack, label_map in zip(stacks, (deep, shallow), strict=True):
        assert stack is not None
        found = label_map.labels[slice_at(stack, fraction)]
        assert (found == 2).any() == (fraction < 0.25)
        assert (found > 0).any()


def test_storage_order_of_slices_does_not_matter() -> None:
    up, down = scan(50, slice(10, 40)), scan(50, slice(10, 40), turned=True)
    stacks = stack_of(up[1]), stack_of(down[1])
    assert stacks[0] == stacks[1]
    assert stacks[0] is not None
    first, second = (draw_panels(*each, stacks[0], [0.1, 0.6], (300.0, 300.0)) for each in (up, down))
    assert first == second


def test_levels_are_those_where_the_scan_tells_most_from_apex_to_base() -> None:
    stack = stack_of(scan(50, slice(10, 40))[1])
    assert stack is not None
    assert list(stack.telling) == sorted(stack.telling)
    assert all(0 <= fraction <= 1 for fraction in stack.telling)
    assert stack.telling[0] < 0.25


def test_panels_of_all_scans_have_one_scale_and_the_right_at_the_left() -> None:
    near, far = scan(50, slice(10, 40)), scan(30, slice(5, 20), slice_mm=8.0)
    stacks = [stack for stack in (stack_of(near[1]), stack_of(far[1])) if stack is not None]
    field = common_field_mm(stacks)
    sizes = set()
    for each, stack in zip((near, far), stacks, strict=True):
        (panel,) = draw_panels(*each, stack, [0.1], field)
        plain, labelled = (_pixels(png) for png in (panel.plain, panel.labelled))
        sizes.add(plain.shape)
        yellow = (labelled[..., :2].min(axis=2) - labelled[..., 2]) - (
            plain[..., :2].min(axis=2) - plain[..., 2]
        )
        rows, columns = np.nonzero(yellow > 0.1)
        assert columns.mean() < 0.45 * plain.shape[1]
        assert rows.mean() < 0.5 * plain.shape[0]
    assert len(sizes) == 1


def test_field_larger_than_the_image_is_filled_with_air() -> None:
    volume, label_map = scan(20, slice(5, 15))
    stack = stack_of(label_map)
    assert stack is not None
    (panel,) = draw_panels(volume, label_map, stack, [0.5], (600.0, 600.0))
    pixels = _pixels(panel.plain)
    assert pixels[5, 5].max() < 0.25
    assert pixels[pixels.shape[0] // 2, pixels.shape[1] // 2].max() > 0.25


def test_scan_without_lung_has_no_levels() -> None:
    volume, _ = scan(20, slice(5, 15))
    assert stack_of(LabelMap(np.zeros(volume.hu.shape, np.uint8), volume.geometry)) is None


def _pixels(png: bytes) -> np.ndarray:
    return np.asarray(imread(io.BytesIO(png))[:, :, :3], np.float64)
