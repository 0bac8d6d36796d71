"""Lesions in phantom chests: requested proportions met, nested, shrinking with treatment."""

import numpy as np
import pytest

from lesionseg.core.errors import ConfigurationError
from lesionseg.phantoms import ChestSettings, add_lesions, chest_phantom

SETTINGS = ChestSettings(shape=(60, 112, 112), spacing_mm=(5.0, 3.4, 3.4))


@pytest.fixture(scope="module")
def chest():
    return chest_phantom(SETTINGS, np.random.default_rng(11))


def diseased(chest, proportion_pct, solid_fraction=0.3, seed=1):
    return add_lesions(chest, proportion_pct, solid_fraction, np.random.default_rng(seed))


@pytest.mark.parametrize("proportion_pct", [0.5, 3.0, 15.0, 60.0, 95.0])
@pytest.mark.parametrize("solid_fraction", [0.0, 0.25, 1.0])
def test_requested_proportions_are_met(chest, proportion_pct, solid_fraction):
    truth = diseased(chest, proportion_pct, solid_fraction).truth
    assert truth.lesion_proportion_pct == pytest.approx(proportion_pct, rel=0.005)
    assert truth.solid_ml == pytest.approx(solid_fraction * truth.lesion_ml, rel=0.01, abs=0.1)
    assert truth.lung_ml == pytest.approx(chest.truth.lung_ml)


def test_no_lesion_leaves_the_chest_as_it_was(chest):
    clear = diseased(chest, 0.0)
    assert np.array_equal(clear.volume.hu, chest.volume.hu)
    assert np.array_equal(clear.labels.labels, chest.labels.labels)


def test_a_smaller_proportion_is_the_same_disease_shrunk(chest):
    baseline, day_28 = diseased(chest, 20.0), diseased(chest, 8.0)
    assert not (day_28.labels.lesion & ~baseline.labels.lesion).any()
    assert day_28.truth.lesion_ml == pytest.approx(0.4 * baseline.truth.lesion_ml, rel=0.01)


def test_regions_are_nested(chest):
    labels = diseased(chest, 15.0).labels
    assert not (labels.solid & ~labels.lesion).any()
    assert not (labels.lesion & ~labels.lung).any()
    assert np.array_equal(labels.lung, chest.labels.lung)


def test_lesion_tissue_is_denser_than_lung_and_solid_denser_than_ground_glass(chest):
    made = diseased(chest, 15.0)
    hu, labels = made.volume.hu, made.labels.labels
    healthy, glass, solid = (np.median(hu[labels == label]) for label in (1, 2, 3))
    assert healthy < -780
    assert -720 < glass < -380
    assert -330 < solid < 80


def test_vessels_stay_visible_in_ground_glass(chest):
    made = diseased(chest, 30.0, 0.0)
    hu, glass = made.volume.hu, made.labels.lesion
    assert hu[glass & chest.vessels].mean() > hu[glass & ~chest.vessels].mean() + 100


def test_lesions_prefer_the_pleura_and_the_bases(chest):
    depth, height = chest.pleural_depth_mm, np.broadcast_to(chest.grid.z, chest.grid.shape)
    lung = chest.labels.lung
    lesions = [diseased(chest, 8.0, seed=seed).labels.lesion for seed in range(6)]
    assert np.mean([depth[lesion].mean() for lesion in lesions]) < depth[lung].mean()
    assert np.mean([height[lesion].mean() for lesion in lesions]) < height[lung].mean()


def test_the_same_seed_gives_the_same_lesions(chest):
    assert diseased(chest, 9.0).volume.hu.tobytes() == diseased(chest, 9.0).volume.hu.tobytes()
    assert (
        diseased(chest, 9.0).labels.labels.tobytes() != diseased(chest, 9.0, seed=2).labels.labels.tobytes()
    )


@pytest.mark.parametrize(("proportion_pct", "solid_fraction"), [(-1.0, 0.2), (96.0, 0.2), (5.0, 1.5)])
def test_proportions_out_of_range_are_refused(chest, proportion_pct, solid_fraction):
    with pytest.raises(ConfigurationError, match="out of range"):
        diseased(chest, proportion_pct, solid_fraction)
