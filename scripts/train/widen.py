"""Give a bundle's DynUNet more channels without changing what it computes: a start for further training.

    python scripts/train/widen.py models/lung-lesion --filters 16 24 40 80 160 --out training-runs/wide

Every old channel keeps its weights and gets none from the new ones; these start at random and are read by
other new channels alone, so that the output stays the same until training connects them (after Chen,
Goodfellow and Shlens 2016, "Net2Net", with zeros in place of copies). Train on with ``start_from`` naming the
folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

from lesionseg.segmentation import load_bundle, write_bundle
from lesionseg.segmentation.network import build_network, load_state, unique_state

SEED = 3


def widened(
    state: dict[str, torch.Tensor], fresh: dict[str, torch.Tensor], old: Sequence[int], new: Sequence[int]
):
    """Put the old weights into the fresh ones of the wider network.

    Parameters
    ----------
    state, fresh : dict of str to Tensor
        Of the old network; of the new one, as built.
    old, new : sequence of int
        Channels of each level.

    Returns
    -------
    dict of str to Tensor
    """
    return {name: _filled(name, state[name], tensor.clone(), old, new) for name, tensor in fresh.items()}


def _filled(name: str, source: torch.Tensor, target: torch.Tensor, old: Sequence[int], new: Sequence[int]):
    if source.shape == target.shape:
        return source.clone()
    if source.ndim == 1:  # normalisation: one number for each channel
        target[: len(source)] = source
        return target
    into, sources = _levels(name, len(old))
    places = _places(sources, old, new)
    kept = torch.arange(old[into])
    if "transp_conv" in name:  # (in, out, ...)
        target[:, : len(kept)] = 0.0
        target[places[:, None], kept[None]] = source
    else:
        target[: len(kept)] = 0.0
        target[kept[:, None], places[None]] = source
    return target


def _levels(name: str, count: int) -> tuple[int, tuple[int | None, ...]]:
    """Level whose channels a convolution writes, and levels that it reads in turn; None: the image."""
    first = "conv1" in name
    part, _, rest = name.partition(".")
    if part == "input_block":
        return 0, (None,) if first else (0,)
    if part == "bottleneck":
        return count - 1, (count - 2,) if first else (count - 1,)
    if part == "downsamples":
        level = int(rest.split(".")[0]) + 1
        return level, (level - 1,) if first else (level,)
    if part == "upsamples":
        level = count - 2 - int(rest.split(".")[0])
        if "transp_conv" in name:
            return level, (level + 1,)
        return level, (level, level) if first else (level,)
    raise SystemExit(f"do not know how to widen {name}: only a DynUNet's first level may feed its output")


def _places(levels: tuple[int | None, ...], old: Sequence[int], new: Sequence[int]) -> torch.Tensor:
    """Where the old input channels stand among the new ones."""
    found: list[int] = []
    offset = 0
    for level in levels:
        found += range(offset, offset + (1 if level is None else old[level]))
        offset += 1 if level is None else new[level]
    return torch.tensor(found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--filters", type=int, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    bundle = load_bundle(options.bundle)
    network = bundle.network()
    spec = bundle.metadata.network
    old, new = spec.arguments["filters"], options.filters
    if len(old) != len(new) or old[0] != new[0] or any(b < a for a, b in zip(old, new, strict=True)):
        raise SystemExit(f"--filters: {len(old)} levels, none narrower than {old}, the first as it is")
    wide = spec.model_copy(update={"arguments": {**spec.arguments, "filters": new}})
    torch.manual_seed(SEED)
    wider = build_network(wide)
    load_state(wider, widened(unique_state(network), unique_state(wider), old, new))
    metadata = bundle.metadata.model_copy(update={"network": wide, "reference_ranges": None})
    write_bundle(
        options.out,
        state_dict=unique_state(wider),
        metadata=metadata,
        model_card=f"{bundle.name}, widened to {new} channels; computes the same. A start for training.\n",
    )


if __name__ == "__main__":
    main()
