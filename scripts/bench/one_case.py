"""Time and peak memory of one case, from DICOM files to results, on a phantom chest.

.venv/bin/python scripts/bench/one_case.py --slices 300 --spacing-mm 1.0
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lesionseg.dicom.write import WriterSettings, write_ct_series
from lesionseg.phantoms import ChestSettings, add_lesions, chest_phantom
from lesionseg.volume import CTVolume, VolumeGeometry

PIXEL_REPEAT = 2
"""The phantom is drawn at half the matrix and every pixel repeated, which saves most of the drawing."""


def phantom_scan(slices: int, matrix: int, spacing_mm: float) -> CTVolume:
    """Draw a chest with 12 % lesion on a field of 380 mm."""
    drawn = matrix // PIXEL_REPEAT
    settings = ChestSettings(shape=(slices, drawn, drawn), spacing_mm=(spacing_mm, 380 / drawn, 380 / drawn))
    chest = chest_phantom(settings, np.random.default_rng(1))
    volume = add_lesions(chest, 12.0, 0.3, np.random.default_rng(2)).volume
    hu = volume.hu.repeat(PIXEL_REPEAT, axis=1).repeat(PIXEL_REPEAT, axis=2)
    pixel_mm = 380 / matrix
    origin = volume.geometry.origin_lps_mm
    geometry = VolumeGeometry.from_axes(hu.shape, (spacing_mm, pixel_mm, pixel_mm), origin)
    return CTVolume(hu, geometry, "benchmark phantom")


def main() -> int:
    """Write the scan, run the command line on it in a process of its own, print what it took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--matrix", type=int, default=512)
    parser.add_argument("--spacing-mm", type=float, default=1.0)
    parser.add_argument("options", nargs="*", help="passed on to lesionseg segment, after --")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scan, out = Path(folder) / "scan", Path(folder) / "out"
        volume = phantom_scan(arguments.slices, arguments.matrix, arguments.spacing_mm)
        write_ct_series(volume, scan, settings=WriterSettings())
        del volume
        command = [sys.executable, "-m", "lesionseg", "segment", str(scan), "-o", str(out), "--quiet"]
        start = time.perf_counter()
        subprocess.run([*command, *arguments.options], check=True)
        wall_s = time.perf_counter() - start
        times = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["times"]["seconds"]
    peak_gib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(f"{arguments.slices} slices of {arguments.matrix} squared, {arguments.spacing_mm} mm apart")
    print(f"wall {wall_s:.1f} s, peak memory {peak_gib:.2f} GiB")
    for stage, seconds in times.items():
        print(f"  {stage:10} {seconds:7.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
