import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from lesionseg.volume.components import label_components


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
