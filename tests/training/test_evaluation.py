"""Cases to measure a bundle on: true to their number, lesions where the lungs are clear and nowhere else."""

import numpy as np
import pytest

from lesionseg.core.errors import ConfigurationError
from lesionseg.training.evaluation import CaseSettings, ClearLungs, inserted_case, procedural_case

SMALL = CaseSettings(slice_spacing_mm=(8.0, 9.0), in_plane_mm=6.0)


@pytest.fixture(scope="module")
def procedural():
    return procedural_case(3, SMALL)


@pytest.fixture(scope="module")
def lungs():
    hu = np.full((12, 40, 48), 40, dtype=np.int16)
    lung = np.zeros(hu.shape, dtype=np.bool_)
    lung[1:11, 8:32, 4:20] = True
    hu[lung] = -850
    judged = np.zeros_like(lung)
    judged[:, :, :24] = True
    return ClearLungs("box", hu, lung, judged, (3.0, 3.0, 3.0))


def test_a_procedural_case_is_a_function_of_its_number_and_seed(procedural):
    again, other = procedural_case(3, SMALL), procedural_case(4, SMALL)
    assert np.array_equal(again.volume.hu, procedural.volume.hu)
    assert np.array_equal(again.truth.labels, procedural.truth.labels)
    assert other.volume.hu.shape != procedural.volume.hu.shape or not np.array_equal(
        other.volume.hu, procedural.volume.hu
    )
    assert not np.array_equal(procedural_case(3, SMALL, seed=1).volume.hu, procedural.volume.hu)


def test_a_procedural_case_has_a_load_within_its_range(procedural):
    share_pct = 100 * procedural.truth.lesion.sum() / procedural.truth.lung.sum()
    assert 0.4 <= share_pct <= 61
    assert 8.0 <= procedural.volume.geometry.spacing_mm[0] <= 9.0
    assert procedural.judged.all()


def test_lesions_are_inserted_into_the_clear_lungs_alone(lungs):
    case = inserted_case(
        lungs, 0, CaseSettings(slice_spacing_mm=(3.0, 3.0), zoom=(1.0, 1.0), noise_hu=(0.0, 0.0))
    )
    assert case.volume.hu.shape == lungs.hu.shape
    assert np.array_equal(case.truth.lung, lungs.lung)
    assert case.truth.lesion.any()
    assert np.array_equal(case.judged, lungs.judged)
    raised = case.volume.hu > lungs.hu + 30
    rim = np.zeros_like(lungs.lung)
    rim[1:11, 7:33, 3:21] = True
    assert raised[case.truth.lesion].mean() > 0.5
    assert not raised[~rim].any()


def test_an_inserted_case_is_a_function_of_its_number(lungs):
    first, again, other = (inserted_case(lungs, number) for number in (1, 1, 2))
    assert np.array_equal(first.volume.hu, again.volume.hu)
    assert first.volume.geometry == again.volume.geometry
    assert other.volume.geometry != first.volume.geometry


def test_thicker_slices_keep_the_extent_and_never_get_thinner(lungs):
    for number in range(6):
        case = inserted_case(lungs, number)
        slice_mm = case.volume.geometry.spacing_mm[0]
        assert 3.0 <= slice_mm <= 6.0
        assert case.volume.hu.shape[0] * slice_mm == pytest.approx(36.0)


def test_inserted_lesions_are_as_noisy_as_the_rest(lungs):
    rules = CaseSettings(noise_hu=(20.0, 20.0), zoom=(1.0, 1.0), slice_spacing_mm=(3.0, 3.0))
    quiet = CaseSettings(noise_hu=(0.0, 0.0), zoom=(1.0, 1.0), slice_spacing_mm=(3.0, 3.0))
    difference = inserted_case(lungs, 5, rules).volume.hu - inserted_case(lungs, 5, quiet).volume.hu
    lesion = inserted_case(lungs, 5, rules).truth.lesion
    assert difference[lesion].std() == pytest.approx(20.0, rel=0.25)


def test_a_scan_without_clear_lung_is_refused():
    empty = np.zeros((2, 4, 4), dtype=np.bool_)
    with pytest.raises(ConfigurationError, match="0 lung voxels"):
        ClearLungs("none", empty.astype(np.int16), empty, empty, (1.0, 1.0, 1.0))
