"""Row 3: lesion found in lungs that have none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lesionseg.segmentation import ModelMetadata, open_segmenter
from lesionseg.training.chests.scans import WHOLE, Box
from lesionseg.volume import CTVolume, LabelMap
from scripts.evaluation.figures import REAL, Figure
from scripts.evaluation.inputs import Inputs, standard
from scripts.evaluation.methods import NETWORKS, Bench, say, source_of
from scripts.evaluation.scores import share_pct

ROW = 3
MEASURE = "lesion in clear lung, % of lung"
DATA = "clear lungs"


@dataclass(frozen=True)
class ClearScan:
    """A scan, the word by which a bundle's list of training data names it, and where it is diseased."""

    name: str
    known_as: str
    diseased: Box | None = None


SCANS = (
    ClearScan("normal001", "normal001"),
    ClearScan("nsclcrg-R01-001", "R01-001"),
    ClearScan("cptac-C3N-00247", "C3N-00247"),
    ClearScan("lungdx-A0002_8mm", "A0002", ((0.33, 0.9), WHOLE, (0.0, 0.5))),
)
"""normal001 alone is never trained on by any bundle; the box of A0002 holds its mass and collapse."""


def figures(bench: Bench, inputs: Inputs) -> Iterator[Figure]:
    """Yield the share of each clear lung that every method calls lesion."""
    for scan in SCANS:
        volume = inputs.scan(scan.name)
        for method, labels in bench.label_maps(volume):
            yield _figure(method, scan, volume, labels, _note(bench, method, scan))
    if inputs.left_out_model is not None:
        segmenter = open_segmenter(inputs.left_out_model)
        for scan in SCANS:
            volume = inputs.scan(scan.name)
            note = trained_note(segmenter.bundle.metadata, scan)
            say(f"{scan.name}: {segmenter.bundle_name}")
            figure = _figure("scans left out", scan, volume, segmenter.segment(volume), note)
            yield replace(figure, source=source_of(segmenter.bundle))


def _figure(method: str, scan: ClearScan, volume: CTVolume, labels: LabelMap, note: str) -> Figure:
    value = false_share_pct(standard(volume, labels.lesion), standard(volume, labels.lung), scan.diseased)
    if scan.diseased is not None:
        note += ", away from its mass"
    return Figure(ROW, REAL, method, DATA, MEASURE, value, case=scan.name, note=note)


def false_share_pct(lesion: np.ndarray, lung: np.ndarray, diseased: Box | None = None) -> float:
    """Lesion in % of lung outside a box of disease; arrays in standard axial order."""
    clear = np.ones(lung.shape, dtype=np.bool_)
    if diseased is not None:
        box = tuple(
            slice(round(start * length), round(stop * length))
            for (start, stop), length in zip(diseased, lung.shape, strict=True)
        )
        clear[box] = False
    return share_pct(lesion, lung & clear)


def trained_note(metadata: ModelMetadata, scan: ClearScan) -> str:
    """Whether the scan stands in the bundle's own list of training data."""
    listed = any(scan.known_as in source.name for source in metadata.training_data)
    return "trained on" if listed else "not trained on"


def _note(bench: Bench, method: str, scan: ClearScan) -> str:
    if method not in NETWORKS:
        return f"not trained; lungs by {bench.lungs_by}"
    return trained_note(bench.segmenters[method].bundle.metadata, scan)
