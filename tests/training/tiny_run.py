"""A tiny network, tiny chests on disk, and the configuration of a run over them in seconds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from lesionseg.core.labels import LabelScheme
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, write_label_map, write_volume
from tests.segmentation.builders import TINY_ARGUMENTS

SPACING_MM = (3.0, 3.0, 3.0)
SHAPE = (12, 40, 44)
GGO_HU, SOLID_HU = -600, 20
DATASET_LABELS = {"background": 0, "lung": 1, "ggo": 2, "consolidation": 5}
MAPPING = {"lung": "lung", "ggo": "non_solid", "consolidation": "solid"}
ANY_LABEL = LabelScheme(names=tuple(str(value) for value in range(256)))


def block_geometry(**changes: Any) -> VolumeGeometry:
    return VolumeGeometry.from_axes(**{"shape": SHAPE, "spacing_mm": SPACING_MM, **changes})


def block_hu() -> np.ndarray:
    """Two lungs like boxes in a body like a box."""
    hu = np.full(SHAPE, 40, np.int16)
    hu[2:10, 8:32, 6:18] = -850
    hu[2:10, 8:32, 26:38] = -850
    return hu


def outlined_block() -> tuple[np.ndarray, np.ndarray]:
    """HU with ground glass in one lung and consolidation in the other, and the dataset's own labels."""
    hu = block_hu()
    labels = (hu < -500).astype(np.uint8)
    hu[3:8, 20:28, 8:16], labels[3:8, 20:28, 8:16] = GGO_HU, 2
    hu[3:8, 20:28, 28:36], labels[3:8, 20:28, 28:36] = SOLID_HU, 5
    return hu, labels


def write_scan(folder: Path) -> tuple[Path, Path]:
    """Write a clear chest and its lung mask."""
    folder.mkdir(parents=True, exist_ok=True)
    hu = block_hu()
    write_volume(CTVolume(hu, block_geometry()), folder / "clear.nii.gz")
    lung = LabelMap((hu < -500).astype(np.uint8), block_geometry())
    write_label_map(lung, folder / "lung.nii.gz")
    return folder / "clear.nii.gz", folder / "lung.nii.gz"


def write_dataset(folder: Path, cases: tuple[str, ...] = ("ct_001", "ct_002"), **changes: Any) -> Path:
    """Write outlined chests in the folder layout of nnU-Net; `changes` go into ``dataset.json``."""
    for place in ("imagesTr", "labelsTr"):
        (folder / place).mkdir(parents=True)
    for case in cases:
        write_case(folder, case)
    description = {
        "channel_names": {"0": "CT"},
        "labels": DATASET_LABELS,
        "numTraining": len(cases),
        "file_ending": ".nii.gz",
        **changes,
    }
    (folder / "dataset.json").write_text(json.dumps(description))
    return folder


def write_case(folder: Path, case: str, *, labels: np.ndarray | None = None, **label_grid: Any) -> None:
    hu, own = outlined_block()
    write_volume(CTVolume(hu, block_geometry()), folder / "imagesTr" / f"{case}_0000.nii.gz")
    values = own if labels is None else labels
    geometry = block_geometry(**{"shape": values.shape, **label_grid})
    write_label_map(LabelMap(values, geometry, ANY_LABEL), folder / "labelsTr" / f"{case}.nii.gz")


def tiny_content(folder: Path) -> dict[str, Any]:
    """Configuration of a run of two stages, as a YAML file would hold it; writes its data."""
    write_scan(folder / "data")
    write_dataset(folder / "data" / "Dataset001_Block")
    stage = {"log_every": 1, "checkpoint_every": 2, "workers": 0, "warmup_steps": 1}
    return {
        "seed": 3,
        "bundle": {
            "name": "tiny",
            "version": "1",
            "summary": "blocks",
            "license": "Apache-2.0",
            "solid_convention": "blocks of 20 HU",
            "network": {"class_name": "DynUNet", "arguments": TINY_ARGUMENTS},
            "preprocessing": {
                "window_hu": [-1000, 400], "in_plane_spacing_mm": 3.0, "slice_spacing_mm": [1.5, 8.0]
            },
            "window": {"shape": [16, 64, 64], "divisor": [1, 4, 4]},
        },
        "data": {
            "scans": [
                {"name": "Clear block", "license": "CC0", "image": "clear.nii.gz", "lung": "lung.nii.gz"}
            ],
            "annotated": [
                {"name": "Blocks", "license": "own", "folder": "Dataset001_Block", "labels": dict(MAPPING)}
            ],
        },
        "batches": {"stacks": 1, "patches": {"slices": 2, "in_plane": [32, 32]}},
        "stages": [{"steps": 4, "learning_rate": 0.01, **stage}, {"steps": 2, **stage}],
        "run_folder": str(folder / "run"),
        "output": str(folder / "tiny"),
    }  # fmt: skip


def write_config(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "train.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
