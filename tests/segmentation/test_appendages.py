import numpy as np

from lesionseg.core.labels import Label
from lesionseg.segmentation.appendages import cut_appendages

SPACING_MM = (3.0, 1.5, 1.5)


def logits_of(labels: np.ndarray) -> np.ndarray:
    return np.stack([(labels == label).astype(np.float16) for label in range(4)])


def lung_with(second: int, *, bridge_rows: int, size: int = 12) -> np.ndarray:
    """A lung, a block below it of label `second`, and a bridge between them of so many rows."""
    labels = np.zeros((24, 60, 100), np.uint8)
    labels[4:20, 5:55, 5:60] = Label.LUNG
    labels[8:16, 30 : 30 + bridge_rows, 60:70] = Label.LUNG
    labels[8:16, 24 : 24 + size, 70 : 70 + size] = second
    return labels


def after_cut(labels: np.ndarray) -> np.ndarray:
    logits = logits_of(labels)
    cut_appendages(logits, SPACING_MM)
    return logits.argmax(axis=0)


def test_dense_piece_on_a_narrow_bridge_is_cut_and_the_lung_stays():
    labels = lung_with(Label.SOLID, bridge_rows=2)
    result = after_cut(labels)
    assert not (result[:, :, 70:] > 0).any()
    assert (result[:, :, :60] == labels[:, :, :60]).all()


def test_aerated_recess_on_a_narrow_bridge_stays():
    labels = lung_with(Label.LUNG, bridge_rows=2)
    assert (after_cut(labels) == labels).all()


def test_dense_piece_that_joins_the_lung_broadly_stays():
    labels = np.zeros((24, 60, 100), np.uint8)
    labels[4:20, 5:55, 5:60] = Label.LUNG
    labels[4:20, 20:50, 60:75] = Label.SOLID
    assert (after_cut(labels) == labels).all()


def test_consolidation_inside_a_lung_and_a_wholly_consolidated_lung_stay():
    labels = np.zeros((24, 60, 100), np.uint8)
    labels[4:20, 5:55, 5:45] = Label.LUNG
    labels[8:16, 20:40, 20:35] = Label.SOLID
    labels[4:20, 5:55, 55:95] = Label.SOLID
    assert (after_cut(labels) == labels).all()


def test_nothing_is_cut_where_there_is_no_lung():
    logits = logits_of(np.zeros((6, 20, 20), np.uint8))
    assert not cut_appendages(logits, SPACING_MM).any()
    assert (logits.argmax(axis=0) == 0).all()
