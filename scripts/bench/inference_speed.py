"""Torch against OpenVINO on the same volume, bundle and windows, one after the other in one run; JSON out.

    python scripts/bench/inference_speed.py [--bundle default|random|tiny|PATH] [--slices N] [--repeats N]
        [--windows 16x256x256 96x96x96] [--threads N]

Reported per window shape and runtime: seconds to open the segmenter (build, load, convert), seconds of
one whole segmentation (median of the repeats), and how much of that the network took; then the ratio of the
runtimes and the share of equal labels, over all voxels and over those either runtime calls lung.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from random_bundle import open_bundle, synthetic_chest

from lesionseg.core.provenance import package_versions
from lesionseg.segmentation import ModelBundle, NetworkSegmenter, Runtime, available_runtimes, open_segmenter
from lesionseg.volume import CTVolume


@dataclass
class TimedRuntime:
    """A runtime that adds up its own seconds and voxels."""

    inner: Runtime
    seconds: float = 0.0
    voxels: int = 0

    @property
    def description(self) -> str:
        return self.inner.description

    @property
    def device(self) -> str:
        return self.inner.device

    def __call__(self, window: np.ndarray) -> np.ndarray:
        start = time.perf_counter()
        logits = self.inner(window)
        self.seconds += time.perf_counter() - start
        self.voxels += window.size
        return logits


def time_runtime(
    bundle: ModelBundle, volume: CTVolume, runtime: str, repeats: int, threads: int | None
) -> tuple[dict[str, object], np.ndarray]:
    start = time.perf_counter()
    segmenter = open_segmenter(bundle, device="cpu", runtime=runtime, threads=threads)
    opened = time.perf_counter() - start
    whole, network, voxels = [], [], 0
    for _ in range(repeats):
        timed = TimedRuntime(segmenter.network_runtime)
        start = time.perf_counter()
        labels = NetworkSegmenter(bundle, timed).segment(volume).labels
        whole.append(time.perf_counter() - start)
        network.append(timed.seconds)
        voxels = timed.voxels
    result = {
        "runtime": segmenter.runtime,
        "open_s": round(opened, 2),
        "segment_s": round(statistics.median(whole), 2),
        "network_s": round(statistics.median(network), 2),
        "network_voxels": voxels,
        "network_megavoxels_per_s": round(voxels / statistics.median(network) / 1e6, 3),
    }
    return result, labels


def compare(bundle: ModelBundle, volume: CTVolume, repeats: int, threads: int | None) -> dict[str, object]:
    results, labels = {}, {}
    for runtime in available_runtimes():
        results[runtime], labels[runtime] = time_runtime(bundle, volume, runtime, repeats, threads)
    report: dict[str, object] = {"window": bundle.metadata.window.shape, "runtimes": results}
    if len(labels) == 2:
        first, second = labels["torch"], labels["openvino"]
        lung = (first > 0) | (second > 0)
        slow, fast = results["torch"]["network_s"], results["openvino"]["network_s"]
        report |= {
            "torch_over_openvino": round(slow / fast, 2),
            "equal_labels_pct": round(100 * float(np.mean(first == second)), 4),
            "equal_lung_labels_pct": round(100 * float(np.mean(first[lung] == second[lung])), 4)
            if lung.any()
            else None,
            "lung_voxels": int(lung.sum()),
        }
    return report


def with_window(bundle: ModelBundle, shape: tuple[int, int, int]) -> ModelBundle:
    window = bundle.metadata.window.model_copy(update={"shape": shape})
    return replace(bundle, metadata=bundle.metadata.model_copy(update={"window": window}))


def parse_shape(text: str) -> tuple[int, int, int]:
    slices, rows, columns = map(int, text.split("x"))
    return slices, rows, columns


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bundle", default="default")
    parser.add_argument("--slices", type=int, default=60)
    parser.add_argument("--slice-mm", type=float, default=2.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--windows", type=parse_shape, nargs="*", default=[])
    options = parser.parse_args()
    volume = synthetic_chest((options.slices, 512, 512), (options.slice_mm, 0.75, 0.75))
    with tempfile.TemporaryDirectory() as folder:
        bundle = open_bundle(options.bundle, Path(folder), (16, 256, 256))
    shapes = options.windows or [bundle.metadata.window.shape]
    report = {
        "bundle": bundle.name,
        "volume": {"shape": volume.hu.shape, "spacing_mm": volume.geometry.spacing_mm},
        "cpus": len(os.sched_getaffinity(0)),
        "load_average": os.getloadavg(),
        "versions": package_versions(("torch", "openvino", "monai")),
        "results": [
            compare(with_window(bundle, shape), volume, options.repeats, options.threads) for shape in shapes
        ],
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
