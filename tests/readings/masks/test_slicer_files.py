"""Files that 3D Slicer itself wrote, as slicerio brings them along: a chest CT with both lungs segmented."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lesionseg.readings.masks import (
    MaskMismatchError,
    Misfit,
    ReferenceScan,
    Region,
    SegmentMapping,
    read_mask,
)
from lesionseg.volume import VolumeGeometry, read_volume_file

slicerio = pytest.importorskip("slicerio", reason="slicerio and its sample files are not installed")
DATA = Path(slicerio.__file__).parent / "data"
SEGMENTED, OVERLAPPING = DATA / "Segmentation.seg.nrrd", DATA / "SegmentationOverlapping.seg.nrrd"
REST = tuple(
    f"{name}=background"
    for name in ("ribs", "cervical vertebral column", "thoracic vertebral column", "lumbar vertebral column",
                 "tissue")
)  # fmt: skip


@pytest.fixture(scope="module")
def chest_ct() -> ReferenceScan:
    return ReferenceScan(read_volume_file(DATA / "CTChest4.nrrd").geometry)


def test_lungs_are_those_that_slicerio_reads(chest_ct: ReferenceScan) -> None:
    mask = read_mask(SEGMENTED, chest_ct, mapping=SegmentMapping.parse(REST))
    theirs = slicerio.read_segmentation(str(SEGMENTED))
    values = {part["labelValue"] for part in theirs["segments"] if "lung" in part["name"]}
    lung = np.isin(theirs["voxels"], list(values)).transpose(2, 1, 0)
    assert lung.any()
    np.testing.assert_array_equal(mask.label_map.lung, lung)
    told = {segment.name: segment.told_by for segment in mask.segments if segment.region == Region.LUNG}
    assert told == {"right lung": "code and name", "left lung": "code and name"}


def test_overlapping_segments_in_a_second_layer(chest_ct: ReferenceScan) -> None:
    mapping = SegmentMapping.parse((*REST, "overlapping sphere=solid"))
    mask = read_mask(OVERLAPPING, chest_ct, mapping=mapping)
    theirs = slicerio.read_segmentation(str(OVERLAPPING))
    sphere = (theirs["voxels"][1] == 1).transpose(2, 1, 0)
    np.testing.assert_array_equal(mask.label_map.solid, sphere)
    assert mask.label_map.lung.sum() > sphere.sum()


def test_segments_that_are_neither_lung_nor_lesion_must_be_left_out_by_name(chest_ct: ReferenceScan) -> None:
    with pytest.raises(MaskMismatchError, match="'ribs'") as caught:
        read_mask(SEGMENTED, chest_ct)
    assert caught.value.reason == Misfit.SEGMENTS


def test_another_scan(chest_ct: ReferenceScan) -> None:
    affine = np.array(chest_ct.geometry.affine)
    affine[:3, 3] += (0, 0, 25)
    other = ReferenceScan(VolumeGeometry(chest_ct.geometry.shape, affine))
    with pytest.raises(MaskMismatchError, match=r"25\.0 mm footwards"):
        read_mask(SEGMENTED, other, mapping=SegmentMapping.parse(REST))
