"""A whole training run: data prepared, stages trained, a bundle written, verified and tried on a phantom."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from lesionseg.core.files import write_text
from lesionseg.segmentation import ModelBundle, resolve
from lesionseg.segmentation.bundle_files import CARD_NAME, METADATA_NAME, SUMS_NAME, WEIGHTS_NAME
from lesionseg.segmentation.device import AUTO, TORCH
from lesionseg.segmentation.network import build_network
from lesionseg.training.chests.prepared import list_chests, prepare_chests
from lesionseg.training.chests.scans import TrainingScan
from lesionseg.training.chests.sources import Chest
from lesionseg.training.config import TrainingConfig
from lesionseg.training.finish import finish_bundle, run_facts, try_on_phantom
from lesionseg.training.loop import BatchSource, train
from lesionseg.training.pictures.outlined import (
    OutlinedBatches,
    OutlinedPicture,
    OutlinedSettings,
    chosen_pictures,
)
from lesionseg.training.plan import PlannedStage, TrainingPlan, make_plan
from lesionseg.training.run_folder import (
    RESULT_NAME,
    SCANS_NAME,
    TENSORBOARD_NAME,
    open_run_folder,
    run_identity,
    stage_folder,
)
from lesionseg.training.sampling import Batch, SyntheticBatches
from lesionseg.training.tensorboard_log import ABSENT_NOTE, TensorboardLog, tensorboard_installed
from lesionseg.workflow.output import OwnOutput, refuse_output
from lesionseg.workflow.progress import CaseProgress, no_progress, of_stage
from lesionseg.workflow.selftest import SelfTestLine

BUNDLE_OUTPUT = OwnOutput((METADATA_NAME, WEIGHTS_NAME, CARD_NAME, SUMS_NAME), SUMS_NAME, CARD_NAME)

RowReport = Callable[[Mapping[str, float]], None]


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; none of it is in the configuration.

    Attributes
    ----------
    device : str
        ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
    threads : int, optional
        CPU threads of torch.
    restart : bool
        Throw away what an earlier start of this run has done.
    overwrite : bool
        Replace an earlier bundle.
    """

    device: str = AUTO
    threads: int | None = None
    restart: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Material:
    """What there is to learn from: prepared chests and outlined pictures."""

    scans: Sequence[TrainingScan]
    pictures: Sequence[OutlinedPicture] = ()


@dataclass(frozen=True)
class ReadyRun:
    """A run whose configuration, data and device hold; nothing of it is computed or written yet."""

    plan: TrainingPlan
    device: str
    chests: list[Chest]
    pictures: tuple[OutlinedPicture, ...]

    @property
    def identity(self) -> dict[str, Any]:
        """Everything that decides the weights; see `run_identity`."""
        return run_identity(self.plan, self.chests, self.pictures)

    @property
    def counts(self) -> dict[str, int]:
        """How many chests of each kind, and pictures, it learns from."""
        kinds = Counter(chest.kind.split()[0] for chest in self.chests)
        kinds.update({"picture": len(self.pictures)} if self.pictures else {})
        return dict(sorted(kinds.items()))


@dataclass(frozen=True)
class TrainingResult:
    """What a run ended with.

    Attributes
    ----------
    bundle : ModelBundle
        Written and verified.
    steps : int
    hours : float
        Spent on steps, over all starts of the run.
    device : str
    self_test : tuple of SelfTestLine
        A phantom, true and as the new bundle measures it.
    notes : tuple of str
    """

    bundle: ModelBundle
    steps: int
    hours: float
    device: str
    self_test: tuple[SelfTestLine, ...]
    notes: tuple[str, ...]


