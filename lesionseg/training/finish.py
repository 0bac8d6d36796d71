"""The end of a run: what was done is written down, the bundle is made, verified and tried on a phantom."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import Tensor

from lesionseg.core.errors import LesionSegError
from lesionseg.core.provenance import package_versions
from lesionseg.segmentation import ModelBundle, open_segmenter, write_bundle
from lesionseg.segmentation.device import CPU, TORCH
from lesionseg.training.card import fill_card
from lesionseg.training.checkpoint import done_in
from lesionseg.training.plan import TrainingPlan
from lesionseg.training.run_folder import stage_folder
from lesionseg.workflow.selftest import SelfTestLine, network_self_test

RECORDED = ("lesionseg", "torch", "monai", "numpy", "scipy")
SECONDS_PER_HOUR = 3600.0


def run_facts(plan: TrainingPlan, device: str, chests: dict[str, int]) -> dict[str, Any]:
    """Tell what happened, for ``metadata.json`` and the card; no file name of anybody's data is in it."""
    folders = [stage_folder(plan.config.run_folder, number) for number in range(len(plan.stages))]
    start = plan.start
    return {
        "made_by": "lesionseg train",
        "seed": plan.config.seed,
        "started_from": None if start is None else {"bundle": start.name, "sha256": start.sha256},
        "chests": chests,
        "stages": [asdict(replace(stage.settings, batches=stage.batches)) for stage in plan.stages],
        "steps": plan.steps,
        "hours": round(sum(done_in(folder).seconds for folder in folders) / SECONDS_PER_HOUR, 3),
        "device": torch.cuda.get_device_name(device) if device != CPU else CPU,
        "threads": torch.get_num_threads(),
        "versions": package_versions(RECORDED),
    }


def finish_bundle(
    plan: TrainingPlan, weights: Mapping[str, Tensor], facts: Mapping[str, Any], *, overwrite: bool
) -> ModelBundle:
    """Write the bundle, which reads it back and verifies every byte."""
    record = json.loads(json.dumps(facts))
    metadata = plan.metadata.model_copy(update={"training": record})
    words = {name: str(facts[name]) for name in ("seed", "steps", "hours", "device")}
    card = fill_card(plan.card_template, metadata, {**words, "training": _training_words(facts)})
    return write_bundle(
        plan.config.output, state_dict=weights, metadata=metadata, model_card=card, overwrite=overwrite
    )


def _training_words(facts: Mapping[str, Any]) -> str:
    start = facts["started_from"]
    begin = f"From the weights of {start['bundle']}" if start else "From random weights"
    chests = ", ".join(f"{count} {kind}" for kind, count in facts["chests"].items())
    lines = [
        f"{begin}: {facts['steps']} steps in {facts['hours']:.2f} hours on {facts['device']}, seed "
        f"{facts['seed']}. Chests: {chests}. All settings stand in `metadata.json` under `training`.",
        "",
        "| stage | steps | learning rate | weight decay |",
        "|---|---|---|---|",
    ]
    for number, stage in enumerate(facts["stages"], start=1):
        lines.append(
            f"| {number} | {stage['steps']} | {stage['learning_rate']:g} | {stage['weight_decay']:g} |"
        )
    return "\n".join(lines)


def try_on_phantom(bundle: ModelBundle, device: str, notes: list[str]) -> tuple[SelfTestLine, ...]:
    """Send a phantom through the new bundle; what fails is said, and does not take the bundle away."""
    try:
        test = network_self_test(open_segmenter(bundle, device=device, runtime=TORCH))
    except LesionSegError as error:
        notes.append(f"The new bundle could not segment a phantom: {error}")
        return ()
    if not test.passed:
        notes.append("The new bundle misses the lungs of a phantom; do not use it before you know why")
    return test.lines
