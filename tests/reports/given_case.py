"""Case folders as `lesionseg segment` writes them, with labels that are given instead of found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lesionseg.core.confidence import Confidence, ProportionDoubt
from lesionseg.segmentation import Progress, Segmentation
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, read_volume_file, write_volume
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.request import CaseRequest, CaseSettings, Watch

DOUBT = Confidence(ProportionDoubt(1.0, 1.5), ProportionDoubt(0.25, 0.5), (), "Widths are made up for tests.")


@dataclass(frozen=True)
class GivenSegmenter:
    """Hands out one label map, and a doubt about it."""

    label_map: LabelMap
    confidence: Confidence | None = None
    bundle_name: str = "given labels 1"
    runtime: str = "none 1"
    device: str = "cpu"

    def segment(self, volume: CTVolume, *, progress: Progress | None = None) -> LabelMap:
        return LabelMap(self.label_map.labels, volume.geometry)

    def segment_assessed(self, volume: CTVolume, *, progress: Progress | None = None) -> Segmentation:
        return Segmentation(self.segment(volume), self.confidence)


@dataclass(frozen=True)
class GivenCase:
    """A case folder and the scan that it was made from."""

    folder: Path
    volume: CTVolume
    label_map: LabelMap


def given_case(
    place: Path, volume: CTVolume, label_map: LabelMap, *, confidence: Confidence | None = None
) -> GivenCase:
    """Write the scan to ``place.nii.gz`` and its case folder to `place`."""
    file = place.with_name(f"{place.name}.nii.gz")
    write_volume(volume, file)
    request = CaseRequest(file, place)
    segmenter = GivenSegmenter(label_map, confidence)
    watch = Watch(now=lambda: datetime(2020, 4, 1, tzinfo=UTC))
    segment_case(request, segmenter, settings=CaseSettings(minimum_lung_ml=0), watch=watch)
    return GivenCase(place, read_volume_file(file), label_map)


def asymmetric_chest(
    shape: tuple[int, int, int] = (24, 48, 64), *, sick: bool = True, front_at_row_0: bool = True
) -> tuple[CTVolume, LabelMap]:
    """Two lungs; all lesion lies in the right one, towards head and front.

    The arrays run from foot to head, front to back, right to left. With `front_at_row_0` turned off the rows
    are stored the other way round, in the same place of the patient.
    """
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in shape), indexing="ij")
    hu = np.full(shape, -1000, np.int16)
    hu[(x / 0.95) ** 2 + (y / 0.85) ** 2 < 1] = 40
    labels = np.zeros(shape, np.uint8)
    for side in (-1, 1):
        labels[((x - 0.45 * side) / 0.33) ** 2 + (y / 0.6) ** 2 + (z / 0.85) ** 2 < 1] = 1
    if sick:
        ball = ((x + 0.45) / 0.2) ** 2 + ((y + 0.2) / 0.25) ** 2 + ((z - 0.3) / 0.35) ** 2
        labels[(ball < 1) & (labels == 1)] = 2
        labels[(ball < 0.3) & (labels == 2)] = 3
    for label, value in ((1, -860), (2, -500), (3, 20)):
        hu[labels == label] = value
    spacing = tuple(300 / length for length in shape)
    affine = VolumeGeometry.from_axes(shape, spacing, (-147.0, -147.0, -400.0)).affine.copy()
    if not front_at_row_0:
        hu, labels = hu[:, ::-1].copy(), labels[:, ::-1].copy()
        affine[:3, 3] += (shape[1] - 1) * affine[:3, 1]
        affine[:3, 1] *= -1
    geometry = VolumeGeometry(shape, affine)
    return CTVolume(hu, geometry, "asymmetric chest"), LabelMap(labels, geometry)
