"""Measure a bundle on chests it was never trained on, and print one Markdown table.

    python scripts/evaluate_bundle.py --data DATA --model models/lung-lesion --json accuracy.json

Synthetic and real results stand in separate rows. DATA is the folder that holds ``ct`` and ``ct-1p5mm``; rows
whose scans are absent are left out, and said to be.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from lesionseg.dicom import load_series
from lesionseg.phantoms import ChestSettings, add_lesions, chest_phantom
from lesionseg.segmentation import Segmenter, load_bundle, open_segmenter
from lesionseg.training.scans import training_scan
from lesionseg.training.synthesis import LesionSettings, LungPatch, insert_lesions
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.volume.files import read_volume_file

PHANTOM_SEED = 99_000_000
"""Far from every seed used in training."""


@dataclass(frozen=True)
class Row:
    """One result: what was measured, on what kind of data, the figure."""

    kind: str
    data: str
    measure: str
    value: float
    note: str = ""


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Dice coefficient; two empty masks agree."""
    total = int(first.sum()) + int(second.sum())
    return 1.0 if total == 0 else 2.0 * int((first & second).sum()) / total


def area_under_roc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Probability that a positive slice scores above a negative one; ties count half."""
    above = scores[positive][:, None] - scores[~positive][None, :]
    return float((above > 0).mean() + 0.5 * (above == 0).mean())


def proportion_pct(part: np.ndarray, labels: LabelMap) -> float:
    """Share of the lung, in %."""
    return 100.0 * int(part.sum()) / max(1, int(labels.lung.sum()))


def region_rows(kind: str, data: str, found: LabelMap, truth: LabelMap) -> Iterator[Row]:
    for region in ("lung", "lesion", "solid"):
        yield Row(kind, data, f"Dice {region}", dice(getattr(found, region), getattr(truth, region)))
    error = proportion_pct(found.lesion, found) - proportion_pct(truth.lesion, truth)
    yield Row(kind, data, "lesion proportion error, percentage points", error)


def phantom_rows(segmenter: Segmenter, count: int) -> Iterator[Row]:
    """Procedural chests of unseen habitus."""
    for number in range(count):
        rng = np.random.default_rng(PHANTOM_SEED + number)
        chest = chest_phantom(ChestSettings(shape=(80, 200, 256), spacing_mm=(4.0, 1.5, 1.5)), rng)
        sick = add_lesions(chest, float(rng.uniform(2, 50)), float(rng.uniform(0, 0.8)), rng)
        found = segmenter.segment(sick.volume)
        yield from region_rows("synthetic", "procedural chest", found, sick.labels)


def inserted_rows(segmenter: Segmenter, volume: CTVolume, count: int) -> Iterator[Row]:
    """Synthetic lesions in the anatomy of a clear scan that was never trained on."""
    scan = training_scan(volume)
    patch = LungPatch(
        torch.from_numpy(scan.hu.astype(np.float32)),
        torch.from_numpy(scan.lung),
        torch.from_numpy(scan.depth_mm.astype(np.float32)),
        scan.spacing_mm,
    )
    for number in range(count):
        generator = torch.Generator().manual_seed(PHANTOM_SEED + number)
        hu, labels = insert_lesions(patch, LesionSettings(clear_probability=0.0), generator)
        sick = CTVolume(hu.round().numpy().astype(np.int16), volume.geometry, volume.name)
        truth = LabelMap(labels.numpy(), volume.geometry)
        yield from region_rows("synthetic", f"lesions in {volume.name}", segmenter.segment(sick), truth)


def contour_rows(segmenter: Segmenter, folder: Path, name: str) -> Iterator[Row]:
    """Lungs against radiotherapy contours; tumour voxels left out."""
    volume = read_volume_file(folder / f"{name}_ct.nii.gz")
    contour = read_volume_file(folder / f"{name}_lung.nii.gz").hu > 0
    known = read_volume_file(folder / f"{name}_gtv.nii.gz").hu == 0
    found = segmenter.segment(volume)
    yield Row("real", name, "Dice lung", dice(found.lung & known, contour & known), "tumour left out")


def clear_rows(segmenter: Segmenter, folder: Path, name: str, note: str) -> Iterator[Row]:
    found = segmenter.segment(read_volume_file(folder / f"{name}_ct.nii.gz"))
    yield Row("real", name, "lesion in clear lung, % of lung", proportion_pct(found.lesion, found), note)


def slice_label_rows(segmenter: Segmenter, folder: Path, name: str) -> Iterator[Row]:
    """Lesion area per slice against the radiologists' label of the slice."""
    volume = load_series(folder / name).volume
    found = segmenter.segment(volume)
    z_mm = volume.geometry.index_to_lps([(index, 0, 0) for index in range(volume.geometry.shape[0])])[:, 2]
    with (folder / f"{name}_slice_labels.csv").open() as stream:
        labelled = {round(float(row["z_mm"]), 1): row["lesion"] == "1" for row in csv.DictReader(stream)}
    positive = np.array([labelled[round(float(z), 1)] for z in z_mm])
    area = found.lesion.sum(axis=(1, 2))
    yield Row(
        "real", name, "area under ROC, slices", area_under_roc(area, positive), f"{positive.sum()} labelled"
    )
    yield Row("real", name, "lesion proportion, %", proportion_pct(found.lesion, found))
    yield Row("real", name, "solid proportion, %", proportion_pct(found.solid, found))
    yield Row("real", name, "lung, ml", float(found.lung.sum()) * volume.geometry.voxel_volume_ml)


