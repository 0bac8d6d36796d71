"""Train one bundle per fold of the outlined pictures, each without its fold, and note which is which.

    python scripts/train/cross_validate.py CONFIG --data-root DATA --out FOLDER [--folds 5]

FOLDER receives the bundles ``fold-0`` ..., their run folders, and ``folds.json``: the pictures that each
bundle never saw. ``python -m scripts.evaluation --rows 6 --folds FOLDER`` measures them. A broken run goes on
where it stopped.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

from lesionseg.core.files import write_text
from lesionseg.training.config import TrainingConfig
from lesionseg.training.config_file import read_config
from lesionseg.training.pictures.outlined import chosen_pictures
from lesionseg.training.run import RunOptions, run_training
from lesionseg.training.run_folder import SCANS_NAME

RUNS_NAME, ASSIGNMENT_NAME = "runs", "folds.json"


def assign(names: list[str], folds: int, seed: int) -> dict[str, list[str]]:
    """Divide names into folds of nearly equal size, at random."""
    order = np.random.default_rng(seed).permutation(len(names))
    return {f"fold-{fold}": sorted(names[place] for place in order[fold::folds]) for fold in range(folds)}


def fold_config(config: TrainingConfig, out: Path, fold: str, left_out: list[str]) -> TrainingConfig:
    """Take the configuration, but leave out a fold's pictures and write elsewhere."""
    pictures = config.data.pictures
    if pictures is None:
        raise SystemExit("The configuration names no data.pictures; there is nothing to cross-validate on.")
    kept = pictures.model_copy(update={"leave_out": (*pictures.leave_out, *left_out)})
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"pictures": kept}),
            "bundle": config.bundle.model_copy(update={"name": fold}),
            "run_folder": out / RUNS_NAME / fold,
            "output": out / fold,
        }
    )


def share_scans(run_folder: Path, earlier: Path | None) -> None:
    """Take over prepared scans of an earlier fold; each is known by a hash of what it was made from."""
    here = run_folder / SCANS_NAME
    if earlier is not None and (earlier / SCANS_NAME).is_dir() and not run_folder.exists():
        shutil.copytree(earlier / SCANS_NAME, here)


def main() -> None:
    options = parse_arguments()
    config = read_config(options.config, data_root=options.data_root)
    names = [picture.name for picture in chosen_pictures(config.data.pictures)]
    assignment = assign(names, options.folds, config.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    write_text(options.out / ASSIGNMENT_NAME, json.dumps(assignment, indent=1) + "\n")
    earlier: Path | None = options.scans
    for fold, left_out in assignment.items():
        ours = fold_config(config, options.out, fold, left_out)
        share_scans(ours.run_folder, earlier)
        result = run_training(ours, RunOptions(threads=options.threads, overwrite=True), on_row=print_row)
        earlier = ours.run_folder
        print(f"{fold}: {len(names) - len(left_out)} pictures, {result.hours:.2f} h")


def print_row(row) -> None:
    print(" ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--scans", type=Path, help="run folder whose prepared scans are taken over")
    return parser.parse_args()


if __name__ == "__main__":
    main()
