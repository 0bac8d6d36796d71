import csv

import pytest
import torch
from torch import nn

from lesionseg.training.loop import TrainingSettings, learning_rate, train
from lesionseg.training.sampling import PatchSettings, SyntheticPatches
from tests.training.test_synthesis import block_scan


def tiny_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv3d(1, 6, (1, 3, 3), padding=(0, 1, 1)), nn.BatchNorm3d(6), nn.ReLU(), nn.Conv3d(6, 4, 1)
    )


def patches(first: int, count: int) -> SyntheticPatches:
    settings = PatchSettings(slices=2, in_plane=(32, 32))
    return SyntheticPatches([block_scan()], settings, count=count, seed=7, first=first)


def settings(steps: int) -> TrainingSettings:
    return TrainingSettings(
        steps=steps, batch_size=2, warmup_steps=2, checkpoint_every=4, log_every=2, workers=0
    )


def test_training_lowers_the_loss_and_logs_it(tmp_path):
    train(tiny_network(), patches, settings(40), tmp_path)
    with (tmp_path / "log.csv").open() as stream:
        losses = [float(row["loss"]) for row in csv.DictReader(stream)]
    assert len(losses) == 20
    assert sum(losses[-5:]) < sum(losses[:5])


def test_broken_run_resumes_to_the_same_weights(tmp_path, monkeypatch):
    whole = train(tiny_network(), patches, settings(8), tmp_path / "whole")

    def breaking(first, count):
        source = patches(first, count)
        original = SyntheticPatches.__getitem__

        def fail_late(self, index):
            if self.first + index >= 12:
                raise RuntimeError("power cut")
            return original(self, index)

        monkeypatch.setattr(SyntheticPatches, "__getitem__", fail_late)
        return source

    with pytest.raises(RuntimeError, match="power cut"):
        train(tiny_network(), breaking, settings(8), tmp_path / "broken")
    monkeypatch.undo()
    resumed = train(tiny_network(), patches, settings(8), tmp_path / "broken")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_learning_rate_warms_up_and_dies_away():
    plan = TrainingSettings(steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(step, plan) for step in range(1, 101)]
    assert rates[9] == pytest.approx(1.0)
    assert rates[0] == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.01)
    assert rates[9:] == sorted(rates[9:], reverse=True)
