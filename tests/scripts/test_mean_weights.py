"""The mean of two bundles' weights, tensor by tensor."""

import pytest
import torch

from lesionseg.segmentation import load_bundle, write_bundle
from lesionseg.segmentation.network import unique_state
from scripts.train.mean_weights import NOTE, mean_bundle, mean_state


def test_mean_lies_in_the_middle_and_counters_are_kept():
    first = {"weight": torch.tensor([0.0, 2.0]), "batches": torch.tensor(3)}
    second = {"weight": torch.tensor([4.0, 2.0]), "batches": torch.tensor(9)}
    mean = mean_state(first, second)
    assert mean["weight"].tolist() == [2.0, 2.0]
    assert mean["batches"] == 9


def test_two_networks_have_no_mean():
    with pytest.raises(SystemExit, match="different networks"):
        mean_state({"weight": torch.zeros(2)}, {"weight": torch.zeros(3)})


def test_bundle_of_the_mean_says_what_it_was_made_from_and_has_no_ranges(tmp_path):
    shipped = load_bundle()
    moved = {
        name: tensor + 0.5 if tensor.is_floating_point() else tensor
        for name, tensor in unique_state(shipped.network()).items()
    }
    after = write_bundle(
        tmp_path / "after",
        state_dict=moved,
        metadata=shipped.metadata,
        model_card="taught\n",
        overwrite=False,
    )
    bundle = mean_bundle(shipped, after, tmp_path / "mean")
    for name, tensor in unique_state(bundle.network()).items():
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor, moved[name] - 0.25)
    assert bundle.metadata.reference_ranges is None
    assert bundle.metadata.training[NOTE]["sha256"] == shipped.sha256
