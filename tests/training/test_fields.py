import pytest
import torch

from lesionseg.training.synthesis.fields import blur, rank_threshold, smooth_noise
from tests.training.lung_patches import SPACING_MM, seeded


def test_smooth_noise_has_unit_variance_and_the_asked_scale():
    fine = smooth_noise((4, 80, 80), SPACING_MM, 5.0, seeded())
    coarse = smooth_noise((4, 80, 80), SPACING_MM, 40.0, seeded())
    assert fine.std() == pytest.approx(1.0, abs=1e-3)
    assert fine.diff(dim=2).abs().mean() > 3 * coarse.diff(dim=2).abs().mean()


def test_blur_keeps_the_mean_of_a_constant_and_spreads_a_point():
    assert torch.allclose(blur(torch.full((3, 9, 9), 7.0), (1.0, 1.0, 1.0)), torch.tensor(7.0))
    point = torch.zeros(1, 15, 15)
    point[0, 7, 7] = 1.0
    spread = blur(point, (0.0, 1.0, 1.0))
    assert spread.sum() == pytest.approx(1.0, abs=1e-4)
    assert spread[0, 7, 7] < 0.2


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 1.0])
def test_rank_threshold_keeps_the_asked_fraction(fraction):
    field = torch.randn((4, 30, 30), generator=seeded())
    level = rank_threshold(field, torch.ones_like(field, dtype=torch.bool), fraction)
    assert (field >= level).float().mean() == pytest.approx(fraction, abs=1e-3)
