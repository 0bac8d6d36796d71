import torch

from lesionseg.training.losses import IGNORED_LABEL, region_loss
from tests.training.lung_patches import seeded


def test_loss_of_the_truth_is_small_and_ignored_voxels_do_not_count():
    labels = torch.randint(0, 4, (1, 2, 16, 16), generator=seeded())
    logits = 20.0 * torch.nn.functional.one_hot(labels, 4).movedim(-1, 1).float()
    loss, figures = region_loss(logits, labels)
    assert loss < 1e-3
    assert figures["dice_solid"] > 0.999
    spoiled = logits.clone()
    spoiled[:, :, 0] = -spoiled[:, :, 0]
    worse, _ = region_loss(spoiled, labels)
    assert worse > 1.0
    hidden = labels.clone()
    hidden[:, 0] = IGNORED_LABEL
    assert region_loss(spoiled, hidden)[0] < 1e-3
