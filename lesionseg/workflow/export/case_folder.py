"""A case, from its folder and its scan or from memory, ready to be exported.

Nothing is taken on trust: the files of the folder must be those of its manifest, and so must the scan's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from lesionseg.core.errors import InputNotFoundError, SourceMismatchError, UnreadableFileError
from lesionseg.core.provenance import sha256_of_array, sha256_of_file
from lesionseg.export.origin import Origin
from lesionseg.reports.case.files import CaseFiles, read_case
from lesionseg.volume import LabelMap
from lesionseg.workflow.export.measured import measurements_from
from lesionseg.workflow.export.request import Exportable
from lesionseg.workflow.loading import LoadedScan, Progress, load_scan
from lesionseg.workflow.request import LABELS, MANIFEST, MEASUREMENTS_JSON, OVERVIEW, CaseResult


def from_result(result: CaseResult) -> Exportable:
    """Take up a case that was just measured."""
    return Exportable(
        case=str(result.folder),
        label_map=result.label_map,
        measurements=result.measurements,
        origin=_origin(result.manifest, result.label_map),
        series=result.series,
        overview=_overview(result.folder),
        input_sha256=result.manifest["input"]["sha256"],
    )


def from_folder(folder: Path, *, source: Path | None = None, progress: Progress | None = None) -> Exportable:
    """Take up a case from its folder, and its scan from where it lies.

    Parameters
    ----------
    folder : Path
        Of `segment_case`.
    source : Path, optional
        The scan, where it no longer lies where the manifest says.
    progress : callable, optional
        Called with slices read and slices in all.

    Raises
    ------
    InputNotFoundError, UnreadableFileError
        If the folder is no case or not as it was written, or the scan is absent.
    SourceMismatchError
        If the scan is not the one that was measured.
    InputError
        If the scan cannot be loaded.
    """
    case = read_case(folder)
    _refuse_altered(case)
    scan = _scan(case, source, progress)
    label_map = _on_grid_of(scan, case.read_labels(), case)
    return Exportable(
        case=str(folder),
        label_map=label_map,
        measurements=measurements_from(case.measurements),
        origin=_origin(case.manifest, label_map),
        series=scan.series,
        overview=_overview(folder),
        input_sha256=case.manifest["input"]["sha256"],
    )


def _refuse_altered(case: CaseFiles) -> None:
    outputs = case.manifest["outputs"]
    for name in (LABELS, MEASUREMENTS_JSON, *([OVERVIEW] if OVERVIEW in outputs else [])):
        path = case.folder / name
        if not path.is_file() or sha256_of_file(path) != outputs[name]:
            raise UnreadableFileError(
                "the files of this case have changed since they were written",
                case=str(case.folder),
                expected=f"{name} as {MANIFEST} records it",
                found="another content" if path.is_file() else "no such file",
                remedy="Export the case as it was written; lesionseg reading takes corrected masks in",
            )


def _scan(case: CaseFiles, source: Path | None, progress: Progress | None) -> LoadedScan:
    recorded = case.manifest["input"]
    path = Path(recorded["path"]) if source is None else source
    if not path.exists():
        raise InputNotFoundError(
            "the scan of this case is not there" if source is None else "there is no such file or folder",
            case=str(case.folder) if source is None else str(path),
            expected=str(path) if source is None else "",
            remedy="Say where it lies now with --source",
        )
    is_dicom = case.manifest["source"]["kind"] == "dicom"
    series_uid = case.manifest["source"]["series"]["series_uid"] if is_dicom else None
    repairs = tuple(case.manifest["request"]["repairs"])
    scan = load_scan(path, series_uid=series_uid or None, repairs=repairs, progress=progress)
    _refuse_other_files(case, scan, path)
    return scan


def _on_grid_of(scan: LoadedScan, written: LabelMap, case: CaseFiles) -> LabelMap:
    """Lay the labels on the scan's grid, of which their file keeps float32 only."""
    if not written.geometry.matches(scan.volume.geometry):
        raise SourceMismatchError(
            "the labels do not lie on the grid of the scan",
            case=str(case.folder),
            expected=f"{written.geometry.shape} voxels as in {LABELS}",
            found=f"{scan.volume.geometry.shape} voxels, or another place",
            remedy="This version reads the scan otherwise: segment it again",
        )
    return LabelMap(written.labels, scan.volume.geometry, written.scheme)


def _refuse_other_files(case: CaseFiles, scan: LoadedScan, path: Path) -> None:
    recorded = Counter(entry["sha256"] for entry in case.manifest["input"]["files"])
    found = Counter(sha256_of_file(file) for file in scan.files)
    if recorded == found:
        return
    unknown = (found - recorded).total()
    raise SourceMismatchError(
        "this is not the scan that the case was made of",
        case=str(case.folder),
        expected=f"the {recorded.total()} files whose SHA-256 {MANIFEST} lists",
        found=f"{found.total()} files in {path}, {unknown} of them with another content",
        remedy="Name the very files with --source, or segment the scan again",
    )


def _origin(manifest: Mapping[str, Any], label_map: LabelMap) -> Origin:
    model = manifest["model"]
    return Origin(
        labels_sha256=sha256_of_array(label_map.labels),
        created=datetime.fromisoformat(manifest["times"]["started_utc"]),
        software_version=manifest["lesionseg"],
        bundle=model["bundle"],
        bundle_sha256=model.get("bundle_sha256") or "",
        solid_convention=model.get("solid_convention") or "",
    )


def _overview(folder: Path) -> Path | None:
    path = folder / OVERVIEW
    return path if path.is_file() else None
