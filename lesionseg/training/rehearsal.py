"""A rehearsal of a run: configuration and data checked, one batch made, one step done, nothing written."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from lesionseg.training.checkpoint import done_in
from lesionseg.training.chests.prepared import prepare_chests
from lesionseg.training.chests.sources import Chest
from lesionseg.training.config import TrainingConfig
from lesionseg.training.finish import SECONDS_PER_HOUR
from lesionseg.training.losses import region_loss
from lesionseg.training.plan import TrainingPlan
from lesionseg.training.run import (
    Material,
    RunOptions,
    batch_source,
    first_network,
    ready_run,
)
from lesionseg.training.run_folder import refuse_other_run, stage_folder
from lesionseg.training.tensorboard_log import ABSENT_NOTE, tensorboard_installed
from lesionseg.workflow.progress import CaseProgress, no_progress


@dataclass(frozen=True)
class Rehearsal:
    """What a run would do.

    Attributes
    ----------
    chests : dict
        How many of each kind it would learn from.
    steps, steps_done : int
        In all, and found done in the run folder.
    seconds_per_step : float
        Of the first step, which is slower than the later ones.
    loss : float
        Of the first batch.
    device : str
    run_folder, output : Path
    notes : tuple of str
    """

    chests: dict[str, int]
    steps: int
    steps_done: int
    seconds_per_step: float
    loss: float
    device: str
    run_folder: Path
    output: Path
    notes: tuple[str, ...] = field(default=())

    @property
    def hours_left(self) -> float:
        """Rough estimate for the steps that remain."""
        return (self.steps - self.steps_done) * self.seconds_per_step / SECONDS_PER_HOUR


def rehearse(
    config: TrainingConfig, options: RunOptions | None = None, *, progress: CaseProgress = no_progress
) -> Rehearsal:
    """Do everything that a run does before its second step, and leave no file behind.

    Every file is read and checked; of each kind of data one chest is prepared.

    Raises
    ------
    LesionSegError
        Whatever the run itself would raise about configuration, data, bundle, device or folders.
    """
    options = options or RunOptions()
    ready = ready_run(config, options)
    plan, chests = ready.plan, ready.chests
    refuse_other_run(config.run_folder, ready.identity, restart=options.restart)
    for done, chest in enumerate(chests, start=1):
        chest.check()
        progress("prepare", done, len(chests))
    material = Material(prepare_chests(_one_of_each(chests), None), ready.pictures)
    loss, seconds = _one_step(plan, material, ready.device)
    return Rehearsal(
        chests=ready.counts,
        steps=plan.steps,
        steps_done=0 if options.restart else _steps_done(plan),
        seconds_per_step=seconds,
        loss=loss,
        device=ready.device,
        run_folder=config.run_folder,
        output=config.output,
        notes=() if tensorboard_installed() else (ABSENT_NOTE,),
    )


def _one_of_each(chests: list[Chest]) -> list[Chest]:
    return list({chest.kind: chest for chest in reversed(chests)}.values())


def _one_step(plan: TrainingPlan, material: Material, device: str) -> tuple[float, float]:
    """Loss of the first batch, and seconds for making it and learning from it."""
    stage = plan.stages[0]
    network = first_network(plan).to(device).train()
    started = time.perf_counter()
    images, labels = batch_source(plan, stage, material)(0, 1)[0]
    with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=stage.settings.bfloat16):
        logits = network(images.to(device))
    loss, _ = region_loss(logits.float(), labels.to(device).long())
    loss.backward()  # type: ignore[no-untyped-call]
    return float(loss.detach()), time.perf_counter() - started


def _steps_done(plan: TrainingPlan) -> int:
    folders = (stage_folder(plan.config.run_folder, number) for number in range(len(plan.stages)))
    return sum(done_in(folder).steps for folder in folders)
