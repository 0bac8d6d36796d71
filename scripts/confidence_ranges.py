"""Measure what scans a bundle is known to handle look like, and how wide its intervals must be.

    python scripts/confidence_ranges.py --data DATA --model models/lung-lesion
    python scripts/confidence_ranges.py --data DATA --model models/lung-lesion --write

Reference scans are open scans that went into training (those of ``DATA/ct-1p5mm`` that are there), phantom
chests with lesions, and synthetic lesions in two of the scans. Of the synthetic ones the truth is known: from
them comes the factor by which the interval around a proportion is stretched. Scans kept for testing are never
read. ``--write`` puts the result into the bundle's metadata; weights and card stay as they are.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

import numpy as np
import torch

from lesionseg.phantoms import ChestSettings, add_lesions, chest_phantom
from lesionseg.segmentation import (
    FigureRange,
    ModelBundle,
    NetworkSegmenter,
    ReferenceRanges,
    load_bundle,
    open_segmenter,
    write_bundle,
)
from lesionseg.training.chests.scans import training_scan
from lesionseg.training.synthesis.lesions import LesionSettings, LungPatch, insert_lesions
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, standard_axis_order
from lesionseg.volume.files import read_volume_file
from lesionseg.volumetry import measure

SCANS = (
    "nsclcrg-R01-001",
    "cptac-C3N-00247",
    "lidc0314",
    "4dlung-113-p40",
    "lungdx-A0002_8mm",
    "lungfcp-01-0001",
)
CLEAR_SCANS = SCANS[:2]
"""Into which lesions are put."""
SEED = 77_000_000
"""Far from every seed of training and of evaluation."""
COVERAGE = 0.9
"""Share of the synthetic cases whose truth the interval is to hold."""

FEWEST_CASES = 9
"""With fewer there is no such quantile of so few cases, and the interval stays uncalibrated."""


@dataclass(frozen=True)
class Case:
    """One reference scan, measured; truths are None where they are not known."""

    name: str
    figures: dict[str, float]
    needed: tuple[float, float] | None = None


def reference_scans(data: Path) -> Iterator[CTVolume]:
    for name in SCANS:
        path = data / "ct-1p5mm" / f"{name}_ct.nii.gz"
        if path.exists():
            yield read_volume_file(path)
        else:
            print(f"left out, not there: {path}")


def phantoms(count: int) -> Iterator[tuple[CTVolume, LabelMap]]:
    """Procedural chests, a fifth of them clear, the others with lesions of 0.3 to 60 % of the lung."""
    for number in range(count):
        rng = np.random.default_rng([SEED, number])
        slice_mm = float(rng.uniform(2.0, 6.0))
        chest = chest_phantom(
            ChestSettings(shape=(round(300 / slice_mm), 200, 256), spacing_mm=(slice_mm, 1.5, 1.5)), rng
        )
        if number % 5:
            chest = add_lesions(
                chest, float(np.exp(rng.uniform(*np.log((0.3, 60.0))))), float(rng.uniform(0, 0.8)), rng
            )
        yield chest.volume, chest.labels


def inserted(data: Path, count: int) -> Iterator[tuple[CTVolume, LabelMap]]:
    """Synthetic lesions in every other slice of the clear scans."""
    paths = [data / "ct-1p5mm" / f"{name}_ct.nii.gz" for name in CLEAR_SCANS]
    for path in (path for path in paths if path.exists()):
        volume = every_other_slice(read_volume_file(path))
        scan = training_scan(volume)
        patch = LungPatch(
            torch.from_numpy(scan.hu.astype(np.float32)),
            torch.from_numpy(scan.lung),
            torch.from_numpy(scan.depth_mm.astype(np.float32)),
            scan.spacing_mm,
        )
        for number in range(count):
            generator = torch.Generator().manual_seed(SEED + number)
            hu, labels = insert_lesions(patch, LesionSettings(clear_probability=0.0), generator)
            name = f"lesions {number} in {volume.name}"
            yield (
                CTVolume(hu.round().numpy().astype(np.int16), volume.geometry, name),
                LabelMap(labels.numpy(), volume.geometry),
            )


def every_other_slice(volume: CTVolume) -> CTVolume:
    """In standard axial order, in which the lesions' truth comes back; half the time."""
    order = standard_axis_order(volume.geometry)
    standard = order.apply_to_geometry(volume.geometry)
    hu = np.ascontiguousarray(order.apply(volume.hu)[::2])
    affine = np.array(standard.affine)
    affine[:3, 0] *= 2
    return CTVolume(hu, VolumeGeometry(hu.shape, affine), volume.name)


