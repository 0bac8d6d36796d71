"""Measured phantoms, and where their labels come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lesionseg.core.confidence import Confidence, ProportionDoubt
from lesionseg.core.provenance import sha256_of_array
from lesionseg.dicom import load_series
from lesionseg.export.origin import Origin
from lesionseg.export.source import SourceSeries, read_source
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.volumetry import Measurements, measure
from tests.support.ct_series import chest_volume, write_series

CREATED = datetime(2024, 3, 5, 14, 30, 1, tzinfo=UTC)
BUNDLE_SHA256 = "5ca1ab1e" * 8
CONFIDENCE = Confidence(
    lesion=ProportionDoubt(0.75, 2.5), solid=ProportionDoubt(0.125, 0.5), figures=(), interval_basis="guessed"
)


@dataclass(frozen=True)
class MeasuredScan:
    """All that a report is written from."""

    measurements: Measurements
    source: SourceSeries
    origin: Origin
    label_map: LabelMap

    def by(self, reader: str) -> Origin:
        """The same labels from a reader's hand."""
        return replace(self.origin, reader=reader, bundle="", bundle_sha256="", solid_convention="")


def small_chest() -> CTVolume:
    """A phantom of few and coarse slices, quick to write and to refer to."""
    return chest_volume((16, 48, 48), (15.625, 7.25, 7.25))


def phantom(folder: Path) -> Path:
    """Write `small_chest` as a series; return its folder."""
    return write_series(folder, small_chest()).folder


def measured_scan(folder: Path, *, lesions: bool = True, lung: bool = True) -> MeasuredScan:
    """Read the one series of a folder and label it: a lung on either side, lesions on both."""
    loaded = load_series(folder)
    labels = box_labels(loaded.volume.hu.shape, lesions=lesions, lung=lung)
    label_map = LabelMap(labels, loaded.volume.geometry)
    measurements = measure(loaded.volume, label_map, confidence=CONFIDENCE)
    origin = Origin(
        labels_sha256=sha256_of_array(labels),
        created=CREATED,
        software_version="0.0.0.test",
        bundle="lung-lesion 9.9.9",
        bundle_sha256=BUNDLE_SHA256,
        solid_convention="at or above -300 HU",
    )
    return MeasuredScan(measurements, read_source(loaded.series), origin, label_map)


def box_labels(shape: tuple[int, ...], *, lesions: bool = True, lung: bool = True) -> np.ndarray:
    """Two boxes of lung, the right one larger, with different lesions in each."""
    slices, rows, columns = shape
    labels = np.zeros(shape, np.uint8)
    if lung:
        part = (slice(slices // 8, -slices // 8), slice(rows // 4, -rows // 4))
        labels[(*part, slice(columns // 8, columns // 2 - 3))] = 1
        labels[(*part, slice(columns // 2 + 4, -columns // 6))] = 1
    if lung and lesions:
        labels[slices // 4 : slices // 4 + 5, rows // 3 : rows // 2, columns // 6 : columns // 4] = 2
        labels[slices // 4 : slices // 4 + 2, rows // 3 : rows // 3 + 3, columns // 6 : columns // 5] = 3
        labels[slices // 2 : slices // 2 + 3, rows // 2 : rows // 2 + 4, -columns // 3 : -columns // 4] = 2
    return labels
