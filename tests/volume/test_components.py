import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from lesionseg.volume.components import label_components, surface_share


def test_two_voxels_with_a_gap_between_them_are_two_pieces():
    labels = label_components(np.array([[[True, False, True]]]), 26)
    assert labels[0, 0, 0] != labels[0, 0, 2]
    assert labels[0, 0, 1] == 0


@pytest.mark.parametrize(("connectivity", "rank"), [(6, 1), (18, 2), (26, 3)])
@given(mask=hnp.arrays(bool, st.tuples(*[st.integers(1, 6)] * 3)))
def test_pieces_are_those_scipy_finds(mask, connectivity, rank):
    ours = label_components(mask, connectivity)
    theirs, count = ndimage.label(mask, ndimage.generate_binary_structure(3, rank))
    pairs = set(zip(ours.ravel().tolist(), theirs.ravel().tolist(), strict=True))
    assert len(pairs) == len(set(ours.ravel().tolist())) == len(set(theirs.ravel().tolist()))
    assert ours.max() == count


def test_surface_share_counts_the_faces_that_touch_a_region():
    pieces = np.zeros((3, 3, 5), dtype=np.uint32)
    pieces[1, 1, 1:3] = 1  # ten faces
    region = np.zeros(pieces.shape, dtype=bool)
    region[1, 1, 3] = True
    region[0, 1, 1] = True
    assert surface_share(pieces, region).tolist() == [0.0, 0.2]


def test_sides_of_the_array_count_as_not_touching():
    pieces = np.ones((1, 1, 1), dtype=np.uint32)
    assert surface_share(pieces, np.zeros((1, 1, 1), dtype=bool))[1] == 0.0