def evaluate(segmenter: Segmenter, data: Path, count: int) -> list[Row]:
    """Run every part whose data is there."""
    thin = data / "ct-1p5mm"
    trained = "trained on"
    parts: list[tuple[Path | None, Callable[[], Iterator[Row]]]] = [
        (None, lambda: phantom_rows(segmenter, count)),
        (
            thin / "normal001_ct.nii.gz",
            lambda: inserted_rows(segmenter, read_volume_file(thin / "normal001_ct.nii.gz"), count),
        ),
        (thin / "lung1-001_lung.nii.gz", lambda: contour_rows(segmenter, thin, "lung1-001")),
        (thin / "lung1-002_lung.nii.gz", lambda: contour_rows(segmenter, thin, "lung1-002")),
        (thin / "normal001_ct.nii.gz", lambda: clear_rows(segmenter, thin, "normal001", "never trained on")),
        (thin / "nsclcrg-R01-001_ct.nii.gz", lambda: clear_rows(segmenter, thin, "nsclcrg-R01-001", trained)),
        (thin / "cptac-C3N-00247_ct.nii.gz", lambda: clear_rows(segmenter, thin, "cptac-C3N-00247", trained)),
        (data / "ct" / "P001", lambda: slice_label_rows(segmenter, data / "ct", "P001")),
        (data / "ct" / "cap002", lambda: slice_label_rows(segmenter, data / "ct", "cap002")),
    ]
    rows: list[Row] = []
    for needed, part in parts:
        if needed is None or needed.exists():
            rows += part()
        else:
            print(f"left out, not there: {needed}")
    return rows


def print_table(rows: list[Row]) -> None:
    """Print one line per measure; repeated ones as median and range."""
    print("| kind | data | measure | median | lowest | highest | n | note |")
    print("|---|---|---|---|---|---|---|---|")
    keys = list(dict.fromkeys((row.kind, row.data, row.measure, row.note) for row in rows))
    for kind, data, measure, note in keys:
        values = [
            row.value
            for row in rows
            if (row.kind, row.data, row.measure, row.note) == (kind, data, measure, note)
        ]
        figures = f"{np.median(values):.3f} | {min(values):.3f} | {max(values):.3f} | {len(values)}"
        print(f"| {kind} | {data} | {measure} | {figures} | {note} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=None, help="bundle folder or name; the default bundle if left out")
    parser.add_argument("--count", type=int, default=10, help="synthetic cases of each kind")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    segmenter = open_segmenter(load_bundle(arguments.model))
    rows = evaluate(segmenter, arguments.data, arguments.count)
    print_table(rows)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