def measured(segmenter: NetworkSegmenter, volume: CTVolume, truth: LabelMap | None = None) -> Case | None:
    """Segment one scan; with its truth, by how much each interval would have to be stretched to hold it."""
    found = segmenter.segment_assessed(volume)
    if found.confidence is None:
        print(f"left out, no lung found: {volume.name}")
        return None
    figures = {figure.name: figure.value for figure in found.confidence.figures}
    if truth is None:
        case = Case(volume.name, figures)
    else:
        true, whole = measure(volume, truth).whole, measure(volume, found.label_map).whole
        said = found.confidence
        case = Case(
            volume.name,
            figures,
            (
                _needed(whole.lesion_proportion_pct, true.lesion_proportion_pct, said.lesion),
                _needed(whole.solid_proportion_pct, true.solid_proportion_pct, said.solid),
            ),
        )
    print(case.name, {name: round(value, 2) for name, value in figures.items()}, case.needed, flush=True)
    return case


def _needed(found_pct, true_pct, doubt) -> float:
    error = true_pct - found_pct
    return abs(error) / (doubt.above_pct if error > 0 else doubt.below_pct)


def margin_factor(needed: Sequence[float]) -> float:
    """Factor that holds the truth in `COVERAGE` of cases like these, and never narrows the interval.

    The split-conformal quantile (Vovk, Gammerman and Shafer 2005): the ceil((n + 1) * COVERAGE)-th of n.
    """
    ranked = sorted(needed)
    place = min(len(ranked), ceil((len(ranked) + 1) * COVERAGE)) - 1
    return max(1.0, round(ranked[place], 3))


def ranges_of(cases: Sequence[Case], bundle: ModelBundle) -> ReferenceRanges:
    known = [case.needed for case in cases if case.needed]
    calibrated = len(known) >= FEWEST_CASES
    lesion, solid = (margin_factor([pair[part] for pair in known]) if calibrated else 1.0 for part in (0, 1))
    names = list(dict.fromkeys(name for case in cases for name in case.figures))
    figures = {}
    for name in names:
        values = [case.figures[name] for case in cases if name in case.figures]
        figures[name] = FigureRange(low=round(min(values), 4), high=round(max(values), 4))
    return ReferenceRanges(
        weights_sha256=bundle.weights_sha256,
        source=f"{len(cases) - len(known)} open scans that went into training, {len(known)} synthetic cases",
        figures=figures,
        lesion_margin_factor=lesion,
        solid_margin_factor=solid,
        margin_basis=(
            f"sensitivity of the labels to the decision threshold, stretched {lesion:.2f} times (solid "
            f"{solid:.2f}) so that it held the truth in {100 * COVERAGE:.0f} % of {len(known)} synthetic "
            "cases; not validated on real disease"
        )
        if calibrated
        else "sensitivity of the labels to the decision threshold; not calibrated",
    )


def write(bundle: ModelBundle, ranges: ReferenceRanges) -> None:
    """Put the ranges into the bundle's metadata; its other files keep their bytes."""
    from safetensors.torch import load

    extra = {path.name for path in bundle.folder.iterdir()} - {
        "metadata.json", "weights.safetensors", "MODEL_CARD.md", "SHA256SUMS",
    }  # fmt: skip
    if extra:
        raise SystemExit(f"the bundle holds more files than would be written again: {sorted(extra)}")
    written = write_bundle(
        bundle.folder,
        state_dict=load(bundle.weights),
        metadata=bundle.metadata.model_copy(update={"reference_ranges": ranges}),
        model_card=bundle.model_card,
        overwrite=True,
    )
    if written.weights_sha256 != bundle.weights_sha256:
        raise SystemExit("the weights were stored with other bytes; the ranges would not be used")
    print(f"written to {written.folder}")


def main() -> None:
    arguments = parse_arguments()
    bundle = load_bundle(arguments.model)
    bare = replace(bundle, metadata=bundle.metadata.model_copy(update={"reference_ranges": None}))
    segmenter = open_segmenter(bare, device=arguments.device, threads=arguments.threads)
    found = [measured(segmenter, volume) for volume in reference_scans(arguments.data)]
    found += [measured(segmenter, *case) for case in phantoms(arguments.phantoms)]
    found += [measured(segmenter, *case) for case in inserted(arguments.data, arguments.inserted)]
    ranges = ranges_of([case for case in found if case], bundle)
    print(json.dumps(ranges.model_dump(), indent=2))
    if arguments.json:
        arguments.json.write_text(ranges.model_dump_json(indent=2) + "\n")
    if arguments.write:
        write(bundle, ranges)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds ct-1p5mm")
    parser.add_argument("--model", default=None, help="bundle folder or name; the default bundle if left out")
    parser.add_argument("--phantoms", type=int, default=20, help="number of phantom chests")
    parser.add_argument("--inserted", type=int, default=6, help="lesion loads put into each clear scan")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path, help="write the ranges there too")
    parser.add_argument("--write", action="store_true", help="put the ranges into the bundle")
    return parser.parse_args()


if __name__ == "__main__":
    main()
