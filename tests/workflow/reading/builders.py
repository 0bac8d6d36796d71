"""A segmented phantom, and a reader who edits its mask as people do in an editor."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lesionseg.volume import LabelMap
from lesionseg.volume.files import read_label_map, write_label_map
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.reading.request import AddRequest
from lesionseg.workflow.request import CaseRequest, Watch
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter

Labels = npt.NDArray[np.uint8]
WATCH = Watch(now=lambda: datetime(2024, 5, 1, 10, tzinfo=UTC))


def make_case(series: Series, folder: Path) -> Path:
    """Have the rule segmenter measure a series."""
    segment_case(CaseRequest(series.folder, folder), RuleSegmenter(), watch=WATCH)
    return folder


def model_labels(case: Path) -> LabelMap:
    return read_label_map(case / "labels.nii.gz")


def save(label_map: LabelMap, labels: Labels, path: Path) -> Path:
    """Write edited labels as a NIfTI file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_label_map(LabelMap(labels, label_map.geometry), path)
    return path


def add_voxels(labels: Labels, count: int, label: int) -> Labels:
    """Paint so many voxels of healthy lung, deepest first."""
    edited = labels.copy()
    depth = ndimage.distance_transform_edt(labels == 1)
    chosen = np.argsort(-depth.ravel(), kind="stable")[:count]
    assert (labels.ravel()[chosen] == 1).all()
    edited.ravel()[chosen] = label
    return edited


def remove_blob(labels: Labels) -> tuple[Labels, int]:
    """Turn the largest piece of lesion into healthy lung; how many voxels it had."""
    pieces, _ = ndimage.label(labels >= 2, np.ones((3, 3, 3)))
    largest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return np.where(largest, np.uint8(1), labels), int(largest.sum())


def request(case: Path, mask: Path, readings: Path, reader: str = "Ono", **more: object) -> AddRequest:
    return AddRequest(case, mask, readings, reader, "as I see it", **more)  # type: ignore[arg-type]
