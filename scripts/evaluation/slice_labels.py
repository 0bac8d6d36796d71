"""Row 4: lesions of P001 against what radiologists noted for each slice and lobe.

There is no lobe segmentation, so a lobe stands for its lung on the slices where it is labelled. A *cell* is
one lung on one slice: labelled where any lobe of that lung is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lesionseg.core.errors import InputError
from lesionseg.volume import CTVolume, LabelMap, standard_axis_order
from lesionseg.volumetry import Side, split_lungs
from scripts.evaluation.figures import REAL, Figure
from scripts.evaluation.inputs import Inputs, standard
from scripts.evaluation.methods import Bench
from scripts.evaluation.scores import area_under_roc, share_pct

ROW = 4
SIDES = {"right": Side.RIGHT, "left": Side.LEFT}
LOBES = {"RUL": "right", "RML": "right", "RLL": "right", "LUL": "left", "LLL": "left"}
FOUND_MM2 = 20.0
"""A lung counts as diseased on a slice from this lesion area: a disc 5 mm wide."""


@dataclass(frozen=True)
class LobeLabels:
    """What the radiologists noted, slices ascending.

    Attributes
    ----------
    diseased : ndarray of bool, shape (slices,)
        Lesion anywhere on the slice.
    lobes : dict of str to ndarray of bool
        The same for each lobe.
    """

    diseased: np.ndarray
    lobes: dict[str, np.ndarray]

    def side(self, name: str) -> np.ndarray:
        """Slices on which any lobe of one lung is labelled."""
        return np.any([self.lobes[lobe] for lobe, side in LOBES.items() if side == name], axis=0)


@dataclass(frozen=True)
class Cells:
    """Lesion and lung voxels of each lung on each slice, by side; area of one pixel."""

    lesion: dict[str, np.ndarray]
    lung: dict[str, np.ndarray]
    pixel_mm2: float

    def found(self, side: str) -> np.ndarray:
        """Slices on which lesion is found in one lung."""
        return self.lesion[side] * self.pixel_mm2 >= FOUND_MM2


def figures(bench: Bench, inputs: Inputs) -> Iterator[Figure]:
    """Yield every method's figures on P001."""
    volume = inputs.p001
    labels = read_labels(inputs.p001_slice_labels, volume)
    for method, label_map in bench.label_maps(volume, keep=True):
        for measure, value, count, note in scores(cells_of(volume, label_map), labels):
            yield Figure(ROW, REAL, method, "P001", measure, value, count=count, note=note)
        for region in ("lesion", "solid"):
            value = share_pct(getattr(label_map, region), label_map.lung)
            yield Figure(ROW, REAL, method, "P001", f"{region} proportion, %", value)


def scores(cells: Cells, labels: LobeLabels) -> Iterator[tuple[str, float, int, str]]:
    """Yield (measure, value, number of slices or cells, note)."""
    total = cells.lesion["right"] + cells.lesion["left"]
    yield "area under ROC, slices", area_under_roc(total, labels.diseased), labels.diseased.size, ""
    for side in SIDES:
        wanted, found = labels.side(side), cells.found(side)
        if wanted.any() and not wanted.all():
            yield f"area under ROC, {side} lung", area_under_roc(cells.lesion[side], wanted), wanted.size, ""
        yield f"sensitivity, {side} lung, % of labelled slices", *_percent(found, wanted), ""
        yield f"specificity, {side} lung, % of other slices", *_percent(~found, ~wanted), ""
    for lobe, side in LOBES.items():
        if labels.lobes[lobe].any():
            value, count = _percent(cells.found(side), labels.lobes[lobe])
            yield f"{lobe}: found in the {side} lung, % of its slices", value, count, ""
    for name, sides in (("right lung", ["right"]), ("left lung", ["left"]), ("both lungs", list(SIDES))):
        lesion = np.concatenate([cells.lesion[side][~labels.side(side)] for side in sides]).sum()
        lung = np.concatenate([cells.lung[side][~labels.side(side)] for side in sides]).sum()
        count = sum(int((~labels.side(side)).sum()) for side in sides)
        value = 100.0 * float(lesion) / max(1.0, float(lung))
        yield f"lesion on unlabelled slices, {name}, % of lung there", value, count, ""


def cells_of(volume: CTVolume, labels: LabelMap) -> Cells:
    """Count lesion and lung of each lung on each slice, feet first."""
    sides = standard(volume, split_lungs(labels.lung, labels.geometry))
    lesion = standard(volume, labels.lesion)
    geometry = standard_axis_order(volume.geometry).apply_to_geometry(volume.geometry)
    return Cells(
        lesion={name: (lesion & (sides == side)).sum(axis=(1, 2)) for name, side in SIDES.items()},
        lung={name: (sides == side).sum(axis=(1, 2)) for name, side in SIDES.items()},
        pixel_mm2=geometry.spacing_mm[1] * geometry.spacing_mm[2],
    )


def read_labels(path: Path, volume: CTVolume) -> LobeLabels:
    """Read the label of every slice of a volume, matched by its height.

    Raises
    ------
    InputError
        If a slice has no label.
    """
    geometry = standard_axis_order(volume.geometry).apply_to_geometry(volume.geometry)
    heights_mm = geometry.index_to_lps([(index, 0, 0) for index in range(geometry.shape[0])])[:, 2]
    with path.open(encoding="utf-8", newline="") as stream:
        known = {round(float(row["z_mm"]), 1): row for row in csv.DictReader(stream)}
    missing = [float(z_mm) for z_mm in heights_mm if round(float(z_mm), 1) not in known]
    if missing:
        raise InputError(
            "slices have no label", case=str(path), found=f"{len(missing)}, first at {missing[0]} mm"
        )
    rows = [known[round(float(z_mm), 1)] for z_mm in heights_mm]
    return LobeLabels(
        np.array([row["lesion"] == "1" for row in rows]),
        {lobe: np.array([row[lobe] == "1" for row in rows]) for lobe in LOBES},
    )


def _percent(hit: np.ndarray, among: np.ndarray) -> tuple[float, int]:
    """Share of the slices `among` that are hit, in %, and how many there are."""
    return share_pct(hit, among), int(among.sum())
