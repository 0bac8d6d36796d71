"""Peak memory of segmenting one long scan, 512 x 512 x 1000 unless said otherwise; JSON out.

    python scripts/bench/inference_memory.py [--bundle default|random|tiny|PATH]
        [--runtime openvino|torch] [--shape 1000x512x512] [--spacing 0.625x0.75x0.75] [--limit-gib 6]

The peak is the resident set of this process, the scan included. Exit code 1 above the limit.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from random_bundle import open_bundle, synthetic_chest

from lesionseg.segmentation import open_segmenter

KIB_PER_GIB = 1 << 20


def peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_PER_GIB


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", default="default")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--shape", default="1000x512x512")
    parser.add_argument("--spacing", default="0.625x0.75x0.75")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--limit-gib", type=float, default=6.0)
    options = parser.parse_args()
    slices, rows, columns = map(int, options.shape.split("x"))
    slice_mm, row_mm, column_mm = map(float, options.spacing.split("x"))
    with tempfile.TemporaryDirectory() as folder:
        bundle = open_bundle(options.bundle, Path(folder), (16, 256, 256))
    segmenter = open_segmenter(bundle, device="cpu", runtime=options.runtime, threads=options.threads)
    opened_gib = peak_gib()
    volume = synthetic_chest((slices, rows, columns), (slice_mm, row_mm, column_mm))
    loaded_gib = peak_gib()
    windows: list[int] = []
    start = time.perf_counter()
    labels = segmenter.segment(volume, progress=lambda _done, total: windows.append(total)).labels
    report = {
        "bundle": segmenter.bundle_name,
        "runtime": segmenter.runtime,
        "shape": volume.hu.shape,
        "spacing_mm": volume.geometry.spacing_mm,
        "windows": windows[0],
        "seconds": round(time.perf_counter() - start, 1),
        "labels": np.bincount(labels.ravel(), minlength=4).tolist(),
        "peak_gib": {
            "segmenter_open": round(opened_gib, 2),
            "scan_made": round(loaded_gib, 2),
            "segmented": round(peak_gib(), 2),
        },
        "limit_gib": options.limit_gib,
    }
    print(json.dumps(report, indent=2))
    return int(peak_gib() > options.limit_gib)


if __name__ == "__main__":
    raise SystemExit(main())
