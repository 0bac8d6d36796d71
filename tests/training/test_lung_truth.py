import numpy as np
import pytest

from lesionseg.phantoms import ChestPhantom, ChestSettings, chest_phantom
from lesionseg.training.chests.lung_truth import close_mask, lung_truth

SPACING_MM = (5.0, 2.0, 2.0)


@pytest.fixture(scope="module")
def chest() -> ChestPhantom:
    settings = ChestSettings(shape=(60, 160, 200), spacing_mm=SPACING_MM)
    return chest_phantom(settings, np.random.default_rng(3))


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def test_lungs_of_a_clear_chest_are_found(chest):
    lungs, _ = lung_truth(chest.volume.hu, SPACING_MM)
    assert dice(lungs, chest.labels.lung) > 0.95


def test_airway_is_traced_and_left_out_of_the_lungs(chest):
    lungs, airways = lung_truth(chest.volume.hu, SPACING_MM)
    assert airways.any()
    assert not (lungs & airways).any()
    assert (airways & chest.labels.lung).sum() < 0.2 * airways.sum()


def test_volume_without_air_has_no_lungs():
    lungs, airways = lung_truth(np.full((8, 40, 40), 40, np.int16), SPACING_MM)
    assert not lungs.any()
    assert not airways.any()


def test_closing_fills_a_narrow_gap_and_keeps_a_wide_one():
    mask = np.zeros((9, 40, 60), dtype=bool)
    mask[:, 5:35, 5:55] = True
    mask[:, 5:35, 20] = False  # 2 mm wide
    mask[:, 5:35, 35:45] = False  # 20 mm wide
    closed = close_mask(mask, 4.0, (2.0, 2.0, 2.0))
    assert closed[4, 20, 20]
    assert not closed[4, 20, 40]
    assert (closed & mask).sum() == mask.sum()
