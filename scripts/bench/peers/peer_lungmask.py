"""Time lungmask's R231 with random weights on one DICOM series; run by segmentation.py.

PYTHON -m scripts.bench.peers.peer_lungmask SCAN [--slices N] [--runtime torch|openvino] [--threads N]

All steps are the package's own, in its own batches of 20 slices: reading, cropping and resizing, network,
back to the slice. Post-processing of random labels would take anything from nothing to hours, so it runs on
a stand-in instead: two ellipsoids as large as lungs, over all slices.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK
import torch
from lungmask import LMInferer, utils
from lungmask.resunet import UNet

from scripts.bench.peers.machine import Spent, peak_gib, versions

R231 = {"n_classes": 3, "padding": True, "depth": 5, "up_mode": "upsample", "batch_norm": True}
"""As `lungmask.mask.get_model` builds it, with the classes of R231: background, right and left lung."""
BATCH, SIDE = 20, 256


def open_inferer(runtime: str, threads: int | None) -> LMInferer:
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.pth"
        torch.save(UNet(**R231).state_dict(), weights)
        inferer = LMInferer(
            modelpath=str(weights), force_cpu=True, batch_size=BATCH, volume_postprocessing=False,
            tqdm_disable=True,
        )  # fmt: skip
    if runtime == "openvino":
        from scripts.bench.peers.openvino_network import in_openvino

        inferer.model = in_openvino(inferer.model, (BATCH, 1, SIDE, SIDE), threads)
    return inferer


def middle(count: int, wanted: int | None) -> slice:
    """Return the slices to run: all, or a middle part."""
    if wanted is None or wanted >= count:
        return slice(0, count)
    return slice((count - wanted) // 2, (count - wanted) // 2 + wanted)


def stand_in(slices: int) -> np.ndarray:
    """Right and left lung as ellipsoids, in the crop of the body that lungmask works on."""
    z, y, x = np.ogrid[-1 : 1 : slices * 1j, -1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    labels = np.zeros((slices, SIDE, SIDE), np.uint8)
    for label, side in ((1, -1), (2, 1)):
        labels[((x - 0.45 * side) / 0.38) ** 2 + (y / 0.7) ** 2 + (z / 0.95) ** 2 < 1] = label
    return labels


def run(scan: Path, wanted: int | None, runtime: str, threads: int | None) -> dict[str, Any]:
    start = Spent.now()
    image = utils.load_input_image(str(scan), disable_tqdm=True)
    array = SimpleITK.GetArrayFromImage(image)
    read = start.since()
    inferer = open_inferer(runtime, threads)
    part = array[middle(len(array), wanted)]
    if runtime == "torch":
        inferer.apply(part[:1])  # what is set up once is not counted
    start = Spent.now()
    inferer.apply(part)
    network = start.since()
    start = Spent.now()
    utils.postprocessing(stand_in(len(array)), disable_tqdm=True)
    post = start.since()
    scale = len(array) / len(part)
    return {
        "runtime": runtime,
        "slices": len(array),
        "slices_run": len(part),
        "read_s": read.wall_s,
        "network_s": network.wall_s * scale,
        "postprocessing_s": post.wall_s,
        "whole_s": read.wall_s + network.wall_s * scale + post.wall_s,
        "whole_cpu_s": read.cpu_s + network.cpu_s * scale + post.cpu_s,
        "peak_gib": peak_gib(),
        "versions": versions("lungmask", "torch", "openvino"),
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scan", type=Path)
    parser.add_argument("--slices", type=int, help="run a middle part only, and scale")
    parser.add_argument("--runtime", choices=("torch", "openvino"), default="torch")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    if options.threads:
        torch.set_num_threads(options.threads)
    print(json.dumps(run(options.scan, options.slices, options.runtime, options.threads)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
