"""Draw docs/images/overview-phantom.png: a phantom chest, labelled by the default model, or by its truth."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from lesionseg.core.files import staged_file
from lesionseg.phantoms import ChestSettings, add_lesions, chest_phantom
from lesionseg.reports.caption import ScanLine
from lesionseg.reports.overview import draw_overview
from lesionseg.volumetry import measure

TARGET = Path(__file__).resolve().parents[1] / "docs" / "images" / "overview-phantom.png"
PATIENT_SEED, SCAN_SEED, LESION_SEED = 20, 4, 8


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--truth", action="store_true", help="draw the phantom's true labels, without a network"
    )
    parser.add_argument("--output", type=Path, default=TARGET)
    options = parser.parse_args()
    settings = ChestSettings(
        shape=(112, 288, 288), spacing_mm=(2.5, 1.3, 1.3), noise_hu=(10.0, 14.0), sharpness=(0.3, 0.5)
    )
    chest = chest_phantom(settings, np.random.default_rng(PATIENT_SEED), np.random.default_rng(SCAN_SEED))
    phantom = add_lesions(chest, 14.0, 0.25, np.random.default_rng(LESION_SEED))
    volume = replace(phantom.volume, name="Phantom")
    if options.truth:
        label_map, source = phantom.labels, "Labels: the phantom's truth"
    else:
        from lesionseg.segmentation import open_segmenter

        segmenter = open_segmenter()
        label_map, source = segmenter.segment(volume), f"Labels: {segmenter.bundle_name}"
    line = ScanLine("Phantom, not a patient", source=source)
    with staged_file(options.output) as path:
        draw_overview(volume, label_map, measure(volume, label_map), path, scan=line)
    truth, found = phantom.truth, measure(volume, label_map).whole
    print(f"{options.output}: lung {found.lung_ml:.0f} ml (true {truth.lung_ml:.0f}), "
          f"lesion {found.lesion_ml:.0f} ml (true {truth.lesion_ml:.0f}), "
          f"solid {found.solid_ml:.0f} ml (true {truth.solid_ml:.0f})")  # fmt: skip


if __name__ == "__main__":
    main()
