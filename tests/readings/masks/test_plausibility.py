"""A mask whose geometry fits and whose voxels lie wrong is told by the lung that the model found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import GeometryError
from lesionseg.readings.masks import (
    MaskMismatchError,
    Misfit,
    PlausibilityLimits,
    ReferenceScan,
    SegmentMapping,
    read_mask,
)
from lesionseg.volume import LabelMap, VolumeGeometry, write_label_map
from tests.readings.masks.builders import Scan


def with_model(scan: Scan) -> ReferenceScan:
    return ReferenceScan(scan.reference.geometry, scan.reference.series, scan.labels)


def written(scan: Scan, labels: np.ndarray, path: Path) -> Path:
    write_label_map(LabelMap(np.ascontiguousarray(labels), scan.reference.geometry), path)
    return path


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (1, 2), (0, 1, 2)])
def test_mask_whose_voxels_were_reversed(scan: Scan, tmp_path: Path, axes: tuple[int, ...]) -> None:
    path = written(scan, np.flip(scan.labels.labels, axes), tmp_path / "mask.nii.gz")
    read_mask(path, scan.reference)  # its geometry fits
    with pytest.raises(MaskMismatchError, match="seems to be mirrored") as caught:
        read_mask(path, with_model(scan))
    assert caught.value.reason == Misfit.IMPLAUSIBLE


def test_true_mask_passes_with_its_figures(scan: Scan, tmp_path: Path) -> None:
    mask = read_mask(written(scan, scan.labels.labels, tmp_path / "mask.nii.gz"), with_model(scan))
    assert "100.0% of the reader's lung" in {note.code: note.text for note in mask.notes}["plausibility"]


def test_edited_mask_passes(axial: Scan, tmp_path: Path) -> None:
    labels = axial.labels.labels.copy()
    labels[:5] = np.minimum(labels[:5], 1)  # the reader removes what the model saw at the base
    labels[np.roll(labels, 1, axis=0) == 1] = 2
    read_mask(written(axial, labels, tmp_path / "mask.nii.gz"), with_model(axial))


def test_mask_that_lies_elsewhere(axial: Scan, tmp_path: Path) -> None:
    labels = np.zeros_like(axial.labels.labels)
    labels[8:12, :4, 10:16], labels[9, 1, 11] = 1, 2
    path = written(axial, labels, tmp_path / "mask.nii.gz")
    with pytest.raises(MaskMismatchError, match="mostly outside the lung that the model found"):
        read_mask(path, with_model(axial))
    no_limits = PlausibilityLimits(minimum_inside=0, minimum_coverage=0, refuse_mirrored=False)
    mask = read_mask(path, with_model(axial), limits=no_limits)
    np.testing.assert_array_equal(mask.label_map.labels, labels)


def test_lesion_that_lies_elsewhere(axial: Scan, tmp_path: Path) -> None:
    labels = np.zeros_like(axial.labels.labels)
    labels[8:12, :3, 10:16] = 2
    path = written(axial, labels, tmp_path / "mask.nii.gz")
    with pytest.raises(MaskMismatchError, match=r"the reader's lesion lies mostly outside.*found 0%"):
        read_mask(path, with_model(axial), mapping=SegmentMapping.parse(("2=non_solid",)))


def test_model_labels_of_another_grid_are_no_reference(axial: Scan) -> None:
    other = VolumeGeometry.from_axes(axial.labels.labels.shape, (1.0, 1.0, 1.0))
    with pytest.raises(GeometryError, match="another grid"):
        ReferenceScan(axial.reference.geometry, None, LabelMap(axial.labels.labels, other))
