"""Rows 5 and 6: the 50 expert slices, by bundles that never saw one and by five-fold cross-validation.

The slices are grey pictures without Hounsfield units. Their ground glass and consolidation stand against
non-solid lesion and solid component.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from lesionseg.core.errors import ConfigurationError, InputError
from lesionseg.core.labels import Label
from lesionseg.segmentation import load_bundle
from lesionseg.training.pictures.grey import hounsfield_from_grey
from lesionseg.training.pictures.outlined import OutlinedPicture, read_outlined_pictures
from lesionseg.training.synthesis.lesions import SOLID_FROM_HU
from scripts.evaluation.figures import REAL, Figure, mean, pooled
from scripts.evaluation.inputs import Inputs
from scripts.evaluation.methods import RESEARCH, Bench, source_of
from scripts.evaluation.picture_methods import PictureNetwork
from scripts.evaluation.scores import DICE_RULES, POOLED_DICE, Overlap, chosen_by, together

ZERO_SHOT_ROW, CROSS_VALIDATED_ROW = 5, 6
ASSIGNMENT = "folds.json"
CLASSES = {
    "lesion": (Label.NON_SOLID, Label.SOLID),
    "ground glass": (Label.NON_SOLID,),
    "consolidation": (Label.SOLID,),
}
OUTLINE_GIVEN = "outline given, solid above -300 HU"
"""Not a method: what the bundles' convention of the solid component can reach against these readers."""
CONVENTION_SMOOTHING = 1 / 256
"""Of a picture's width: standard deviation of the blur before the boundary is drawn, about 1 mm."""
Labelling = Callable[[OutlinedPicture], np.ndarray]


def zero_shot(bench: Bench, inputs: Inputs) -> Iterator[Figure]:
    """Row 5: every method on every slice, and the readers' outline split by density alone."""
    slices = read_outlined_pictures(inputs.slices)
    for method in bench.chosen:
        yield from figures(
            ZERO_SHOT_ROW, method, slices, lambda one, m=method: bench.picture_labels(m, one.grey.numpy())
        )
    for figure in figures(ZERO_SHOT_ROW, OUTLINE_GIVEN, slices, split_by_density):
        yield replace(figure, source="readers' outlines")


def split_by_density(one: OutlinedPicture) -> np.ndarray:
    """Labels of the readers' own outline, split where the density crosses the bundles' boundary."""
    hu = hounsfield_from_grey(one.grey).numpy()
    smooth = gaussian_filter(hu, CONVENTION_SMOOTHING * hu.shape[1])
    outline = np.isin(one.labels.numpy(), CLASSES["lesion"])
    split = np.where(smooth > SOLID_FROM_HU, int(Label.SOLID), int(Label.NON_SOLID))
    return np.where(outline, split, int(Label.BACKGROUND))


def cross_validated(bench: Bench, inputs: Inputs) -> Iterator[Figure]:  # noqa: ARG001 - the folds stand in for it
    """Row 6: each slice by the bundle of the fold that left it out."""
    if inputs.folds is None:
        raise ConfigurationError(
            "row 6 needs the bundles of the folds", remedy="Name their folder by --folds"
        )
    slices = read_outlined_pictures(inputs.slices)
    assignment = read_assignment(inputs.folds / ASSIGNMENT, [one.name for one in slices])
    fold_of = {name: fold for fold, names in assignment.items() for name in names}
    bundles = {fold: load_bundle(inputs.folds / fold) for fold in assignment}
    networks = {fold: PictureNetwork.of(bundle) for fold, bundle in bundles.items()}
    source = "; ".join(source_of(bundle) for bundle in bundles.values())
    method = f"{RESEARCH}, {len(networks)} folds"
    for figure in figures(
        CROSS_VALIDATED_ROW, method, slices, lambda one: networks[fold_of[one.name]].labels(one.grey.numpy())
    ):
        yield replace(figure, source=source)


def figures(
    row: int, method: str, slices: Sequence[OutlinedPicture], labelling: Labelling
) -> Iterator[Figure]:
    """Yield the Dice of every slice and class where it is not empty on both sides, and the means."""
    found: dict[str, list[tuple[str, Overlap]]] = {name: [] for name in CLASSES}
    for one in slices:
        for name, overlap in overlaps(labelling(one), one.labels.numpy()).items():
            found[name].append((one.name, overlap))
    data = f"{len(slices)} expert slices"
    for name, by_slice in found.items():
        for case, overlap in by_slice:
            if not overlap.is_empty:
                yield Figure(row, REAL, method, data, f"Dice {name}", overlap.dice, case=case)
        yield from _means(
            Figure(row, REAL, method, data, f"Dice {name}", 0.0), [item[1] for item in by_slice]
        )


def overlaps(labels: np.ndarray, truth: np.ndarray) -> dict[str, Overlap]:
    """Overlap of every class on one slice; whatever in the truth is neither of both is no lesion."""
    return {
        name: Overlap.of(np.isin(labels, members), np.isin(truth, members))
        for name, members in CLASSES.items()
    }


def _means(template: Figure, found: list[Overlap]) -> Iterator[Figure]:
    for rule in DICE_RULES:
        entered = [replace(template, value=overlap.dice) for overlap in chosen_by(rule, found)]
        if entered:
            yield pooled(entered, mean, f"{template.measure}, mean, {rule}")
    yield replace(
        template, measure=f"{template.measure}, {POOLED_DICE}", value=together(found).dice, count=len(found)
    )


def read_assignment(path: Path, names: list[str]) -> dict[str, list[str]]:
    """Which slices each fold's bundle never saw: ``{"fold folder": ["slice name", ...], ...}``.

    Raises
    ------
    InputError
        If the folds do not hold every slice exactly once.
    """
    assignment: dict[str, list[str]] = json.loads(Inputs(path).existing(path).read_text(encoding="utf-8"))
    assigned = sorted(name for fold in assignment.values() for name in fold)
    if assigned != sorted(names):
        odd = sorted(set(assigned) ^ set(names)) or sorted(
            {one for one in assigned if assigned.count(one) > 1}
        )
        raise InputError(
            "the folds must hold every slice exactly once",
            case=str(path),
            expected=f"{len(names)} slices",
            found=f"{len(assigned)} entries, odd ones: {', '.join(odd[:5])}",
        )
    return assignment