def run_training(
    config: TrainingConfig,
    options: RunOptions | None = None,
    *,
    progress: CaseProgress = no_progress,
    on_row: RowReport | None = None,
) -> TrainingResult:
    """Carry out a configuration, or go on where an earlier start of the same run was broken off.

    Parameters
    ----------
    config : TrainingConfig
    options : RunOptions, optional
    progress : CaseProgress
        Told about the stages ``prepare`` and ``train``.
    on_row : callable, optional
        Given every row of figures; its ``step`` counts over all stages.

    Raises
    ------
    ConfigurationError, InputError, BundleError, DeviceError
        Before anything is computed, where settings, data, bundle or device do not hold.
    OutputExistsError
        If the output or the run folder holds something else.
    """
    options = options or RunOptions()
    ready = ready_run(config, options)
    plan, device = ready.plan, ready.device
    open_run_folder(config.run_folder, ready.identity, restart=options.restart)
    scans = prepare_chests(ready.chests, config.run_folder / SCANS_NAME, of_stage(progress, "prepare"))
    weights = _train_stages(plan, Material(scans, ready.pictures), device, _Figures(plan, progress, on_row))
    facts = run_facts(plan, device, ready.counts)
    bundle = finish_bundle(plan, weights, facts, overwrite=options.overwrite)
    notes = [] if tensorboard_installed() else [ABSENT_NOTE]
    self_test = try_on_phantom(bundle, device, notes)
    result = TrainingResult(bundle, plan.steps, facts["hours"], facts["device"], self_test, tuple(notes))
    _write_result(config.run_folder / RESULT_NAME, result)
    return result


def ready_run(config: TrainingConfig, options: RunOptions) -> ReadyRun:
    """Settle and check everything that costs no computing, and touch no file.

    Raises
    ------
    ConfigurationError, InputError, BundleError, DeviceError, OutputExistsError
        As `run_training`.
    """
    plan = make_plan(config)
    refuse_output(config.output, BUNDLE_OUTPUT, overwrite=options.overwrite)
    device = choose_device(options)
    chests = list_chests(config.data, plan.metadata.preprocessing, config.seed)
    return ReadyRun(plan, device, chests, chosen_pictures(config.data.pictures))


def choose_device(options: RunOptions) -> str:
    """Settle the device, and the number of CPU threads; torch's name of the device."""
    device = resolve(options.device, TORCH).device
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    return device


def first_network(plan: TrainingPlan) -> nn.Module:
    """Build the network with the weights the run begins with: seeded random ones, or a bundle's."""
    torch.manual_seed(plan.config.seed)
    network = build_network(plan.metadata.network) if plan.start is None else plan.start.network()
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    return network


def batch_source(plan: TrainingPlan, stage: PlannedStage, material: Material) -> BatchSource:
    """Batches of one stage; their numbers go on where the stage before it stopped."""
    seed, pictures = plan.config.seed, plan.config.data.pictures

    def batches(first: int, count: int) -> Dataset[Batch]:
        number = stage.first_batch + first
        drawn = SyntheticBatches(material.scans, stage.batches, count=count, seed=seed, first=number)
        if pictures is None:
            return drawn
        settings = OutlinedSettings(count=stage.batches.pictures, hu_window=stage.batches.hu_window)
        return OutlinedBatches(
            material.pictures, drawn, settings, count=count, seed=seed, share=pictures.share, first=number
        )

    return batches


@dataclass(frozen=True)
class _Figures:
    """Where the rows of figures go."""

    plan: TrainingPlan
    progress: CaseProgress
    on_row: RowReport | None

    def reporter(self, stage: PlannedStage, board: TensorboardLog | None) -> RowReport:
        def report(row: Mapping[str, float]) -> None:
            step = stage.first_batch + int(row["step"])
            self.progress("train", step, self.plan.steps)
            if board is not None:
                board.write(step, row)
            if self.on_row is not None:
                self.on_row({**row, "step": float(step)})

        return report


def _train_stages(
    plan: TrainingPlan, material: Material, device: str, figures: _Figures
) -> dict[str, Tensor]:
    network = first_network(plan)
    run_folder = plan.config.run_folder
    weights: dict[str, Tensor] = {}
    with closing(TensorboardLog(run_folder / TENSORBOARD_NAME)) as board:
        for number, stage in enumerate(plan.stages):
            if weights:
                network.load_state_dict(weights)
            weights = train(
                network,
                batch_source(plan, stage, material),
                stage.settings,
                stage_folder(run_folder, number),
                figures.reporter(stage, board if tensorboard_installed() else None),
                device=device,
            )
    return weights


def _write_result(path: Path, result: TrainingResult) -> None:
    content = {
        "bundle": str(result.bundle.folder),
        "sha256": result.bundle.sha256,
        "steps": result.steps,
        "hours": result.hours,
        "device": result.device,
        "self_test": [asdict(line) for line in result.self_test],
        "notes": list(result.notes),
    }
    write_text(path, json.dumps(content, indent=1) + "\n")
