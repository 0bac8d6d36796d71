"""Train the first default bundle: synthetic lesions in procedural chests and in clear parts of open scans.

    python scripts/train_first_bundle.py --data DATA --run RUN --steps 3000
    python scripts/train_first_bundle.py --data DATA --run RUN --write models/lung-lesion

DATA is the folder that holds ``ct-1p5mm``. The scans P001, cap002 and normal001 and everything under a
non-commercial licence are never read: they are kept for testing. A broken run resumes where it stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from lesionseg.phantoms import ChestSettings, chest_phantom
from lesionseg.segmentation.bundle import write_bundle
from lesionseg.segmentation.metadata import ModelMetadata
from lesionseg.segmentation.network import build_network
from lesionseg.training.loop import TrainingSettings, train
from lesionseg.training.sampling import PatchSettings, SyntheticPatches
from lesionseg.training.scans import (
    WHOLE,
    Box,
    TrainingScan,
    load_training_scan,
    save_training_scan,
    training_scan,
)
from lesionseg.volume.files import read_volume_file

HERE = Path(__file__).resolve().parent
SEED = 20261122
RIGHT, LEFT = (0.0, 0.5), (0.5, 1.0)

SCANS: dict[str, tuple[float, tuple[Box, ...]]] = {
    # name: how often it is drawn, parts with real disease or doubtful lung truth
    "nsclcrg-R01-001": (2.0, (((0.72, 0.83), WHOLE, (0.1, 0.45)), ((0.8, 0.9), WHOLE, (0.5, 0.75)))),
    "cptac-C3N-00247": (2.0, (((0.25, 0.38), (0.0, 0.6), (0.0, 0.35)),)),
    "lidc0314": (1.5, (((0.53, 1.0), WHOLE, RIGHT),)),
    "4dlung-113-p40": (1.2, (((0.3, 0.72), WHOLE, LEFT),)),
    "lungdx-A0002_8mm": (0.8, (((0.33, 0.9), WHOLE, RIGHT),)),
    "lungfcp-01-0001": (1.0, (((0.3, 1.0), WHOLE, LEFT), ((0.55, 0.8), WHOLE, RIGHT))),
}


def prepare_scans(data: Path, cache: Path, phantoms: int) -> list[TrainingScan]:
    """Build every training chest once and keep it in `cache`."""
    cache.mkdir(parents=True, exist_ok=True)
    scans = []
    for name, (weight, ignore) in SCANS.items():
        path = cache / f"{name}.npz"
        if not path.exists():
            volume = read_volume_file(data / "ct-1p5mm" / f"{name}_ct.nii.gz")
            save_training_scan(training_scan(volume, ignore=ignore, weight=weight), path)
        scans.append(load_training_scan(path))
    for number in range(phantoms):
        path = cache / f"phantom-{number:03d}.npz"
        if not path.exists():
            save_training_scan(phantom_scan(number, weight=4.0 / phantoms), path)
        scans.append(load_training_scan(path))
    return scans


def phantom_scan(number: int, weight: float) -> TrainingScan:
    """Build one procedural chest of random habitus and slice spacing."""
    rng = np.random.default_rng([SEED, number])
    spacing_mm = (float(rng.uniform(1.5, 5.0)), 1.5, 1.5)
    chest = chest_phantom(
        ChestSettings(shape=(round(300 / spacing_mm[0]), 200, 256), spacing_mm=spacing_mm), rng
    )
    return training_scan(chest.volume, lung=chest.labels.lung, weight=weight)


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(SEED)
    metadata = ModelMetadata.model_validate_json((HERE / "first_bundle.json").read_text())
    settings = TrainingSettings(steps=arguments.steps, workers=arguments.workers)
    patch_settings = PatchSettings()
    network = build_network(metadata.network).to(memory_format=torch.channels_last_3d)
    if arguments.write:
        settings = TrainingSettings(steps=0)
    scans = (
        [] if arguments.write else prepare_scans(arguments.data, arguments.run / "scans", arguments.phantoms)
    )

    def patches(first: int, count: int) -> SyntheticPatches:
        return SyntheticPatches(scans, patch_settings, count=max(0, count), seed=SEED, first=first)

    started = time.monotonic()
    weights = train(network, patches, settings, arguments.run, report=print_row)
    print(f"{time.monotonic() - started:.0f} s")
    if arguments.write:
        checkpoint = torch.load(arguments.run / "checkpoint.pt", weights_only=True)
        record = {
            "seed": SEED,
            "script": "scripts/train_first_bundle.py",
            "settings": checkpoint["settings"] | {"steps_done": checkpoint["step"]},
            "patch": json.loads(json.dumps(asdict(patch_settings))),
        }
        card = (HERE / "first_bundle_card.md").read_text()
        bundle = write_bundle(
            arguments.write,
            state_dict=weights,
            metadata=metadata.model_copy(update={"training": record}),
            model_card=card,
            overwrite=True,
        )
        print(f"{bundle.name} in {bundle.folder}")


def print_row(row: dict[str, float]) -> None:
    print(" ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder that holds ct-1p5mm")
    parser.add_argument("--run", type=Path, required=True, help="folder for prepared scans and checkpoints")
    parser.add_argument("--steps", type=int, default=TrainingSettings.steps)
    parser.add_argument("--phantoms", type=int, default=24, help="number of procedural chests")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--write", type=Path, help="write the bundle from the last checkpoint, and stop")
    return parser.parse_args()


if __name__ == "__main__":
    main()
