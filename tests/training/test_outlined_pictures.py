import numpy as np
import pytest
import torch
from skimage.io import imsave

from lesionseg.core.errors import InputError
from lesionseg.core.labels import Label
from lesionseg.training.losses import IGNORED_LABEL, NOT_LESION_LABEL, region_loss
from lesionseg.training.pictures.outlined import (
    OutlinedBatches,
    OutlinedSettings,
    read_outlined_pictures,
)

SMALL = OutlinedSettings(count=3, in_plane=(192, 208))


def write_picture(folder, name, *, mask=None, grey=None):
    (folder / "img").mkdir(exist_ok=True)
    (folder / "gt").mkdir(exist_ok=True)
    if grey is None:
        grey = np.full((80, 92), 200, np.uint8)
        grey[10:70, 8:40] = grey[10:70, 52:84] = 30
        grey[30:50, 12:30] = 110
        grey[34:40, 60:70] = 190
    if mask is None:
        mask = np.zeros((80, 92), np.uint8)
        mask[30:50, 12:30] = 1
        mask[34:40, 60:70] = 2
    imsave(folder / "img" / f"{name}.png", grey, check_contrast=False)
    imsave(folder / "gt" / f"{name}.png", mask, check_contrast=False)


def test_outlines_are_read_as_labels_and_the_rest_as_not_lesion(tmp_path):
    write_picture(tmp_path, "b")
    write_picture(tmp_path, "a")
    first, second = read_outlined_pictures(tmp_path)
    assert (first.name, second.name) == ("a", "b")
    assert first.labels[35, 15] == int(Label.NON_SOLID)
    assert first.labels[36, 65] == int(Label.SOLID)
    assert first.labels[0, 0] == NOT_LESION_LABEL


def test_missing_mask_is_refused_by_name(tmp_path):
    write_picture(tmp_path, "a")
    (tmp_path / "gt" / "a.png").unlink()
    with pytest.raises(InputError, match=r"a\.png"):
        read_outlined_pictures(tmp_path)


def test_mask_of_another_size_is_refused(tmp_path):
    write_picture(tmp_path, "a", mask=np.zeros((5, 5), np.uint8))
    with pytest.raises(InputError, match="do not fit"):
        read_outlined_pictures(tmp_path)


def test_mask_with_a_strange_value_is_refused(tmp_path):
    write_picture(tmp_path, "a", mask=np.full((80, 92), 9, np.uint8))
    with pytest.raises(InputError, match="9"):
        read_outlined_pictures(tmp_path)


def test_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no pictures"):
        read_outlined_pictures(tmp_path)


def test_batches_alternate_and_repeat(tmp_path):
    write_picture(tmp_path, "a")
    others = [(torch.zeros(1), torch.zeros(1))] * 20
    batches = OutlinedBatches(read_outlined_pictures(tmp_path), others, SMALL, count=20, seed=4)
    kinds = [batches[index][0].ndim for index in range(20)]
    assert set(kinds) == {1, 5}
    index = kinds.index(5)
    images, labels = batches[index]
    assert images.shape == (3, 1, 1, 192, 208)
    assert labels.shape == (3, 1, 192, 208)
    assert torch.equal(images, batches[index][0])
    assert set(labels.unique().tolist()) == {0, 2, 3, NOT_LESION_LABEL}
    lesion = images[:, 0][labels == int(Label.NON_SOLID)].mean()
    elsewhere = images[:, 0][labels == int(Label.SOLID)].mean()
    assert -1 < lesion < elsewhere


def logits_for(label: int) -> torch.Tensor:
    logits = torch.zeros(1, 4, 1, 8, 8)
    logits[:, label] = 12.0
    return logits


@pytest.mark.parametrize("label", [Label.BACKGROUND, Label.LUNG])
def test_lung_and_background_are_equally_right_where_only_lesions_are_known(label):
    labels = torch.full((1, 1, 8, 8), NOT_LESION_LABEL)
    assert region_loss(logits_for(int(label)), labels)[0] < 0.01
    assert region_loss(logits_for(int(Label.SOLID)), labels)[0] > 1.0


def test_nothing_known_costs_nothing():
    labels = torch.full((1, 1, 8, 8), IGNORED_LABEL)
    assert float(region_loss(logits_for(int(Label.SOLID)), labels)[0]) == pytest.approx(0.0, abs=1e-6)
