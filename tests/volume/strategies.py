"""Random but plausible grids for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from lesionseg.volume import VolumeGeometry

_SPACING_MM = st.floats(0.4, 8.0)
_SHIFT_MM = st.floats(-600.0, 600.0)
_ANGLE = st.floats(-180.0, 180.0)


@st.composite
def geometries(draw: st.DrawFn, longest: int = 7) -> VolumeGeometry:
    """Grids of any shape, spacing, origin, rotation and handedness."""
    shape = draw(st.tuples(*[st.integers(1, longest)] * 3))
    rotation = Rotation.from_euler("xyz", draw(st.tuples(_ANGLE, _ANGLE, _ANGLE)), degrees=True).as_matrix()
    if draw(st.booleans()):
        rotation[:, 0] *= -1
    spacing = draw(st.tuples(_SPACING_MM, _SPACING_MM, _SPACING_MM))
    return VolumeGeometry.from_axes(shape, spacing, draw(st.tuples(*[_SHIFT_MM] * 3)), rotation)


@st.composite
def axis_aligned_geometries(draw: st.DrawFn, longest: int = 7) -> VolumeGeometry:
    """Grids whose axes are swapped and flipped at will, but lie along those of the patient."""
    shape = draw(st.tuples(*[st.integers(1, longest)] * 3))
    direction = np.eye(3)[:, list(draw(st.permutations(range(3))))]
    direction = direction * draw(st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3))
    spacing = draw(st.tuples(_SPACING_MM, _SPACING_MM, _SPACING_MM))
    return VolumeGeometry.from_axes(shape, spacing, draw(st.tuples(*[_SHIFT_MM] * 3)), direction)
