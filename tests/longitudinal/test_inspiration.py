from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lesionseg.longitudinal.inspiration import BreathFigures, adjusted_proportions


def breath(lung_ml: float, lung_hu: float, lesion_ml: float, lesion_hu: float, non_solid_ml: float):
    figures = (lung_ml, lung_hu, lesion_ml, lesion_hu, non_solid_ml)
    return BreathFigures(*(np.array([figure], float) for figure in figures))


def adjusted(figures: BreathFigures, baseline_lung_ml: float) -> tuple[float, float]:
    lesion, solid = adjusted_proportions(figures, np.array([baseline_lung_ml]))
    return float(lesion[0]), float(solid[0])


def sponge(tissue_ml: float, gas_ml: float) -> tuple[float, float]:
    """Volume and mean HU of tissue with gas in it."""
    volume_ml = tissue_ml + gas_ml
    return volume_ml, -1000 * gas_ml / volume_ml


@given(
    gas_factor=st.floats(0.4, 2.5),
    lung_gas_ml=st.floats(1000, 5000),
    lesion_gas_ml=st.floats(0, 400),
    non_solid_tissue_ml=st.floats(1, 400),
    solid_ml=st.floats(0, 400),
)
def test_another_breath_of_an_unchanged_sponge_gives_the_baseline_proportion(
    gas_factor: float, lung_gas_ml: float, lesion_gas_ml: float, non_solid_tissue_ml: float, solid_ml: float
) -> None:
    lung_tissue_ml = 800 + non_solid_tissue_ml + solid_ml

    def at(factor: float) -> tuple[float, float, float, float, float]:
        lung = sponge(lung_tissue_ml, factor * lung_gas_ml)
        lesion = sponge(non_solid_tissue_ml + solid_ml, factor * lesion_gas_ml)
        return *lung, *lesion, non_solid_tissue_ml + factor * lesion_gas_ml

    baseline, follow_up = at(1.0), at(gas_factor)
    lesion_pct, solid_pct = adjusted(breath(*follow_up), baseline[0])
    assert lesion_pct == pytest.approx(100 * baseline[2] / baseline[0])
    assert solid_pct == pytest.approx(100 * solid_ml / baseline[0])


def test_the_same_lung_volume_leaves_proportions_as_they_are() -> None:
    assert adjusted(breath(5000, -700, 1000, -300, 800), 5000) == pytest.approx((20, 4))


def test_a_lesion_without_gas_keeps_its_ml() -> None:
    lesion_pct, solid_pct = adjusted(breath(4000, -700, 500, 0, 0), 5000)
    assert (lesion_pct, solid_pct) == pytest.approx((10, 10))


def test_a_lesion_as_light_as_the_lung_keeps_its_proportion() -> None:
    lesion_pct, _ = adjusted(breath(4000, -700, 500, -700, 500), 5000)
    assert lesion_pct == pytest.approx(12.5)


def test_no_lesion_needs_no_lesion_density() -> None:
    assert adjusted(breath(4000, -700, 0, np.nan, 0), 5000) == (0, 0)


@pytest.mark.parametrize(
    ("figures", "baseline_lung_ml"),
    [
        (breath(4000, 0, 500, -300, 500), 5000),
        (breath(4000, -500, 500, -300, 500), 1999),
        (breath(4000, np.nan, 500, -300, 500), 5000),
        (breath(4000, -700, 500, np.nan, 500), 5000),
        (breath(4000, -700, 500, -300, 500), np.nan),
        (breath(0, -700, 0, np.nan, 0), 5000),
    ],
    ids=["no gas", "less than the tissue", "no lung HU", "no lesion HU", "no baseline", "no lung"],
)
def test_what_cannot_be_adjusted_is_missing(figures: BreathFigures, baseline_lung_ml: float) -> None:
    assert np.isnan(adjusted(figures, baseline_lung_ml)).all()


@given(
    lung_ml=st.floats(500, 8000),
    lung_hu=st.floats(-950, -300),
    lesion_part=st.floats(0, 1),
    lesion_hu=st.floats(-900, 100),
    non_solid_part=st.floats(0, 1),
    baseline_ml=st.floats(500, 8000),
)
def test_solid_stays_within_lesion_and_lesion_within_lung(
    lung_ml: float,
    lung_hu: float,
    lesion_part: float,
    lesion_hu: float,
    non_solid_part: float,
    baseline_ml: float,
) -> None:
    lesion_ml = lesion_part * lung_ml
    pair = adjusted(breath(lung_ml, lung_hu, lesion_ml, lesion_hu, non_solid_part * lesion_ml), baseline_ml)
    assume(not np.isnan(pair).any())
    lesion_pct, solid_pct = pair
    assert 0 <= solid_pct <= lesion_pct <= 100
