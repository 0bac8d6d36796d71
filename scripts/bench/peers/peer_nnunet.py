"""Time an nnU-Net of TotalSegmentator's size with random weights on one DICOM series; run by segmentation.py.

PYTHON -m scripts.bench.peers.peer_nnunet SCAN [--patches N] [--runtime torch|openvino] [--threads N]

The steps of nnU-Net's inference: resample to 3 mm, normalise, overlapping patches with Gaussian weights, no
mirroring, argmax, labels back to the scan's grid. The network is PlainConvUNet of
dynamic_network_architectures with `PLAN`; the steps around it are written here as cheaply as they can be, so
that the seconds are no more than nnU-Net's own.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from itertools import product
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet

from scripts.bench.peer_readers import read_simpleitk
from scripts.bench.peers.machine import Spent, peak_gib, versions

PLAN: dict[str, Any] = {
    "spacing_mm": 3.0,
    "patch": (128, 112, 112),
    "features_per_stage": (32, 64, 128, 256, 320, 320),
    "kernel_sizes": (3,) * 6,
    "strides": ((1, 1, 1), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 2, 2), (2, 1, 1)),
    "n_conv_per_stage": (2,) * 6,
    "n_conv_per_stage_decoder": (2,) * 5,
    "classes": 118,
    "tile_step_size": 0.5,
    "mirroring": False,
}
"""What nnU-Net's planner gives for such patches: halved while an axis keeps at least 4 voxels, at most 320
features; 117 structures and background, as of TotalSegmentator's 3 mm model of all structures."""
HU_RANGE, HU_MEAN, HU_SD = (-1004.0, 1588.0), -50.0, 503.0  # any will do with random weights
GAUSSIAN_SIGMA = 0.125  # of the patch, nnU-Net's


def build_network() -> torch.nn.Module:
    torch.manual_seed(0)
    return PlainConvUNet(
        1, 6, PLAN["features_per_stage"], torch.nn.Conv3d, PLAN["kernel_sizes"], PLAN["strides"],
        PLAN["n_conv_per_stage"], PLAN["classes"], PLAN["n_conv_per_stage_decoder"], conv_bias=True,
        norm_op=torch.nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU, nonlin_kwargs={"inplace": True}, deep_supervision=False,
    ).eval()  # fmt: skip


def resampled(hu: np.ndarray, affine: np.ndarray) -> torch.Tensor:
    """Bring to 3 mm, clip and scale."""
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    shape = [round(n * mm / PLAN["spacing_mm"]) for n, mm in zip(hu.shape, spacing_mm, strict=True)]
    volume = torch.from_numpy(np.ascontiguousarray(hu, np.float32))[None, None]
    small = torch.nn.functional.interpolate(volume, shape, mode="trilinear", align_corners=False)
    return (small[0, 0].clip(*HU_RANGE) - HU_MEAN) / HU_SD


def axis_starts(length: int, patch: int) -> list[int]:
    """Where patches begin, as in nnU-Net's `compute_steps_for_sliding_window`."""
    count = ceil((length - patch) / (patch * PLAN["tile_step_size"])) + 1
    return [round((length - patch) * index / max(1, count - 1)) for index in range(count)]


def patch_weights() -> torch.Tensor:
    profiles = []
    for length in PLAN["patch"]:
        offset = (torch.arange(length) - (length - 1) / 2) / (length * GAUSSIAN_SIGMA)
        profiles.append(torch.exp(-(offset**2) / 2))
    depth, height, width = profiles
    return (depth[:, None, None] * height[:, None] * width).clip(1e-3)


def slide(
    small: torch.Tensor, network: Callable[[torch.Tensor], torch.Tensor], wanted: int | None
) -> tuple[torch.Tensor, list[float], int]:
    """Sum the logits of the patches; return them, the seconds of each patch run, and how many there are."""
    room = [max(0, patch - n) for n, patch in zip(small.shape, PLAN["patch"], strict=True)]
    padded = torch.nn.functional.pad(small, [0, room[2], 0, room[1], 0, room[0]], value=float(small.min()))
    places = list(product(*map(axis_starts, padded.shape, PLAN["patch"])))
    logits, weights = torch.zeros((PLAN["classes"], *padded.shape), dtype=torch.float16), patch_weights()
    seconds = []
    for place in places[:wanted]:
        area = tuple(slice(n, n + patch) for n, patch in zip(place, PLAN["patch"], strict=True))
        start = time.perf_counter()
        logits[(slice(None), *area)] += (network(padded[area][None, None].contiguous())[0] * weights).half()
        seconds.append(time.perf_counter() - start)
    return logits[(slice(None), *(slice(0, n) for n in small.shape))], seconds, len(places)


def run(scan: Path, wanted: int | None, runtime: str, threads: int | None) -> dict[str, Any]:
    network: Callable[[torch.Tensor], torch.Tensor] = build_network()
    if runtime == "openvino":
        from scripts.bench.peers.openvino_network import in_openvino

        network = in_openvino(network, (1, 1, *PLAN["patch"]), threads)
    start = Spent.now()
    hu, affine = read_simpleitk(scan)[0]
    order = np.argmax(np.abs(affine[[2, 1, 0], :3]), axis=1)  # slices, rows, columns
    hu, affine = np.transpose(hu, order), affine[:, [*order, 3]]
    small = resampled(hu, affine)
    before = start.since()
    start = Spent.now()
    with torch.inference_mode():
        logits, seconds, patches = slide(small, network, wanted)
    windows = start.since()
    start = Spent.now()
    labels = logits.argmax(0).to(torch.float32)[None, None]
    torch.nn.functional.interpolate(labels, hu.shape, mode="nearest").to(torch.uint8)
    after = start.since()
    scale = patches / len(seconds)
    return {
        "runtime": runtime,
        "plan": PLAN,
        "shape_at_spacing": list(small.shape),
        "patches": patches,
        "patches_run": len(seconds),
        "patch_s": float(np.median(seconds)),
        "network_s": windows.wall_s * scale,
        "around_s": before.wall_s + after.wall_s,
        "whole_s": before.wall_s + windows.wall_s * scale + after.wall_s,
        "whole_cpu_s": before.cpu_s + windows.cpu_s * scale + after.cpu_s,
        "peak_gib": peak_gib(),
        "versions": versions("dynamic_network_architectures", "torch", "openvino", "SimpleITK"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scan", type=Path)
    parser.add_argument("--patches", type=int, help="run only so many, and scale")
    parser.add_argument("--runtime", choices=("torch", "openvino"), default="torch")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    print(json.dumps(run(options.scan, options.patches, options.runtime, options.threads)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
