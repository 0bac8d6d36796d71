import torch

from lesionseg.training.synthesis.scanner import _breathing, scanner_variation
from tests.training.lung_patches import lung_patch, seeded


def test_scanner_variation_leaves_shape_and_tissue_contrast():
    patch = lung_patch()
    varied = scanner_variation(patch.hu, patch.lung, seeded(2))
    assert varied.shape == patch.hu.shape
    assert varied[~patch.lung].mean() - varied[patch.lung].mean() > 500


def test_breathing_mixes_neighbouring_sections_only():
    hu = torch.full((5, 32, 32), -850.0)
    hu[2] = 50.0
    for seed in range(6):
        mixed = _breathing(hu, seeded(seed))
        assert (mixed[2] <= 50.0).all()
        raised = [bool((mixed[index] > -850.0).any()) for index in range(5)]
        assert raised in ([False, True, True, False, False], [False, False, True, True, False])
