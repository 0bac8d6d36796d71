"""The model card of a bundle that a run ends with: a Markdown template filled in from what was done."""

from __future__ import annotations

import string
from collections.abc import Mapping
from pathlib import Path

from lesionseg.core.errors import ConfigurationError
from lesionseg.segmentation import ModelMetadata

TEMPLATE = """\
# Model card: $name $version

**$intended_use** $summary.

Written by `lesionseg train`. Nothing in it was measured on scans: do that before any use.

## What it does

Labels every voxel of a chest CT as background (0), lung without lesion (1), non-solid lesion (2) or solid
component (3). Lung is 1 + 2 + 3.

**Solid convention.** $solid_convention

**Network.** $network

## Training data

$data_table

Licence of the weights: $license. Commercial use: $commercial_use.

## Training

$training

## Measured

Nothing yet.

## Known failures

Not yet looked for. What the data above did not show, the network cannot know: children, effusion, masses,
metal and motion unless they are in it.
"""

PLACEHOLDERS = (
    "name", "version", "summary", "intended_use", "solid_convention", "network", "data_table", "license",
    "commercial_use", "training", "seed", "steps", "hours", "device",
)  # fmt: skip
"""What may stand behind a dollar sign in a template; a dollar sign itself is written twice."""


def read_template(path: Path | None) -> str:
    """Read a card's template, or return the built-in one.

    Raises
    ------
    ConfigurationError
        If it holds a placeholder that cannot be filled, for that must not come out after hours of training.
    """
    if path is None:
        return TEMPLATE
    text = path.read_text(encoding="utf-8")
    template = string.Template(text)
    unknown = sorted(set(template.get_identifiers()) - set(PLACEHOLDERS))
    if unknown or not template.is_valid():
        raise ConfigurationError(
            "the model card's template cannot be filled in",
            case=str(path),
            expected="$" + ", $".join(PLACEHOLDERS),
            found="$" + ", $".join(unknown) if unknown else "a dollar sign without a name",
            remedy="Correct the placeholder, or write a dollar sign as $$",
        )
    return text


def fill_card(template: str, metadata: ModelMetadata, facts: Mapping[str, str]) -> str:
    """Fill a template; `facts` holds what only the run knows: training, seed, steps, hours, device."""
    network = metadata.network
    return string.Template(template).substitute(
        facts,
        name=metadata.name,
        version=metadata.version,
        summary=metadata.summary.rstrip("."),
        intended_use=metadata.intended_use,
        solid_convention=metadata.solid_convention,
        network=f"MONAI `{network.class_name}`; arguments and preprocessing in `metadata.json`.",
        data_table=_data_table(metadata),
        license=metadata.license,
        commercial_use="yes" if metadata.commercial_use else "no",
    )


def _data_table(metadata: ModelMetadata) -> str:
    rows = [
        f"| {_cell(part.name)} | {_cell(part.license)} | {_cell(part.use)} |"
        for part in metadata.training_data
    ]
    return "\n".join(["| data | licence | use |", "|---|---|---|", *rows])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
