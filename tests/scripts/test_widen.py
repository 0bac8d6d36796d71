"""A wider network computes the same as the narrow one it was made from."""

import sys

import numpy as np
import pytest
import torch

from lesionseg.segmentation import load_bundle, write_bundle
from lesionseg.segmentation.network import build_network, unique_state
from scripts.train import widen

ARGUMENTS = {
    "spatial_dims": 3,
    "in_channels": 1,
    "out_channels": 4,
    "kernel_size": [[1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]],
    "strides": [1, [1, 2, 2], [1, 2, 2], [1, 2, 2]],
    "upsample_kernel_size": [[1, 2, 2], [1, 2, 2], [1, 2, 2]],
    "filters": [4, 4, 6, 8],
    "norm_name": "batch",
    "res_block": False,
    "deep_supervision": False,
}


@pytest.fixture
def narrow(tmp_path):
    shipped = load_bundle().metadata
    spec = shipped.network.model_copy(update={"arguments": ARGUMENTS})
    torch.manual_seed(0)
    network = build_network(spec)
    network.train()
    for _ in range(3):  # running statistics that are not 0 and 1
        network(torch.randn(2, 1, 4, 16, 16))
    metadata = shipped.model_copy(update={"network": spec, "reference_ranges": None})
    write_bundle(tmp_path / "narrow", state_dict=unique_state(network), metadata=metadata, model_card="x\n")
    return tmp_path / "narrow"


def widen_to(monkeypatch, narrow, *filters):
    out = narrow.parent / "wide"
    words = ["widen", str(narrow), "--out", str(out), "--filters", *map(str, filters)]
    monkeypatch.setattr(sys, "argv", words)
    widen.main()
    return load_bundle(out)


def test_output_stays_and_new_channels_can_learn(monkeypatch, narrow):
    wide = widen_to(monkeypatch, narrow, 4, 6, 8, 14)
    scan = torch.randn(1, 1, 4, 32, 32)
    before, after = load_bundle(narrow).network().eval(), wide.network().eval()
    with torch.no_grad():
        assert np.allclose(before(scan), after(scan), atol=1e-5)
    after(scan).square().sum().backward()
    reading = dict(after.named_parameters())["upsamples.1.conv_block.conv1.conv.weight"]
    assert reading.grad[:4, 4:6].abs().max() > 0  # from channels that were not there


@pytest.mark.parametrize("filters", [(4, 6, 8), (6, 6, 8, 14), (4, 3, 8, 14)])
def test_other_levels_are_refused(monkeypatch, narrow, filters):
    with pytest.raises(SystemExit, match="levels"):
        widen_to(monkeypatch, narrow, *filters)
