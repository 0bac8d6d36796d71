import numpy as np
import pytest
import torch

from lesionseg.core.labels import Label
from lesionseg.training.chests.cutting import PatchSettings, PictureSettings
from lesionseg.training.chests.scans import load_training_scan, save_training_scan
from lesionseg.training.losses import IGNORED_LABEL
from lesionseg.training.sampling import BatchSettings, SyntheticBatches
from tests.training.lung_patches import SPACING_MM, block_scan


def small_batches(*, pictures: float, count: int = 6, first: int = 0, ignore=()) -> SyntheticBatches:
    settings = BatchSettings(
        stacks=2,
        pictures=3,
        picture_share=pictures,
        patches=PatchSettings(slices=4, in_plane=(48, 64)),
        picture=PictureSettings(in_plane=(96, 64), least_lung_cm2=1.0),
    )
    return SyntheticBatches([block_scan(ignore=ignore)], settings, count=count, seed=1, first=first)


@pytest.mark.parametrize(("pictures", "shape"), [(0.0, (2, 1, 4, 48, 64)), (1.0, (3, 1, 1, 96, 64))])
def test_batches_are_repeatable_and_mark_the_unknown(pictures, shape):
    left = ((0.0, 1.0), (0.0, 1.0), (0.0, 0.5))
    batches = small_batches(pictures=pictures, ignore=(left,))
    images, labels = batches[3]
    again, _ = batches[3]
    assert images.shape == shape
    assert labels.shape == (shape[0], *shape[2:])
    assert torch.equal(images, again)
    assert images.min() >= -1.0
    assert images.max() <= 1.0
    assert any((batches[index][1] == IGNORED_LABEL).any() for index in range(6))
    with pytest.raises(IndexError):
        batches[6]


def test_sequence_goes_on_where_an_earlier_one_stopped():
    whole = small_batches(pictures=0.5, count=5)
    rest = small_batches(pictures=0.5, count=2, first=3)
    assert torch.equal(whole[4][0], rest[1][0])


def test_picture_is_air_outside_its_crop_and_has_no_lung_there():
    images, labels = small_batches(pictures=1.0)[0]
    padded = (images[:, 0, 0] == -1.0) & (images[:, 0, 0].amax(dim=2, keepdim=True) == -1.0)
    assert padded.any()
    assert (labels[:, 0][padded] == int(Label.BACKGROUND)).all()
    assert (labels == int(Label.LUNG)).any()


def test_prepared_scan_survives_the_disk(tmp_path):
    scan = block_scan(ignore=(((0.0, 0.5), (0.0, 1.0), (0.0, 1.0)),))
    save_training_scan(scan, tmp_path / "scan.npz")
    back = load_training_scan(tmp_path / "scan.npz")
    assert back.name == "block"
    assert back.spacing_mm == SPACING_MM
    for name in ("hu", "lung", "ignored", "depth_mm"):
        assert np.array_equal(getattr(back, name), getattr(scan, name))
