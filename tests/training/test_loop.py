import csv

import pytest
import torch
from torch import nn

from lesionseg.training.chests.cutting import PatchSettings, PictureSettings
from lesionseg.training.loop import TrainingSettings, learning_rate, train
from lesionseg.training.sampling import BatchSettings, SyntheticBatches
from tests.training.lung_patches import block_scan


def tiny_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(1, 6, (1, 3, 3), padding=(0, 1, 1)), nn.BatchNorm3d(6), nn.ReLU(), nn.Conv3d(6, 4, 1)
    )


def batches(first: int, count: int) -> SyntheticBatches:
    settings = BatchSettings(
        stacks=2,
        pictures=3,
        picture_share=0.3,
        picture=PictureSettings(in_plane=(32, 32), least_lung_cm2=1.0),
        patches=PatchSettings(slices=2, in_plane=(32, 32)),
    )
    return SyntheticBatches([block_scan()], settings, count=count, seed=7, first=first)


def settings(steps: int) -> TrainingSettings:
    return TrainingSettings(steps=steps, warmup_steps=2, checkpoint_every=4, log_every=2, workers=0)


def test_training_lowers_the_loss_and_logs_it(tmp_path):
    train(tiny_network(), batches, settings(40), tmp_path)
    with (tmp_path / "log.csv").open() as stream:
        losses = [float(row["loss"]) for row in csv.DictReader(stream)]
    assert len(losses) == 20
    assert sum(losses[-5:]) < sum(losses[:5])


def test_broken_run_resumes_to_the_same_weights(tmp_path, monkeypatch):
    whole = train(tiny_network(), batches, settings(8), tmp_path / "whole")

    def breaking(first, count):
        source = batches(first, count)
        original = SyntheticBatches.__getitem__

        def fail_late(self, index):
            if self.first + index >= 6:
                raise RuntimeError("power cut")
            return original(self, index)

        monkeypatch.setattr(SyntheticBatches, "__getitem__", fail_late)
        return source

    with pytest.raises(RuntimeError, match="power cut"):
        train(tiny_network(), breaking, settings(8), tmp_path / "broken")
    monkeypatch.undo()
    resumed = train(tiny_network(), batches, settings(8), tmp_path / "broken")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_learning_rate_warms_up_and_dies_away():
    plan = TrainingSettings(steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(step, plan) for step in range(1, 101)]
    assert rates[9] == pytest.approx(1.0)
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.01)
    assert rates[9:] == sorted(rates[9:], reverse=True)


def test_frozen_normalization_keeps_its_statistics_while_weights_learn(tmp_path):
    network = tiny_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    plan = TrainingSettings(steps=3, warmup_steps=1, workers=0, freeze_normalization=True)
    after = train(network, batches, plan, tmp_path)
    assert torch.equal(before["1.running_mean"], after["1.running_mean"])
    assert not torch.equal(before["0.weight"], after["0.weight"])


def test_bfloat16_step_learns_almost_the_same(tmp_path):
    plans = [TrainingSettings(steps=4, warmup_steps=1, workers=0, bfloat16=half) for half in (False, True)]
    full, half = (train(tiny_network(), batches, plan, tmp_path / str(n)) for n, plan in enumerate(plans))
    assert all(torch.allclose(full[name], half[name], atol=0.03) for name in full)
    assert any(not torch.equal(full[name], half[name]) for name in full)


class TwiceNamed(nn.Module):
    """Holds one layer under two names, as MONAI's DynUNet does."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv3d(1, 4, 1)
        self.again = self.layer

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layer(image)


class OnceNamed(TwiceNamed):
    def __init__(self) -> None:
        super().__init__()
        del self.again


def test_layer_with_two_names_is_averaged_as_one_with_one_name(tmp_path):
    found = []
    for number, kind in enumerate((OnceNamed, TwiceNamed)):
        torch.manual_seed(0)
        found.append(train(kind(), batches, settings(6), tmp_path / str(number))["layer.weight"])
    assert torch.equal(*found)
