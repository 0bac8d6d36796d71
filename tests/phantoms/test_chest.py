"""Chest phantoms: anatomy in place, repeatable, plausible Hounsfield units."""

import numpy as np
import pytest
import scipy.ndimage

from lesionseg.core.errors import ConfigurationError
from lesionseg.phantoms import ChestSettings, HabitusRanges, chest_phantom

SETTINGS = ChestSettings(shape=(60, 112, 112), spacing_mm=(5.0, 3.4, 3.4))


def build(seed: int, settings: ChestSettings = SETTINGS):
    return chest_phantom(settings, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def patients():
    return [build(seed) for seed in range(6)]


@pytest.fixture(scope="module")
def chest(patients):
    return patients[5]


@pytest.mark.parametrize("number", range(6))
def test_lungs_of_many_patients_are_two_and_of_human_size(patients, number):
    phantom = patients[number]
    assert 1500 < phantom.truth.lung_ml < 8500
    parts, count = scipy.ndimage.label(phantom.labels.lung)
    sizes = np.sort(np.bincount(parts.ravel())[1:])[::-1]
    assert count >= 2
    assert sizes[:2].sum() > 0.99 * sizes.sum()
    assert sizes[1] > 0.5 * sizes[0]


def test_the_right_lung_is_the_larger_one_on_average_and_lies_at_low_x(patients):
    truths = [patient.truth for patient in patients]
    assert sum(t.right_lung_ml for t in truths) > 1.02 * sum(t.left_lung_ml for t in truths)


def test_the_heart_lies_to_the_left_and_the_liver_to_the_right(chest):
    lung, x = chest.labels.lung, chest.grid.x.ravel()
    heart_level = np.searchsorted(chest.grid.z.ravel(), 0.15 * chest.habitus.dome_to_apex_mm)
    columns = lung[heart_level].any(axis=0)
    row = lung[heart_level].shape[0] // 2 - 6
    gap = x[~lung[heart_level, row] & columns]
    assert gap.mean() > 5
    below = np.searchsorted(chest.grid.z.ravel(), -35.0)
    hu = chest.volume.hu[below].astype(float)
    middle = slice(row - 6, row + 6)
    assert np.median(hu[middle][:, (x < -40) & (x > -80)]) > 30


def test_slices_run_from_foot_to_head_and_the_back_is_at_high_y(chest):
    area = chest.labels.lung.sum(axis=(1, 2))
    occupied = np.flatnonzero(area)
    bone = chest.volume.hu > 350
    rows = np.broadcast_to(chest.grid.y, bone.shape)
    midline = np.broadcast_to(np.abs(chest.grid.x) < 20, bone.shape)
    assert rows[bone & midline].mean() > 20  # the spine
    assert not chest.volume.geometry.affine[2, 0] < 0
    apex = chest.labels.lung[occupied[-2]]
    assert apex.sum() < 0.3 * area.max()


def test_hounsfield_units_of_the_tissues_are_plausible(chest):
    hu = chest.volume.hu
    inner = scipy.ndimage.binary_erosion(chest.labels.lung, iterations=2)
    assert -920 < np.median(hu[inner]) < -790
    assert np.median(hu[:, :6, :6]) == pytest.approx(-1000, abs=15)
    assert hu.max() > 400
    assert np.median(hu[scipy.ndimage.binary_erosion(chest.airways)]) < -850
    assert np.median(hu[chest.vessels]) > np.median(hu[inner]) + 250


def test_trachea_is_no_lung_and_vessels_inside_are(chest):
    upper = chest.grid.z.ravel() > 0.75 * chest.habitus.dome_to_apex_mm
    trachea = chest.airways[upper]
    assert trachea.sum() > 10
    assert not (trachea & chest.labels.lung[upper]).any()
    assert (chest.vessels & ~chest.labels.lung).sum() == 0


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_patient(patients):
    first, again, other = patients[3], build(3), patients[4]
    assert first.volume.hu.tobytes() == again.volume.hu.tobytes()
    assert first.labels.labels.tobytes() == again.labels.labels.tobytes()
    assert first.labels.labels.tobytes() != other.labels.labels.tobytes()


def test_visits_of_one_patient_share_the_body_but_not_the_noise():
    visits = [
        chest_phantom(SETTINGS, np.random.default_rng(3), np.random.default_rng(day)) for day in (0, 28)
    ]
    assert np.array_equal(visits[0].labels.labels, visits[1].labels.labels)
    assert not np.array_equal(visits[0].volume.hu, visits[1].volume.hu)


def test_the_patient_stays_the_same_on_another_grid():
    fine = build(7, ChestSettings(shape=(120, 112, 112), spacing_mm=(2.5, 3.4, 3.4)))
    assert fine.truth.lung_ml == pytest.approx(build(7).truth.lung_ml, rel=0.02)


def test_thick_slices_are_averages_of_thin_ones():
    thick = build(7, ChestSettings(shape=(38, 112, 112), spacing_mm=(8.0, 3.4, 3.4)))
    assert thick.volume.geometry.spacing_mm == pytest.approx((8.0, 3.4, 3.4))
    assert thick.truth.lung_ml == pytest.approx(build(7).truth.lung_ml, rel=0.03)


def test_corners_outside_the_reconstruction_circle_are_padded():
    settings = ChestSettings(shape=(20, 112, 112), spacing_mm=(5.0, 3.4, 3.4), has_circular_field=True)
    hu = build(1, settings).volume.hu
    assert (hu[:, 0, 0] == -1024).all()
    assert hu[:, 56, 56].max() > -1024


def test_flags_of_the_habitus_show():
    certain = HabitusRanges(contrast_probability=1.0, contrast_hu=(250.0, 250.0), emphysema_probability=1.0)
    plain = HabitusRanges(contrast_probability=0.0, emphysema_probability=0.0)
    bright, dull = (
        build(2, ChestSettings(shape=(60, 112, 112), spacing_mm=(5.0, 3.4, 3.4), habitus=r))
        for r in (certain, plain)
    )
    assert bright.habitus.has_emphysema
    assert not dull.habitus.has_emphysema
    assert bright.volume.hu[bright.vessels].mean() > dull.volume.hu[dull.vessels].mean() + 60


@pytest.mark.parametrize("wrong", [{"shape": (1, 64, 64)}, {"spacing_mm": (5.0, 0.0, 1.0)}])
def test_a_grid_without_extent_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="at least two voxels"):
        ChestSettings(**wrong)
