"""One case: a scan goes in, a folder with labels, measurements, picture and manifest comes out.

The demo, the trial and the command line call `segment_case`. The batch engine calls the four steps it is made
of, each for another scan at the same time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from lesionseg.core.beside import beside
from lesionseg.core.errors import AnatomyError
from lesionseg.core.files import staged_folder
from lesionseg.core.provenance import Stopwatch
from lesionseg.core.tables import write_csv, write_json
from lesionseg.segmentation import Segmentation, Segmenter
from lesionseg.volume import CTVolume, LabelMap
from lesionseg.volume.files import write_label_map
from lesionseg.volumetry import Measurements, measure
from lesionseg.workflow.loading import LoadedScan, load_scan
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


@dataclass(frozen=True)
class ReadCase:
    """A case whose scan is in memory.

    Attributes
    ----------
    request : CaseRequest
    settings : CaseSettings
    watch : Watch
    started : datetime
    timer : Stopwatch
        Goes on through all steps.
    scan : LoadedScan
    """

    request: CaseRequest
    settings: CaseSettings
    watch: Watch
    started: datetime
    timer: Stopwatch
    scan: LoadedScan


@dataclass(frozen=True)
class LabelledCase:
    """A case whose scan is segmented, by whom, and how far that can be trusted."""

    read: ReadCase
    segmenter: Segmenter
    found: Segmentation


@dataclass(frozen=True)
class MeasuredCase:
    """A case of which nothing is on disk yet."""

    labelled: LabelledCase
    measurements: Measurements


AddFiles = Callable[[CaseResult, CTVolume], tuple[str, ...]]
"""Adds files to a case in its staging folder, which the result names; returns what went wrong."""


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
    read = read_scan(request, settings=settings, watch=watch)
    return write_case(measure_labels(label_scan(read, segmenter)))


def read_scan(
    request: CaseRequest, *, settings: CaseSettings | None = None, watch: Watch | None = None
) -> ReadCase:
    """Do the first step: refuse a filled folder, and load the scan. Parameters as of `segment_case`."""
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
    return ReadCase(request, settings, watch, started, timer, scan)


def label_scan(read: ReadCase, segmenter: Segmenter) -> LabelledCase:
    """Do the second step: run the network, and refuse what shows no chest."""
    volume, progress = read.scan.volume, of_stage(read.watch.progress, "segment")
    with read.timer.stage("segment"):
        found = segment_assessed(segmenter, volume, progress=progress)
        _refuse_other_anatomy(volume, found.label_map, read.settings.minimum_lung_ml)
    return LabelledCase(read, segmenter, found)


def measure_labels(labelled: LabelledCase) -> MeasuredCase:
    """Do the third step: volumes, proportions and quality flags."""
    read, found = labelled.read, labelled.found
    with read.timer.stage("measure"):
        measurements = measure(
            read.scan.volume, found.label_map, settings=read.settings.measure, confidence=found.confidence
        )
    return MeasuredCase(labelled, measurements)


def write_case(measured: MeasuredCase, *, add: AddFiles | None = None) -> CaseResult:
    """Do the last step: write the folder, whole or not at all.

    Parameters
    ----------
    measured : MeasuredCase
    add : callable, optional
        Adds further files once the case is complete, and takes their place together with it. What it
        returns stands in the result's warnings, not in the manifest.
    """
    read, label_map = measured.labelled.read, measured.labelled.found.label_map
    request, scan = read.request, read.scan
    facts = CaseFacts(
        request, read.settings, scan, measured.measurements, measured.labelled.segmenter, read.started
    )
    with staged_folder(request.output_folder, overwrite=request.overwrite) as folder:
        written = _write_results(folder, facts, label_map, read.timer)
        warnings = (*measured.labelled.found.retries, *written)
        manifest = build_manifest(facts, folder, read.timer, warnings)
        write_json(folder / MANIFEST, manifest)
        result = CaseResult(folder, measured.measurements, manifest, warnings, label_map, scan.series)
        added = add(result, scan.volume) if add is not None else ()
    return replace(result, folder=request.output_folder, warnings=(*warnings, *added))


def _refuse_other_anatomy(volume: CTVolume, label_map: LabelMap, minimum_ml: float) -> None:
    found_ml = int(np.count_nonzero(label_map.lung)) * label_map.geometry.voxel_volume_ml
    if found_ml < minimum_ml:
        raise AnatomyError(
            "no lungs were found in this scan",
            case=volume.name,
            expected=f"a chest CT with at least {minimum_ml:.0f} ml of lung",
            found=f"{found_ml:.0f} ml that look like lung",
            remedy="Give the chest series; where the folder holds several, name it with --series",
        )


def _write_results(folder: Path, facts: CaseFacts, label_map: LabelMap, timer: Stopwatch) -> tuple[str, ...]:
    """Write everything but the manifest; return what went wrong without stopping the case.

    Labels are compressed while the overview is drawn, and so cost no time of their own.
    """
    with timer.stage("write"):
        write_json(folder / MEASUREMENTS_JSON, facts.measurements.as_dict())
        row = {"input": facts.scan.label, **facts.measurements.as_row()}
        write_csv(folder / MEASUREMENTS_CSV, [row])
    threads = facts.settings.segmenter.threads
    labels = partial(write_label_map, label_map, folder / LABELS)
    with timer.stage("draw"), beside(labels, threads=threads):
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
