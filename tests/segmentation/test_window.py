from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lesionseg.core.errors import SegmentationError
from lesionseg.segmentation import WindowSpec
from lesionseg.segmentation.window import plan_windows, sliding_logits

SPEC = WindowSpec(shape=(8, 32, 32), divisor=(1, 8, 8), overlap=0.25)
LENGTH = st.integers(1, 90)


def ramp_logits(window: np.ndarray) -> np.ndarray:
    return np.stack([window, -window, 2 * window, window * 0])


def run(intensity: np.ndarray, spec: WindowSpec = SPEC, **options: object) -> np.ndarray:
    return sliding_logits(intensity, spec, ramp_logits, labels=4, padding=-1.0, **options)  # type: ignore[arg-type]


@given(shape=st.tuples(LENGTH, LENGTH, LENGTH), overlap=st.sampled_from([0.0, 0.25, 0.5, 0.75]))
def test_windows_cover_every_voxel_and_overlap_enough(shape: tuple[int, int, int], overlap: float) -> None:
    spec = WindowSpec(shape=(8, 32, 16), divisor=(1, 8, 4), overlap=overlap)
    plan = plan_windows(shape, spec)
    for axis in range(3):
        starts, window = plan.starts[axis], plan.shape[axis]
        assert window <= spec.shape[axis]
        assert window % spec.divisor[axis] == 0
        assert starts[0] == 0
        assert starts[-1] + window == plan.padded[axis] >= shape[axis]
        steps = np.diff(starts)
        assert (steps > 0).all()
        assert (steps <= np.ceil(window * (1 - overlap))).all()


def test_small_volume_gets_one_window_of_its_own_size() -> None:
    plan = plan_windows((5, 20, 9), SPEC)
    assert (plan.shape, plan.count) == ((5, 24, 16), 1)


@settings(max_examples=20)
@given(shape=st.tuples(st.integers(1, 30), st.integers(1, 70), st.integers(1, 40)), gaussian=st.booleans())
def test_average_of_agreeing_windows_is_their_value(shape: tuple[int, int, int], gaussian: bool) -> None:
    spec = SPEC.model_copy(update={"weighting": "gaussian" if gaussian else "uniform"})
    intensity = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    found = run(intensity, spec)
    assert found.shape == (4, *shape)
    assert found.dtype == np.float16
    assert np.abs(found.astype(np.float32) - ramp_logits(intensity)).max() < 2e-3


def test_padding_value_fills_windows_beyond_the_volume() -> None:
    seen: list[np.ndarray] = []

    def predict(window: np.ndarray) -> np.ndarray:
        seen.append(window.copy())
        return ramp_logits(window)

    sliding_logits(np.ones((3, 20, 8), np.float32), SPEC, predict, labels=4, padding=-1.0)
    assert seen[0].shape == (3, 24, 8)
    assert (seen[0][:, 20:] == -1).all()
    assert (seen[0][:, :20] == 1).all()


def test_centre_of_a_window_counts_more_than_its_rim_when_gaussian() -> None:
    calls = iter(range(2))

    def predict(window: np.ndarray) -> np.ndarray:
        return np.full((4, *window.shape), float(next(calls)), np.float32)

    spec = WindowSpec(shape=(8, 8, 8), divisor=(1, 8, 8), overlap=0.5)
    found = sliding_logits(np.zeros((12, 8, 8), np.float32), spec, predict, labels=4, padding=-1.0)
    profile = found[0, :, 0, 0]
    assert (profile[:4] == 0).all()
    assert (profile[8:] == 1).all()
    assert 0 < profile[4] < 0.1
    assert profile[4:8] == pytest.approx(1 - profile[4:8][::-1], abs=2e-3)


def test_progress_counts_every_window() -> None:
    reports: list[tuple[int, int]] = []
    intensity = np.zeros((30, 70, 10), np.float32)
    run(intensity, progress=lambda done, total: reports.append((done, total)))
    count = plan_windows((30, 70, 10), SPEC).count
    assert count > 4
    assert reports == [(done, count) for done in range(count + 1)]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_numbers_are_refused(bad: float) -> None:
    with pytest.raises(SegmentationError, match="not numbers"):
        sliding_logits(
            np.zeros((4, 8, 8), np.float32),
            SPEC,
            lambda window: np.full((4, *window.shape), bad, np.float32),
            labels=4,
            padding=-1.0,
        )


def test_wrong_number_of_channels_is_refused() -> None:
    with pytest.raises(SegmentationError, match="another shape"):
        sliding_logits(np.zeros((4, 8, 8), np.float32), SPEC, ramp_logits, labels=3, padding=-1.0)
