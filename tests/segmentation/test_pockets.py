import numpy as np

from lesionseg.core.labels import Label
from lesionseg.segmentation.pockets import fill_air_pockets

SHAPE = (12, 40, 40)
AIR_HU, TISSUE_HU = -850.0, 40.0


def scene():
    """A block of lung in soft tissue, as the network found it."""
    hu = np.full(SHAPE, TISSUE_HU, np.float32)
    hu[2:10, 5:25, 5:25] = AIR_HU
    logits = np.zeros((4, *SHAPE), np.float16)
    logits[Label.BACKGROUND] = 1.0
    logits[:, 2:10, 5:25, 5:25] = np.float16(0.0)
    logits[Label.LUNG, 2:10, 5:25, 5:25] = 2.0
    return hu, logits


def leave_out(logits, box):
    logits[Label.LUNG][box] = 0.0
    logits[Label.BACKGROUND][box] = 2.0


def labels_of(logits):
    return logits.argmax(axis=0)


NO_AIRWAYS = np.zeros(SHAPE, dtype=bool)


def test_pocket_inside_the_lung_becomes_lung_without_lesion():
    hu, logits = scene()
    expected = labels_of(logits)
    leave_out(logits, (slice(4, 7), slice(10, 16), slice(10, 16)))
    fill_air_pockets(logits, hu, NO_AIRWAYS)
    assert np.array_equal(labels_of(logits), expected)


def test_pocket_at_the_rim_is_added_when_most_of_it_touches_lung():
    hu, logits = scene()
    expected = labels_of(logits)
    leave_out(logits, (slice(4, 7), slice(10, 16), slice(5, 8)))
    fill_air_pockets(logits, hu, NO_AIRWAYS)
    assert np.array_equal(labels_of(logits), expected)


def test_bowel_gas_and_air_that_barely_touches_lung_stay_background():
    hu, logits = scene()
    hu[4:8, 30:36, 10:30] = AIR_HU
    hu[4:8, 12:18, 25:38] = AIR_HU
    expected = labels_of(logits)
    fill_air_pockets(logits, hu, NO_AIRWAYS)
    assert np.array_equal(labels_of(logits), expected)


def test_dense_gap_and_airway_are_not_filled():
    hu, logits = scene()
    vessel = (slice(4, 7), slice(8, 11), slice(8, 11))
    airway = (slice(4, 7), slice(18, 22), slice(18, 22))
    hu[vessel] = TISSUE_HU
    leave_out(logits, vessel)
    leave_out(logits, airway)
    airways = NO_AIRWAYS.copy()
    airways[airway] = True
    expected = labels_of(logits)
    fill_air_pockets(logits, hu, airways)
    assert np.array_equal(labels_of(logits), expected)


def test_volume_without_lung_is_left_alone():
    hu, logits = scene()
    logits[Label.LUNG] = -1.0
    before = logits.copy()
    fill_air_pockets(logits, hu, NO_AIRWAYS)
    assert np.array_equal(logits, before)
