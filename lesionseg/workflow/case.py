"""One case: a scan goes in, a folder with labels, measurements, picture and manifest comes out.

The batch engine, the demo and the command line all call `segment_case`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lesionseg.core.errors import AnatomyError
from lesionseg.core.files import staged_folder
from lesionseg.core.provenance import Stopwatch
from lesionseg.core.tables import write_csv, write_json
from lesionseg.segmentation import Segmenter
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.volume.files import write_label_map
from lesionseg.volumetry import measure
from lesionseg.workflow.loading import load_scan
from lesionseg.workflow.manifest import CaseFacts, build_manifest
from lesionseg.workflow.output import refuse_output
from lesionseg.workflow.progress import of_stage
from lesionseg.workflow.request import (
    CASE_OUTPUT,
    LABELS,
    MANIFEST,
    MEASUREMENTS_CSV,
    MEASUREMENTS_JSON,
    OVERVIEW,
    CaseRequest,
    CaseResult,
    CaseSettings,
    Watch,
)
from lesionseg.workflow.segmenting import segment_assessed


def segment_case(
    request: CaseRequest,
    segmenter: Segmenter,
    *,
    settings: CaseSettings | None = None,
    watch: Watch | None = None,
) -> CaseResult:
    """Segment and measure one scan and write its folder, whole or not at all.

    Parameters
    ----------
    request : CaseRequest
    segmenter : Segmenter
        From `lesionseg.segmentation.open_segmenter`.
    settings : CaseSettings, optional
    watch : Watch, optional
        Progress and clocks.

    Returns
    -------
    CaseResult

    Raises
    ------
    InputError
        If the scan is refused; `AnatomyError` if no lung is found in it.
    SegmentationError
        If the network cannot be run.
    OutputExistsError, OutputError
        If the folder is filled (told before any work), cannot be written or the disk is full.
    """
    settings, watch = settings or CaseSettings(), watch or Watch()
    refuse_output(request.output_folder, CASE_OUTPUT, overwrite=request.overwrite)
    started, timer = watch.now(), watch.stopwatch()
    with timer.stage("read"):
        scan = load_scan(
            request.input_path,
            series_uid=request.series_uid,
            repairs=request.repairs,
            progress=of_stage(watch.progress, "read"),
            found=request.found,
        )
    if request.label:
        scan = replace(scan, label=request.label)
    with timer.stage("segment"):
        found = segment_assessed(segmenter, scan.volume, progress=of_stage(watch.progress, "segment"))
        label_map = found.label_map
        _refuse_other_anatomy(scan.volume, label_map, settings.minimum_lung_ml)
    with timer.stage("measure"):
        measurements = measure(scan.volume, label_map, settings=settings.measure, confidence=found.confidence)
    facts = CaseFacts(request, settings, scan, measurements, segmenter, started)
    with staged_folder(request.output_folder, overwrite=request.overwrite) as folder:
        warnings = _write_results(folder, facts, label_map, timer)
        manifest = build_manifest(facts, folder, timer, warnings)
        write_json(folder / MANIFEST, manifest)
    return CaseResult(request.output_folder, measurements, manifest, warnings, label_map, scan.series)


def _refuse_other_anatomy(volume: CTVolume, label_map: LabelMap, minimum_ml: float) -> None:
    found_ml = int(label_map.lung.sum()) * label_map.geometry.voxel_volume_ml
    if found_ml < minimum_ml:
        raise AnatomyError(
            "no lungs were found in this scan",
            case=volume.name,
            expected=f"a chest CT with at least {minimum_ml:.0f} ml of lung",
            found=f"{found_ml:.0f} ml that look like lung",
            remedy="Give the chest series; where the folder holds several, name it with --series",
        )


def _write_results(folder: Path, facts: CaseFacts, label_map: LabelMap, timer: Stopwatch) -> tuple[str, ...]:
    """Write everything but the manifest; return what went wrong without stopping the case."""
    with timer.stage("write"):
        write_label_map(label_map, folder / LABELS)
        write_json(folder / MEASUREMENTS_JSON, facts.measurements.as_dict())
        row = {"input": facts.scan.label, **facts.measurements.as_row()}
        write_csv(folder / MEASUREMENTS_CSV, [row])
    with timer.stage("draw"):
        return _draw(folder / OVERVIEW, facts, label_map)


def _draw(path: Path, facts: CaseFacts, label_map: LabelMap) -> tuple[str, ...]:
    """Draw the overview; a picture that fails must not cost the measurements."""
    from lesionseg.reports.overview import draw_overview

    try:
        draw_overview(facts.scan.volume, label_map, facts.measurements, path, scan=facts.scan_line)
    except OSError:
        raise  # the disk, not the picture
    except Exception as error:  # noqa: BLE001 - said in the manifest and on the screen
        path.unlink(missing_ok=True)
        return (f"the overview could not be drawn: {type(error).__name__}: {error}",)
    return ()
