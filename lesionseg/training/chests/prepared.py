"""Every chest a run learns from: brought to the bundle's working grid once, and kept in the run's folder."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lesionseg.core.errors import AnatomyError
from lesionseg.core.files import staged_file
from lesionseg.segmentation.metadata import PreprocessingSpec
from lesionseg.training.chests.scans import TrainingScan, load_training_scan, save_training_scan
from lesionseg.training.chests.sources import Chest, annotated_chests, procedural_chests, scan_chest
from lesionseg.training.config import DataSection

Progress = Callable[[int, int], None]


def list_chests(data: DataSection, spec: PreprocessingSpec, seed: int) -> list[Chest]:
    """List every chest of a configuration; files are hashed, and no image is opened yet.

    Raises
    ------
    InputError
        If a dataset is not whole.
    ConfigurationError
        If a label mapping does not fit its dataset, or a case to leave out is not in it.
    """
    chests = [scan_chest(source, spec) for source in data.scans]
    if data.procedural_chests is not None:
        chests += procedural_chests(data.procedural_chests, spec, seed)
    for number, source in enumerate(data.annotated):
        chests += annotated_chests(source, number, spec)
    return chests


def prepare_chests(
    chests: list[Chest], folder: Path | None, progress: Progress | None = None
) -> list[TrainingScan]:
    """Build the chests, or read those that `folder` keeps from an earlier run; None keeps nothing.

    Raises
    ------
    InputError
        If a scan cannot be read, is not in Hounsfield units, or does not fit its mask.
    AnatomyError
        If no lung is found in it.
    """
    scans = []
    for done, chest in enumerate(chests):
        if progress:
            progress(done, len(chests))
        scans.append(replace(_kept_or_built(chest, folder), weight=chest.weight))
    if progress:
        progress(len(chests), len(chests))
    return scans


def _kept_or_built(chest: Chest, folder: Path | None) -> TrainingScan:
    if folder is None:
        return _checked(chest, chest.build())
    path = folder / f"{chest.key[:32]}.npz"
    if path.exists():
        try:
            return load_training_scan(path)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            path.unlink()  # damaged; it can be built again
    scan = _checked(chest, chest.build())
    with staged_file(path) as aside:
        save_training_scan(scan, aside)
    return scan


def _checked(chest: Chest, scan: TrainingScan) -> TrainingScan:
    if not scan.lung.any():
        raise AnatomyError(
            "no lung was found in a scan to train on",
            case=chest.name,
            remedy="Give a lung mask (lung: FILE, or a dataset label mapped to lung), or leave the scan out",
        )
    return scan
