"""The training loop: seeded, resumable, with averaged weights and checkpoints that are whole or absent."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from lesionseg.training.checkpoint import Done, State, resume, save
from lesionseg.training.figures_log import append_row, trim_log
from lesionseg.training.losses import region_loss
from lesionseg.training.sampling import Batch


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast to learn.

    `bfloat16` halves the cost of a step on processors and GPUs that have it; `freeze_normalization` is for
    weights that were trained before.
    """

    steps: int = 3000
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup_steps: int = 50
    averaging: float = 0.995
    gradient_limit: float = 5.0
    checkpoint_every: int = 50
    log_every: int = 10
    workers: int = 1
    freeze_normalization: bool = False
    bfloat16: bool = False


BatchSource = Callable[[int, int], Dataset[Batch]]
"""Makes the batches from number `first` on, `count` of them; one is one step."""


def train(
    network: nn.Module,
    batches: BatchSource,
    settings: TrainingSettings,
    folder: Path,
    report: Callable[[dict[str, float]], None] | None = None,
    *,
    device: str = "cpu",
) -> dict[str, Tensor]:
    """Train `network` on `device` and return the averaged weights, on the CPU.

    Resumes from ``folder/checkpoint.pt`` where it exists, with the same sequence of batches an unbroken run
    would have seen. A row of figures goes to ``folder/log.csv`` every `log_every` steps.

    Raises
    ------
    UnreadableFileError
        If the checkpoint is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network.to(device)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    state = State(network, copy.deepcopy(network).eval(), optimizer)
    done = resume(folder, state)
    trim_log(folder, done.steps)
    started = time.monotonic() - done.seconds
    left = max(0, settings.steps - done.steps)
    loader = DataLoader(
        batches(done.steps, left),
        batch_size=None,
        num_workers=settings.workers if left else 0,
        pin_memory=device != "cpu",
    )
    network.train()
    if settings.freeze_normalization:
        _freeze_normalization(network)
    for step, (images, labels) in enumerate(loader, start=done.steps + 1):
        rate = learning_rate(step, settings)
        batch = images.to(device, non_blocking=True), labels.to(device, non_blocking=True).long()
        figures = _learn(state, batch, rate, settings)
        _average(state, min(settings.averaging, step / (step + 10.0)))
        if step % settings.log_every == 0:
            row = {"step": float(step), **figures, "learning_rate": rate}
            append_row(folder, row)
            if report:
                report(row)
        if step % settings.checkpoint_every == 0 or step == settings.steps:
            save(folder, Done(step, time.monotonic() - started), state, asdict(settings))
    return {name: value.detach().cpu().clone() for name, value in state.averaged.state_dict().items()}


def learning_rate(step: int, settings: TrainingSettings) -> float:
    """Linear warm-up, then a cosine down to a hundredth of the peak."""
    if step <= settings.warmup_steps:
        return settings.learning_rate * step / settings.warmup_steps
    progress = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    return settings.learning_rate * (0.01 + 0.99 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress))))


def _learn(
    state: State, batch: tuple[Tensor, Tensor], rate: float, settings: TrainingSettings
) -> dict[str, float]:
    images, labels = batch
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.optimizer.zero_grad(set_to_none=True)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=settings.bfloat16):
        logits = state.network(images)
    loss, figures = region_loss(logits.float(), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(state.network.parameters(), settings.gradient_limit)
    state.optimizer.step()
    return {"loss": float(loss.detach()), **figures}


def _freeze_normalization(network: nn.Module) -> None:
    """Keep the running statistics of batch normalisation as they are and use them, as inference does.

    Needed where steps of different kinds alternate: stacks and single slices have other statistics, and one
    average of both fits neither.
    """
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()


@torch.no_grad()
def _average(state: State, keep: float) -> None:
    """Move the average a step towards the network; a tensor that goes by two names is moved once."""
    current, moved = state.network.state_dict(), set()
    for name, value in state.averaged.state_dict().items():
        if value.data_ptr() in moved:
            continue
        moved.add(value.data_ptr())
        if value.dtype.is_floating_point:
            value.mul_(keep).add_(current[name], alpha=1.0 - keep)
        else:
            value.copy_(current[name])
