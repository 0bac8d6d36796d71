"""Row 1: synthetic lesions in anatomies that no training saw."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lesionseg.training.chests.lung_truth import lung_truth
from lesionseg.training.evaluation import ClearLungs, SyntheticCase, inserted_case, procedural_case
from lesionseg.volume import LabelMap, standard_axis_order
from scripts.evaluation.figures import (
    SYNTHETIC,
    Figure,
    groups,
    mean,
    median_magnitude,
    p95_magnitude,
    pooled,
)
from scripts.evaluation.inputs import Inputs, standard
from scripts.evaluation.methods import Bench
from scripts.evaluation.scores import Overlap, share_pct

ROW = 1
PROCEDURAL, INSERTED, ALL = "procedural chests", "held-out scans, lesions inserted", "all cases"
LESION_ERROR, SOLID_ERROR = "lesion proportion error, pp", "solid proportion error, pp"
RIGHT, LEFT = 1, 2


@dataclass(frozen=True)
class ClearPart:
    """A slab of a scan with one clear lung: contour value of that lung, ascending slices."""

    name: str
    side: int
    slices: tuple[int, int]


CLEAR_PARTS = (ClearPart("lung1-001", RIGHT, (30, 80)), ClearPart("lung1-002", LEFT, (32, 95)))
"""Opposite the tumour, chosen by eye: above the dependent densities at the bases, below the diseased apex of
lung1-001."""
ROUND = ("normal001", "normal001", "lung1-001", "normal001", "lung1-002")
"""Which scan each inserted case goes into, over and over."""


def figures(bench: Bench, inputs: Inputs) -> Iterator[Figure]:
    """Yield figures of every case, then of both groups and of all."""
    found: list[Figure] = []
    for case, data in _cases(inputs):
        for method, labels in bench.label_maps(case.volume):
            for measure, value in scores_of(case, labels, lung=method in bench.networks).items():
                found.append(Figure(ROW, SYNTHETIC, method, data, measure, value, case=case.volume.name))
                yield found[-1]
    yield from pooled_figures(found)
    yield from pooled_figures([replace(figure, data=ALL) for figure in found])


def scores_of(case: SyntheticCase, found: LabelMap, *, lung: bool = True) -> dict[str, float]:
    """Dice of each region that is found or true, and errors of the proportions, in the judged part."""
    judged = case.judged
    scores = {}
    for region in ("lung", "lesion", "solid") if lung else ("lesion", "solid"):
        overlap = Overlap.of(getattr(found, region) & judged, getattr(case.truth, region) & judged)
        if not overlap.is_empty:
            scores[f"Dice {region}"] = overlap.dice
    for region, measure in (("lesion", LESION_ERROR), ("solid", SOLID_ERROR)):
        shares = [share_pct(getattr(labels, region), labels.lung & judged) for labels in (found, case.truth)]
        scores[measure] = shares[0] - shares[1]
    return scores


def pooled_figures(found: list[Figure]) -> Iterator[Figure]:
    """Yield mean Dice; bias, median and 95th percentile of the magnitude of errors."""
    for group in groups(found):
        measure = group[0].measure
        yield pooled(group, mean, f"{measure}, mean")
        if not measure.startswith("Dice"):
            yield pooled(group, median_magnitude, f"{measure}, median magnitude")
            yield pooled(group, p95_magnitude, f"{measure}, 95th percentile of the magnitude")


def _cases(inputs: Inputs) -> Iterator[tuple[SyntheticCase, str]]:
    inserted = inputs.cases // 2
    for number in range(inputs.cases - inserted):
        yield procedural_case(number), PROCEDURAL
    lungs: dict[str, ClearLungs] = {}
    for number in range(inserted):
        name = ROUND[number % len(ROUND)]
        if name not in lungs:
            lungs[name] = clear_lungs(inputs, name)
        yield inserted_case(lungs[name], number), INSERTED


def clear_lungs(inputs: Inputs, name: str) -> ClearLungs:
    """Clear lungs of one of the held-out scans: both of normal001, one of the others."""
    volume = inputs.scan(name)
    hu = standard(volume, volume.hu)
    spacing_mm = standard_axis_order(volume.geometry).apply_to_geometry(volume.geometry).spacing_mm
    part = next((part for part in CLEAR_PARTS if part.name == name), None)
    if part is None:
        lung, _ = lung_truth(hu, spacing_mm)
        return ClearLungs(name, hu, lung, np.ones_like(lung), spacing_mm)
    contour = standard(volume, inputs.mask(name, "lung"))
    slab = slice(*part.slices)
    judged = nearest_to(contour == part.side, contour == LEFT + RIGHT - part.side, spacing_mm)
    return ClearLungs(name, hu[slab], (contour == part.side)[slab], judged[slab], spacing_mm)


def nearest_to(wanted: np.ndarray, other: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """Part of the grid that lies nearer to one mask than to another."""
    import edt

    to_wanted, to_other = (edt.edt(~mask, anisotropy=spacing_mm) for mask in (wanted, other))
    return np.asarray(to_wanted <= to_other)
