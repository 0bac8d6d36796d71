"""The scan that a reader drew on: from the case that the model left, or by itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import ConfigurationError, InputNotFoundError
from lesionseg.core.provenance import sha256_of_array
from lesionseg.readings.masks import ReferenceScan
from lesionseg.readings.reading import ScanIdentity
from lesionseg.reports.case.files import CaseFiles, read_case
from lesionseg.volume import LabelMap
from lesionseg.volumetry import Measurements, MeasurementSettings
from lesionseg.workflow.export.measured import measurements_from
from lesionseg.workflow.loading import LoadedScan, load_scan, refuse_absent_input
from lesionseg.workflow.progress import CaseProgress, no_progress, of_stage
from lesionseg.workflow.reading.request import AddRequest
from lesionseg.workflow.request import MANIFEST, MANIFEST_FORMAT


@dataclass(frozen=True)
class ModelResult:
    """What the model found on the scan.

    Attributes
    ----------
    case : CaseFiles
    label_map : LabelMap
        On the scan's very grid.
    measurements : Measurements
    """

    case: CaseFiles
    label_map: LabelMap
    measurements: Measurements


@dataclass(frozen=True)
class ReadScan:
    """A scan ready to have a reader's mask measured on it.

    Attributes
    ----------
    scan : LoadedScan
    identity : ScanIdentity
    model : ModelResult or None
        None where the reader reads a scan on which there is no model's result.
    """

    scan: LoadedScan
    identity: ScanIdentity
    model: ModelResult | None

    @property
    def reference(self) -> ReferenceScan:
        """What masks are checked against."""
        return ReferenceScan(
            geometry=self.scan.volume.geometry,
            series=self.scan.series,
            model_labels=self.model.label_map if self.model else None,
            name=self.identity.scan_id,
        )

    @property
    def settings(self) -> MeasurementSettings:
        """How the model's labels were measured, or the default: both are measured alike."""
        return self.model.measurements.settings if self.model else MeasurementSettings()


def open_scan(request: AddRequest, progress: CaseProgress = no_progress) -> ReadScan:
    """Load the scan of a case or by itself.

    Raises
    ------
    InputNotFoundError
        If there is nothing, or the scan of the case is not where its manifest says.
    MeasurementError
        If what lies there is not the scan that the case was made of.
    InputError
        If the scan or the case folder cannot be read.
    """
    refuse_absent_input(request.scan)
    if is_case(request.scan):
        _refuse_series(request)
        return _of_case(request, progress)
    if request.source is not None:
        raise ConfigurationError(
            "a source can be given for a case folder only",
            case=str(request.scan),
            remedy="Name the case folder as the scan, or leave out --source",
        )
    scan = load_scan(request.scan, series_uid=request.series_uid, progress=of_stage(progress, "read"))
    return ReadScan(scan, _identity(request, scan, scan.label), None)


def is_case(path: Path) -> bool:
    """Whether a folder is what `segment_case` wrote."""
    manifest = path / MANIFEST
    return manifest.is_file() and MANIFEST_FORMAT in manifest.read_text("utf-8", errors="replace")[:200]


def _of_case(request: AddRequest, progress: CaseProgress) -> ReadScan:
    case = read_case(request.scan)
    recorded = Path(case.manifest["input"]["path"])
    path = recorded if request.source is None else request.source
    if not path.exists():
        raise InputNotFoundError(
            "the scan of this case is not there",
            case=str(request.scan),
            expected=str(path),
            remedy="Say where it lies now with --source",
        )
    source = case.manifest["source"]
    scan = load_scan(
        path,
        series_uid=source["series"]["series_uid"] if source["kind"] == "dicom" else None,
        repairs=tuple(case.manifest["request"]["repairs"]),
        progress=of_stage(progress, "read"),
    )
    written = case.read_labels()
    case.refuse_other_scan(scan.volume, written)
    label_map = LabelMap(written.labels, scan.volume.geometry, written.scheme)  # the file keeps float32
    model = ModelResult(case, label_map, measurements_from(case.measurements))
    return ReadScan(scan, _identity(request, scan, case.label), model)


def _identity(request: AddRequest, scan: LoadedScan, label: str) -> ScanIdentity:
    return ScanIdentity(request.scan_id or label, scan.series_uid, sha256_of_array(scan.volume.hu))


def _refuse_series(request: AddRequest) -> None:
    if request.series_uid:
        raise ConfigurationError(
            "a series cannot be chosen for a case: its manifest names the one that was measured",
            case=str(request.scan),
            remedy="Leave out --series",
        )
