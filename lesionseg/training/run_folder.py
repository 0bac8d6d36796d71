"""The folder of a run: what lies in it, and whether it may be gone on with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lesionseg.core.errors import ConfigurationError, OutputExistsError, UnreadableFileError
from lesionseg.core.files import write_text
from lesionseg.training.chests.sources import Chest
from lesionseg.training.pictures.outlined import OutlinedPicture
from lesionseg.training.plan import TrainingPlan

RUN_NAME, SCANS_NAME, TENSORBOARD_NAME, RESULT_NAME = "run.json", "scans", "tensorboard", "result.json"
RUN_FORMAT = "lesionseg-training/1"
WITHOUT_EFFECT = ("checkpoint_every", "log_every", "workers", "batches")
"""Settings of a stage that may change between two starts of a run; its batches are compared by themselves."""


def stage_folder(run_folder: Path, number: int) -> Path:
    """Where stage `number`, counted from 0, keeps its checkpoint and log."""
    return run_folder / f"stage-{number + 1:02d}"


def run_identity(
    plan: TrainingPlan, chests: Sequence[Chest], pictures: Sequence[OutlinedPicture] = ()
) -> dict[str, Any]:
    """Everything that decides which weights the run ends with, but the device, as JSON has it."""
    stages = []
    for stage in plan.stages:
        settings = {
            name: value for name, value in asdict(stage.settings).items() if name not in WITHOUT_EFFECT
        }
        stages.append({"settings": settings, "batches": asdict(stage.batches)})
    identity = {
        "seed": plan.config.seed,
        "network": plan.metadata.network.model_dump(mode="json"),
        "preprocessing": plan.metadata.preprocessing.model_dump(mode="json"),
        "start_from": plan.start.weights_sha256 if plan.start else None,
        "data": [{"name": chest.name, "key": chest.key, "weight": chest.weight} for chest in chests],
        "stages": stages,
    }
    if plan.config.data.pictures is not None:
        keys = [{"name": picture.name, "key": picture.key} for picture in pictures]
        identity["pictures"] = {"share": plan.config.data.pictures.share, "data": keys}
    return dict(json.loads(json.dumps(identity)))


def refuse_other_run(folder: Path, identity: Mapping[str, Any], *, restart: bool) -> None:
    """Raise where `folder` holds something else than this run, begun earlier; prepared scans alone may stay.

    Raises
    ------
    OutputExistsError
        If it holds files of another origin.
    ConfigurationError
        If it holds a run of another configuration or on other data, and `restart` is not set. Stages may be
        added to a run.
    """
    if not folder.exists() or (folder.is_dir() and all(item.name == SCANS_NAME for item in folder.iterdir())):
        return
    before = _read_identity(folder)
    if restart:
        return
    difference = _difference(before, {**identity, "stages": identity["stages"][: len(before["stages"])]})
    if difference:
        raise ConfigurationError(
            "the run folder holds a run of another configuration",
            case=str(folder),
            found=f"{difference} differs",
            remedy="Name another run_folder, undo the change, or begin anew with --restart",
        )


def open_run_folder(folder: Path, identity: Mapping[str, Any], *, restart: bool) -> None:
    """Make the folder this run's own; with `restart` what an earlier run left is removed first.

    Prepared scans stay: each is known by a hash of what it was made from.
    """
    refuse_other_run(folder, identity, restart=restart)
    if restart and folder.exists():
        for part in (*folder.glob("stage-*"), folder / TENSORBOARD_NAME):
            shutil.rmtree(part, ignore_errors=True)
        (folder / RESULT_NAME).unlink(missing_ok=True)
    content = {"format": RUN_FORMAT, "identity": identity}
    write_text(folder / RUN_NAME, json.dumps(content, indent=1) + "\n")


def _read_identity(folder: Path) -> dict[str, Any]:
    path = folder / RUN_NAME
    if not path.is_file():
        raise OutputExistsError(
            "the run folder holds files, and none of them is a run's",
            case=str(folder),
            remedy="Name another run_folder",
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] == RUN_FORMAT:
            return {"stages": [], **content["identity"]}
    except (ValueError, KeyError, TypeError, OSError) as error:
        found = str(error)
    else:
        found = str(content["format"])
    raise UnreadableFileError(
        "the run folder's record cannot be read",
        case=str(path),
        expected=RUN_FORMAT,
        found=found,
        remedy="Name another run_folder",
    )


def _difference(before: Any, now: Any, where: str = "") -> str:
    """Path of the first value that differs; empty where none does."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted({*before, *now}):
            if found := _difference(before.get(key), now.get(key), f"{where}.{key}".removeprefix(".")):
                return found
        return ""
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        parts = (
            _difference(old, new, f"{where}[{number}]")
            for number, (old, new) in enumerate(zip(before, now, strict=True))
        )
        return next((found for found in parts if found), "")
    return "" if before == now else where
