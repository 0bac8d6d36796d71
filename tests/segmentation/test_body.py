from __future__ import annotations

import numpy as np
import pytest

from lesionseg.phantoms import ChestPhantom
from lesionseg.segmentation import Box
from lesionseg.segmentation.body import lung_search_box
from tests.segmentation.builders import SimpleChest, simple_chest

FIELD_MM = 60


def holds(box: Box, mask: np.ndarray) -> bool:
    return bool(mask[box.slices].sum() == mask.sum())


@pytest.fixture(scope="module")
def wide_chest() -> SimpleChest:
    """A chest in a wide field of air, with a belly of soft tissue below."""
    chest = simple_chest((3.0, 3.0, 3.0))
    width = [(0, 0), (FIELD_MM // 3,) * 2, (FIELD_MM // 3,) * 2]
    belly = np.repeat(chest.hu[:1], 60, axis=0)
    hu = np.concatenate([belly, chest.hu])
    lung = np.concatenate([np.zeros(belly.shape, bool), chest.lung])
    return SimpleChest(
        np.pad(hu, width, constant_values=-1000),
        np.pad(lung, width),
        np.zeros((1, 1, 1), bool),
        (3.0, 3.0, 3.0),
    )


def test_box_holds_the_lungs_and_leaves_air_and_belly_out(wide_chest: SimpleChest) -> None:
    box = lung_search_box(wide_chest.hu, wide_chest.spacing_mm)
    assert holds(box, wide_chest.lung)
    assert np.prod(box.shape) < 0.5 * wide_chest.hu.size


def test_consolidated_lung_is_not_cut_off(wide_chest: SimpleChest) -> None:
    hu = wide_chest.hu.copy()
    columns = np.arange(hu.shape[2]) > hu.shape[2] / 2
    hu[wide_chest.lung & columns] = 20.0
    base = wide_chest.lung & (np.arange(hu.shape[0]) < 60 + 30)[:, None, None]
    hu[base] = 20.0  # and the bases of both
    assert holds(lung_search_box(hu, wide_chest.spacing_mm), wide_chest.lung)


def test_lung_cut_open_by_the_edge_of_the_image_is_kept(wide_chest: SimpleChest) -> None:
    cut = wide_chest.lung.any(axis=(0, 1)).nonzero()[0][0] + 8
    lung = wide_chest.lung[:, :, cut:]
    assert holds(lung_search_box(wide_chest.hu[:, :, cut:], wide_chest.spacing_mm), lung)


def test_procedural_chest_lies_inside(chest: ChestPhantom) -> None:
    box = lung_search_box(chest.volume.hu.astype(np.float32), chest.volume.geometry.spacing_mm)
    assert holds(box, chest.labels.lung)


@pytest.mark.parametrize("hu", [-1000.0, 40.0], ids=["air", "soft tissue"])
@pytest.mark.parametrize("shape", [(40, 60, 60), (1, 1, 1), (2, 300, 3)])
def test_whole_volume_is_searched_where_no_chest_is_seen(shape: tuple[int, int, int], hu: float) -> None:
    volume = np.full(shape, hu, np.float32)
    assert lung_search_box(volume, (5.0, 5.0, 5.0)) == Box.whole(shape)
