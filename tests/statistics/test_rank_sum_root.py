"""The root finding that steps as R's uniroot does."""

from __future__ import annotations

import math

import pytest

from lesionseg.statistics.rank.root import find_root


def test_root_of_a_smooth_function_is_found():
    root = find_root(lambda at: math.cos(at) - at, 0, 2, 1e-12)
    assert root.at == pytest.approx(0.7390851332151607, abs=1e-11)


def test_jump_over_zero_is_found_to_the_tolerance():
    root = find_root(lambda at: 1.0 if at < math.pi else -3.0, -10, 100, 1e-12)
    assert root.at == pytest.approx(math.pi, abs=1e-11)
    assert not root.flat


@pytest.mark.parametrize(("lower", "upper"), [(2.0, 5.0), (-5.0, 2.0)])
def test_end_where_the_function_is_zero_is_the_root(lower, upper):
    root = find_root(lambda at: 2.0 - at, lower, upper, 1e-12)
    assert (root.at, root.flat) == (2.0, True)


def test_flat_stretch_is_told():
    root = find_root(lambda at: float(at < 1) - float(at > 3), -10, 4, 1e-12)
    assert root.flat
    assert 1 <= root.at <= 3


@pytest.mark.parametrize(("upper", "in_r"), [(4.3, 1.0090196793002908), (400, 1.0026721973638204)])
def test_point_of_a_flat_stretch_is_that_of_uniroot(upper, in_r):
    # R: uniroot(function(d) ifelse(d < 1, 5, ifelse(d > 1.01, -2, 0)), c(-10, upper), tol = 1e-12)$root
    root = find_root(lambda at: 5.0 if at < 1 else -2.0 if at > 1.01 else 0.0, -10, upper, 1e-12)
    assert root.at == pytest.approx(in_r, abs=1e-14)
