"""Does anything raise its hand? Spoilt scans and other body parts, and intact scans for false alarms.

    python scripts/confidence_on_corrupted.py --model models/lung-lesion --data DATA
    python scripts/confidence_on_corrupted.py --model models/lung-lesion --data DATA --test-scans

The bundle needs reference ranges (``scripts/confidence_ranges.py``). Prints a Markdown table: for each scan,
what refused it, or the out-of-distribution score with the figure behind it and the other flags of weight. A
phantom is always spoilt; of the scans in ``DATA/ct-1p5mm``, those of ``--scans``. ``--test-scans`` adds,
intact only, scans that took no part in the ranges: look at them once, at the end.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from corruptions import abdomen, corruptions, head

from lesionseg.core.errors import LesionSegError
from lesionseg.dicom import load_series
from lesionseg.phantoms import ChestSettings, add_lesions, chest_phantom
from lesionseg.segmentation import NetworkSegmenter, load_bundle, open_segmenter, prepare, working_hu
from lesionseg.segmentation.image_figures import noise_hu
from lesionseg.volume import CTVolume, check_hounsfield
from lesionseg.volume.files import read_volume_file
from lesionseg.volume.hounsfield import replace_padding
from lesionseg.volumetry import Severity, measure
from lesionseg.workflow.request import MINIMUM_LUNG_ML

PHANTOM_SEED = 78_000_000
"""Neither trained on nor among the reference cases."""
REFERENCE_SCANS = (
    "nsclcrg-R01-001",
    "cptac-C3N-00247",
    "lidc0314",
    "4dlung-113-p40",
    "lungdx-A0002_8mm",
    "lungfcp-01-0001",
)
TEST_FOLDERS = ("P001", "cap002")
TEST_SCANS = ("normal001", "ricord1A-000082_covid", "lung1-001", "lung1-002")
Make = Callable[[], CTVolume]


def sick_phantom() -> CTVolume:
    rng = np.random.default_rng(PHANTOM_SEED)
    chest = chest_phantom(ChestSettings(shape=(75, 200, 256), spacing_mm=(4.0, 1.5, 1.5)), rng)
    return add_lesions(chest, 15.0, 0.3, rng).volume


def scans(arguments: argparse.Namespace, segmenter: NetworkSegmenter) -> Iterator[tuple[str, str, Make]]:
    """Name of the scan, what was done to it, and how to make it."""
    yield "procedural head", "other body part", head
    yield "procedural abdomen", "other body part", abdomen
    yield from spoilt("phantom chest", sick_phantom(), segmenter)
    thin = arguments.data / "ct-1p5mm" if arguments.data else None
    for name in arguments.scans if thin else ():
        yield from spoilt(name, read_volume_file(thin / f"{name}_ct.nii.gz"), segmenter)
    intact = [name for name in REFERENCE_SCANS if name not in arguments.scans]
    if arguments.test_scans:
        intact += TEST_SCANS
    for name in intact if thin else ():
        path = thin / f"{name}_ct.nii.gz"
        if path.exists():
            yield name, "intact", lambda path=path: read_volume_file(path)
    for name in TEST_FOLDERS if thin and arguments.test_scans else ():
        yield name, "intact", lambda name=name: load_series(arguments.data / "ct" / name).volume


def spoilt(name: str, volume: CTVolume, segmenter: NetworkSegmenter) -> Iterator[tuple[str, str, Make]]:
    spec = segmenter.bundle.metadata.preprocessing
    own_noise_hu = noise_hu(working_hu(prepare(volume, spec), spec))
    yield name, "intact", lambda: volume
    for what, make in corruptions(volume, own_noise_hu).items():
        yield name, what, make


def outcome(segmenter: NetworkSegmenter, volume: CTVolume) -> tuple[str, str, str]:
    """Verdict, score with its figure, other flags of weight."""
    try:
        check_hounsfield(volume)
        volume, _ = replace_padding(volume)
        found = segmenter.segment_assessed(volume)
    except LesionSegError as error:
        return f"refused ({error.code})", "", error.found
    lung_ml = int(found.label_map.lung.sum()) * volume.geometry.voxel_volume_ml
    if lung_ml < MINIMUM_LUNG_ML:
        return "refused (not-a-chest)", "", f"{lung_ml:.0f} ml of lung"
    result = measure(volume, found.label_map, confidence=found.confidence)
    raised = {flag.code: flag.severity for flag in result.flags}
    score = result.certainty.ood_score
    verdict = str(raised.pop("out-of-distribution", "quiet"))
    others = ", ".join(f"{code} {level}" for code, level in raised.items() if level != Severity.INFO)
    return verdict, f"{score:.2f} {result.certainty.ood_figure}" if score is not None else "no ranges", others


def main() -> None:
    arguments = parse_arguments()
    segmenter = open_segmenter(
        load_bundle(arguments.model), device=arguments.device, threads=arguments.threads
    )
    print("| scan | what was done | verdict | score and figure | refused because, or other flags |")
    print("|---|---|---|---|---|")
    for name, what, make in scans(arguments, segmenter):
        print(f"| {name} | {what} | {' | '.join(outcome(segmenter, make()))} |", flush=True)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default=None, help="bundle folder or name; the default bundle if left out")
    parser.add_argument("--data", type=Path, help="folder that holds ct and ct-1p5mm; phantoms alone without")
    parser.add_argument(
        "--scans", nargs="*", default=["4dlung-113-p40", "lungdx-A0002_8mm"], help="to be spoilt"
    )
    parser.add_argument("--test-scans", action="store_true", help="add the scans kept for testing, intact")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    main()
