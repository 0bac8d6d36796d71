"""What is asked of one case, how it is treated, who watches, and what comes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionseg.core.provenance import Stopwatch
from lesionseg.volume import LabelMap
from lesionseg.volumetry import Measurements, MeasurementSettings
from lesionseg.workflow.export.names import EXPORT_FOLDER, EXPORT_OUTPUT
from lesionseg.workflow.output import OwnOutput
from lesionseg.workflow.progress import CaseProgress, no_progress

if TYPE_CHECKING:
    from lesionseg.dicom.discovery import Findings
    from lesionseg.dicom.series import CTSeries

LABELS, MEASUREMENTS_JSON, MEASUREMENTS_CSV = "labels.nii.gz", "measurements.json", "measurements.csv"
OVERVIEW, MANIFEST = "overview.png", "manifest.json"
CASE_FILES = (LABELS, MEASUREMENTS_JSON, MEASUREMENTS_CSV, OVERVIEW, MANIFEST)
"""All that `segment_case` writes."""
CASE_PAGE = "case.html"
"""Stands beside these in a trial."""
MANIFEST_FORMAT = "lesionseg-manifest/1"
CASE_OUTPUT = OwnOutput(
    (*CASE_FILES, CASE_PAGE), MANIFEST, MANIFEST_FORMAT, parts=((EXPORT_FOLDER, EXPORT_OUTPUT),)
)
MINIMUM_LUNG_ML = 100.0
"""Less is no chest: two adult lungs hold 2000 to 8000 ml on CT, the air cells of a skull some tens of ml."""


@dataclass(frozen=True)
class CaseRequest:
    """Which scan, and where its results go.

    Attributes
    ----------
    input_path : Path
        DICOM folder or file, or a NIfTI, NRRD or MetaImage file.
    output_folder : Path
        New or empty.
    series_uid : str, optional
        The series to use where the folder holds several.
    repairs : tuple of str
        Repairs that may be done (``tilt``, ``duplicates``); none by default.
    overwrite : bool
        Replace the folder if it holds an earlier result, and nothing else.
    found : Findings, optional
        Of `lesionseg.dicom`: the headers of this scan's files, where somebody has read them already; the
        folder is then not searched again.
    label : str
        What the scan is called; by default the name of the input.
    """

    input_path: Path
    output_folder: Path
    series_uid: str | None = None
    repairs: tuple[str, ...] = ()
    overwrite: bool = False
    found: Findings | None = None
    label: str = ""


@dataclass(frozen=True)
class SegmenterSettings:
    """How the segmenter of a run is opened; see `lesionseg.segmentation.open_segmenter`."""

    model: str | None = None
    device: str = "auto"
    runtime: str = "auto"
    threads: int | None = None
    deterministic: bool = False
    flips: bool = False


@dataclass(frozen=True)
class CaseSettings:
    """How every case of a run is treated.

    Attributes
    ----------
    segmenter : SegmenterSettings
        With which the segmenter was opened, for the manifest.
    measure : MeasurementSettings
        Of the volumetry.
    minimum_lung_ml : float
        With less lung than this the scan is refused as not showing a chest.
    """

    segmenter: SegmenterSettings = field(default_factory=SegmenterSettings)
    measure: MeasurementSettings = field(default_factory=MeasurementSettings)
    minimum_lung_ml: float = MINIMUM_LUNG_ML


@dataclass(frozen=True)
class Watch:
    """Who watches a run, and what time it is: injected, so that a run can be repeated."""

    progress: CaseProgress = no_progress
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    stopwatch: Callable[[], Stopwatch] = Stopwatch


@dataclass(frozen=True)
class CaseResult:
    """What a finished case leaves behind.

    Attributes
    ----------
    folder : Path
        Holds `CASE_FILES`; without the overview if it could not be drawn.
    measurements : Measurements
    manifest : dict
        As written.
    warnings : tuple of str
        What went wrong without stopping the case.
    label_map : LabelMap
        As written.
    series : CTSeries or None
        The slices that were measured; None where the input is no DICOM.
    """

    folder: Path
    measurements: Measurements
    manifest: dict[str, Any]
    warnings: tuple[str, ...]
    label_map: LabelMap
    series: CTSeries | None
