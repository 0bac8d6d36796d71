"""Where a bundle fails, in pictures that show no patient: the worst of many synthetic chests.

    python -m scripts.evaluation.failure_pictures --model BUNDLE --out docs/images/lung-lesion-failures.png

Procedural chests get what resembles a lesion and is none, then lesions, as in training but from other
seeds. Of ``--cases`` the worst are drawn at the slice with the most false and missed lesion: CT, truth, what
was found. The choice is by figures alone: half of the rows have the lowest Dice of the lesion, the others the
most lesion found where there is none.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import edt
import numpy as np
import torch

from lesionseg.core.files import staged_file
from lesionseg.phantoms import ChestSettings, chest_phantom
from lesionseg.reports.canvas import BACKGROUND, DPI
from lesionseg.reports.panels import INK, PanelStyle, axial_plane, draw_panel
from lesionseg.segmentation import load_bundle, open_segmenter
from lesionseg.training.synthesis.lesions import LesionSettings, insert_lesions
from lesionseg.training.synthesis.lookalikes import add_lookalikes
from lesionseg.training.synthesis.patch import LungPatch
from lesionseg.training.synthesis.scanner import scanner_variation
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry
from scripts.evaluation.scores import Overlap

SEED = 91_000_000
"""Far from every seed of training, of reference ranges and of evaluation."""
SHAPE, SPACING_MM = (75, 200, 256), (4.0, 1.5, 1.5)
LEAST_TRUE_ML = 20.0
"""Smaller lesions have a low Dice for a few voxels."""
PANEL_INCHES = 2.6


@dataclass(frozen=True)
class Outcome:
    """A synthetic chest, its truth, and what the bundle made of it."""

    number: int
    volume: CTVolume
    truth: LabelMap
    found: LabelMap

    @property
    def dice(self) -> float:
        """Of the whole lesion."""
        return Overlap.of(self.found.lesion, self.truth.lesion).dice

    @property
    def true_ml(self) -> float:
        return int(self.truth.lesion.sum()) * self.truth.geometry.voxel_volume_ml

    @property
    def false_ml(self) -> float:
        """Lesion found where there is none."""
        return int((self.found.lesion & ~self.truth.lesion).sum()) * self.truth.geometry.voxel_volume_ml

    @property
    def worst_slice(self) -> int:
        return int((self.found.lesion != self.truth.lesion).sum(axis=(1, 2)).argmax())

    @property
    def caption(self) -> str:
        return (
            f"chest {self.number}: lesion {self.true_ml:.0f} ml, Dice {self.dice:.2f}, "
            f"found where none is {self.false_ml:.0f} ml"
        )


def synthetic_chest(number: int) -> tuple[CTVolume, LabelMap]:
    """Chest `number` with look-alikes, lesions and a drawn scanner."""
    chest = chest_phantom(
        ChestSettings(shape=SHAPE, spacing_mm=SPACING_MM), np.random.default_rng([SEED, number])
    )
    generator = torch.Generator().manual_seed(SEED + number)
    lung = chest.labels.lung
    depth_mm = edt.edt(lung, anisotropy=SPACING_MM).astype(np.float32)
    patch = LungPatch(
        torch.from_numpy(chest.volume.hu.astype(np.float32)),
        torch.from_numpy(lung),
        torch.from_numpy(depth_mm),
        SPACING_MM,
    )
    patch = add_lookalikes(patch, generator)
    hu, labels = insert_lesions(patch, LesionSettings(), generator)
    hu = scanner_variation(hu, patch.lung, generator)
    geometry = VolumeGeometry.from_axes(SHAPE, SPACING_MM)
    volume = CTVolume(hu.round().clamp(-1024, 3071).numpy().astype(np.int16), geometry, f"chest-{number:03d}")
    return volume, LabelMap(labels.numpy(), geometry)


def worst(outcomes: list[Outcome], rows: int) -> list[Outcome]:
    """Half by Dice, of those with enough lesion; the rest by lesion found where none is."""
    judged = sorted((one for one in outcomes if one.true_ml >= LEAST_TRUE_ML), key=lambda one: one.dice)
    chosen = judged[: (rows + 1) // 2]
    others = sorted((one for one in outcomes if one not in chosen), key=lambda one: -one.false_ml)
    return chosen + others[: rows - len(chosen)]


def draw(outcomes: list[Outcome], path: Path) -> None:
    """One row for each: CT, truth, found."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panel_height = PANEL_INCHES * SHAPE[1] / SHAPE[2]
    row_inches = panel_height + 0.25
    picture = Figure(figsize=(3 * PANEL_INCHES, row_inches * len(outcomes)), facecolor=BACKGROUND)
    FigureCanvasAgg(picture)
    for row, one in enumerate(outcomes):
        bottom = 1 - (row + 1) * row_inches / picture.get_figheight()
        height = panel_height / picture.get_figheight()
        for column, (labels, name) in enumerate(
            ((None, "CT"), (one.truth, "truth"), (one.found, "found")),
        ):
            axes = picture.add_axes((column / 3, bottom, 1 / 3, height))
            shown = (labels or one.truth).labels
            plane = axial_plane(one.volume.hu, shown, one.worst_slice, SPACING_MM)
            draw_panel(axes, plane, PanelStyle(overlay=labels is not None))
            picture.text(column / 3 + 0.005, bottom + 0.93 * height, name, color=INK, va="bottom", fontsize=7)
        picture.text(0.005, bottom + height, one.caption, color=INK, va="bottom", fontsize=7)
    with staged_file(path) as staged:
        picture.savefig(staged, format="png", dpi=DPI, facecolor=BACKGROUND)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=None, help="bundle folder or name; the default bundle if left out")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=40)
    parser.add_argument("--rows", type=int, default=6)
    arguments = parser.parse_args()
    segmenter = open_segmenter(load_bundle(arguments.model))
    outcomes = []
    for number in range(arguments.cases):
        volume, truth = synthetic_chest(number)
        outcomes.append(Outcome(number, volume, truth, segmenter.segment(volume)))
        print(outcomes[-1].caption, flush=True)
    with_lesion = [one.dice for one in outcomes if one.true_ml >= LEAST_TRUE_ML]
    print(
        f"median Dice of {len(with_lesion)} with {LEAST_TRUE_ML:.0f} ml or more: {np.median(with_lesion):.2f}"
    )
    draw(worst(outcomes, arguments.rows), arguments.out)


if __name__ == "__main__":
    main()
