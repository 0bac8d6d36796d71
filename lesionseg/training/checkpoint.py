"""Checkpoints of a training: whole or absent, on any device, and without code in them."""

from __future__ import annotations

import pickle
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lesionseg.core.errors import UnreadableFileError
from lesionseg.core.files import staged_file

CHECKPOINT_NAME = "checkpoint.pt"
_DAMAGE = (
    RuntimeError, OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, struct.error,
    pickle.UnpicklingError,
)  # fmt: skip
"""What torch raises over bytes that are no checkpoint, according to where they stop making sense."""


@dataclass(frozen=True)
class State:
    """What a checkpoint holds: the network being trained, its running average, the optimizer."""

    network: nn.Module
    averaged: nn.Module
    optimizer: torch.optim.Optimizer


@dataclass(frozen=True)
class Done:
    """How far a training has come: steps, and seconds spent on them."""

    steps: int = 0
    seconds: float = 0.0


def save(folder: Path, done: Done, state: State, settings: dict[str, Any]) -> None:
    """Write the checkpoint aside and rename it into place; `settings` are kept for people."""
    content = {
        "step": done.steps,
        "seconds": done.seconds,
        "network": state.network.state_dict(),
        "averaged": state.averaged.state_dict(),
        "optimizer": state.optimizer.state_dict(),
        "settings": settings,
    }
    with staged_file(folder / CHECKPOINT_NAME) as aside:
        torch.save(content, aside)


def resume(folder: Path, state: State) -> Done:
    """Fill `state` from the folder's checkpoint, if there is one.

    Raises
    ------
    UnreadableFileError
        If the checkpoint is damaged.
    """
    content = _read(folder / CHECKPOINT_NAME)
    if content:
        state.network.load_state_dict(content["network"])
        state.averaged.load_state_dict(content["averaged"])
        state.optimizer.load_state_dict(content["optimizer"])
    return _done(content)


def done_in(folder: Path) -> Done:
    """Tell how far the training in `folder` has come.

    Raises
    ------
    UnreadableFileError
        If the checkpoint is damaged.
    """
    return _done(_read(folder / CHECKPOINT_NAME))


def _done(content: dict[str, Any]) -> Done:
    return Done(int(content.get("step", 0)), float(content.get("seconds", 0.0)))


def _read(path: Path) -> dict[str, Any]:
    """Return what `save` wrote, on the CPU; empty where there is no checkpoint."""
    if not path.exists():
        return {}
    try:
        return dict(torch.load(path, weights_only=True, map_location="cpu"))
    except _DAMAGE as error:
        raise UnreadableFileError(
            "the checkpoint is damaged",
            case=str(path),
            found=" ".join(str(error).split())[:200],
            remedy="Remove it, and this stage of the training starts again",
        ) from error
