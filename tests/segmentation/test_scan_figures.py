"""A figure against its reference range."""

from __future__ import annotations

import pytest

from lesionseg.segmentation import FigureRange, ReferenceRanges
from lesionseg.segmentation.scan_figures import FIGURES, FigureKind, judge

BOTH, ABOVE = FigureKind(5.0), FigureKind(5.0, only_above=True)
RATIO = FigureKind(1.5, is_ratio=True, only_above=True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 0), (10, 1), (-10, 1), (20, 2), (-30, 3)],
    ids=["middle", "top", "bottom", "out", "far"],
)
def test_excess_counts_half_widths_from_the_middle(value, expected):
    assert BOTH.excess(value, -10, 10) == pytest.approx(expected)


def test_a_narrow_range_is_widened():
    assert BOTH.excess(3, 0, 0) == pytest.approx(0.6)


def test_small_values_do_not_count_where_only_large_ones_are_unusual():
    assert ABOVE.excess(-1000, -10, 10) == 0
    assert ABOVE.excess(20, -10, 10) == pytest.approx(2)


def test_ratios_compare_by_factors():
    assert RATIO.excess(40, 10, 40) == pytest.approx(1)
    assert RATIO.excess(80, 10, 40) == pytest.approx(2)
    assert RATIO.excess(0.0, 10, 40) == 0


def ranges(**figures: tuple[float, float]) -> ReferenceRanges:
    return ReferenceRanges(
        weights_sha256="0" * 64,
        source="tests",
        figures={name: FigureRange(low=low, high=high) for name, (low, high) in figures.items()},
        margin_basis="tests",
    )


def test_figures_without_a_range_stay_unjudged():
    noise, lung = judge({"lung_hu": -850.0, "noise_hu": 40.0}, ranges(noise_hu=(10.0, 20.0)))
    assert (noise.name, lung.name) == ("noise_hu", "lung_hu")
    assert noise.excess > 1
    assert (lung.low, lung.high, lung.excess) == (None, None, None)
    assert all(figure.excess is None for figure in judge(dict.fromkeys(FIGURES, 1.0), None))


def test_a_range_upside_down_is_refused():
    with pytest.raises(ValueError, match="low must not be larger"):
        ranges(noise_hu=(20.0, 10.0))
