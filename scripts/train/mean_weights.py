"""The mean of two bundles' weights: of those before and after a stretch of training.

    python scripts/train/mean_weights.py models/lung-lesion training-runs/taught --out training-runs/mean

It keeps most of what the stretch taught and forgets less of what was known before (after Wortsman and
others 2022, "Robust fine-tuning of zero-shot models"). Everything but the weights is that of the second
bundle; its reference ranges go, for they belong to other weights, and its card has to be written anew.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from lesionseg.segmentation import ModelBundle, load_bundle, write_bundle
from lesionseg.segmentation.network import unique_state

NOTE = "mean_with"
"""Key under which the metadata's training record names the first bundle."""


def mean_state(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Mean of every tensor of floats; the others are those of the second.

    Raises
    ------
    SystemExit
        If names or shapes differ.
    """
    shapes = [{name: tuple(tensor.shape) for name, tensor in state.items()} for state in (first, second)]
    if shapes[0] != shapes[1]:
        raise SystemExit("The two bundles hold different networks; only weights of one network have a mean.")
    return {
        name: (tensor + first[name]) / 2 if tensor.is_floating_point() else tensor
        for name, tensor in second.items()
    }


def mean_bundle(
    before: ModelBundle, after: ModelBundle, out: Path, *, overwrite: bool = False
) -> ModelBundle:
    """Write the mean of two bundles to the folder `out`."""
    states = (unique_state(bundle.network()) for bundle in (before, after))
    note = {"bundle": before.name, "sha256": before.sha256}
    metadata = after.metadata.model_copy(
        update={"reference_ranges": None, "training": {**after.metadata.training, NOTE: note}}
    )
    card = (after.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    return write_bundle(
        out, state_dict=mean_state(*states), metadata=metadata, model_card=card, overwrite=overwrite
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", help="folder or name of a bundle")
    parser.add_argument("after", help="folder or name of a bundle")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--overwrite", action="store_true", help="replace an existing bundle")
    options = parser.parse_args()
    bundle = mean_bundle(
        load_bundle(options.before), load_bundle(options.after), options.out, overwrite=options.overwrite
    )
    print(f"{bundle.folder}: {bundle.sha256}")


if __name__ == "__main__":
    main()
