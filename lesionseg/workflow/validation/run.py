"""Label maps against references: two folders go in, tables, a report and a manifest come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lesionseg.core.errors import LesionSegError, MeasurementError
from lesionseg.core.files import staged_folder
from lesionseg.core.provenance import Stopwatch
from lesionseg.core.tables import write_json
from lesionseg.volume.files import read_label_map
from lesionseg.volumetry.agreement import (
    ComparisonSettings,
    RegionLabels,
    Resampling,
    compare_label_maps,
    pool,
)
from lesionseg.volumetry.agreement.findings import (
    FAILED,
    NO_PREDICTION,
    NO_REFERENCE,
    ComparedCase,
    Findings,
    LeftOutCase,
)
from lesionseg.volumetry.agreement.labels import ANY_VALUES
from lesionseg.workflow.output import refuse_output
from lesionseg.workflow.request import Watch
from lesionseg.workflow.validation.files import CaseFiles, Matching, match_cases
from lesionseg.workflow.validation.output import (
    MANIFEST,
    REPORT,
    VALIDATION_OUTPUT,
    RunFacts,
    build_manifest,
    write_tables,
)


@dataclass(frozen=True)
class ValidationRequest:
    """What is compared with what, and where the results go.

    Attributes
    ----------
    predictions, references : Path
        A label map, a result folder of `segment`, or a folder of either kind.
    output_folder : Path
        New or empty.
    settings : ComparisonSettings
    resampling : Resampling
        Of the bootstrap intervals.
    overwrite : bool
        Replace the folder if it holds an earlier validation, and nothing else.
    """

    predictions: Path
    references: Path
    output_folder: Path
    settings: ComparisonSettings = field(default_factory=ComparisonSettings)
    resampling: Resampling = field(default_factory=Resampling)
    overwrite: bool = False


@dataclass(frozen=True)
class ValidationResult:
    """What a finished validation leaves behind.

    Attributes
    ----------
    folder : Path
        Without the report if that could not be made.
    findings : Findings
    manifest : dict
        As written.
    warnings : tuple of str
        What went wrong without stopping the run.
    """

    folder: Path
    findings: Findings
    manifest: dict[str, Any]
    warnings: tuple[str, ...] = ()


def validate(request: ValidationRequest, *, watch: Watch | None = None) -> ValidationResult:
    """Compare label maps with references, case by case and pooled, and write the results whole or not at all.

    A pair that cannot be compared is left out, and listed; so is a case that only one side has.

    Raises
    ------
    InputError
        If a path is absent, or no case has both a prediction and a reference.
    MeasurementError
        If no pair could be compared.
    OutputExistsError, OutputError
        If the folder is filled (told before any work), cannot be written or the disk is full.
    """
    watch = watch or Watch()
    refuse_output(request.output_folder, VALIDATION_OUTPUT, overwrite=request.overwrite)
    started, timer = watch.now(), watch.stopwatch()
    matching = match_cases(request.predictions, request.references)
    with timer.stage("compare"):
        outcomes = _compare_all(matching, request.settings, watch)
    with timer.stage("pool"):
        findings = _findings(outcomes, matching, request)
    facts = RunFacts(request.predictions, request.references, matching, findings, started)
    with staged_folder(request.output_folder, overwrite=request.overwrite) as folder:
        warnings = _write_results(folder, facts, timer)
        manifest = build_manifest(facts, folder, timer, warnings)
        write_json(folder / MANIFEST, manifest)
    return ValidationResult(request.output_folder, findings, manifest, warnings)


def _compare_all(
    matching: Matching, settings: ComparisonSettings, watch: Watch
) -> list[ComparedCase | LeftOutCase]:
    outcomes: list[ComparedCase | LeftOutCase] = []
    total = len(matching.pairs)
    watch.progress("validate", 0, total)
    for number, files in enumerate(matching.pairs, start=1):
        outcomes.append(_compare_case(files, settings))
        watch.progress("validate", number, total)
    return outcomes


def _compare_case(files: CaseFiles, settings: ComparisonSettings) -> ComparedCase | LeftOutCase:
    try:
        prediction, reference = (
            read_label_map(path, ANY_VALUES) for path in (files.prediction, files.reference)
        )
        return ComparedCase(files.case, compare_label_maps(prediction, reference, settings, files.case))
    except LesionSegError as error:
        return LeftOutCase(files.case, FAILED, str(error).removeprefix(f"{files.case}: "), error.code)


def _findings(
    outcomes: Sequence[ComparedCase | LeftOutCase], matching: Matching, request: ValidationRequest
) -> Findings:
    compared = tuple(outcome for outcome in outcomes if isinstance(outcome, ComparedCase))
    failed = tuple(outcome for outcome in outcomes if isinstance(outcome, LeftOutCase))
    if not compared:
        raise MeasurementError(
            "no prediction could be compared with its reference",
            case=f"{request.predictions} and {request.references}",
            found=f"{len(failed)} refused; the first: {failed[0].problem}",
        )
    no_prediction = tuple(
        LeftOutCase(case, NO_PREDICTION, "no prediction of this name") for case in matching.without_prediction
    )
    no_reference = tuple(
        LeftOutCase(case, NO_REFERENCE, "no reference of this name") for case in matching.without_reference
    )
    return Findings(
        compared=compared,
        left_out=failed + no_prediction + no_reference,
        pooled=pool([case.regions for case in compared], request.resampling),
        settings=request.settings,
        resampling=request.resampling,
        notes=_notes(compared, request.settings),
    )


def _notes(compared: tuple[ComparedCase, ...], settings: ComparisonSettings) -> tuple[str, ...]:
    """Say so where binary lesion masks may have been read as lungs."""
    lesions = [found for case in compared for found in case.regions if found.region == "lesion"]
    suspicious = (
        settings.reference_labels == RegionLabels()
        and any(found.prediction_ml > 0 for found in lesions)
        and all(found.reference_ml == 0 for found in lesions)
    )
    if not suspicious:
        return ()
    return (
        "No reference holds any lesion: value 1 was read as lung without lesion. "
        "If the references are lesion masks, run again with --reference-labels lesion=1.",
    )


def _write_results(folder: Path, facts: RunFacts, timer: Stopwatch) -> tuple[str, ...]:
    """Write everything but the manifest; return what went wrong without stopping the run."""
    with timer.stage("write"):
        write_tables(folder, facts.findings)
    with timer.stage("report"):
        return _report(folder / REPORT, facts)


def _report(path: Path, facts: RunFacts) -> tuple[str, ...]:
    """Write the report; a page that fails must not cost the tables."""
    from lesionseg.reports.validation.page import write_validation_page

    try:
        write_validation_page(facts.findings, path, facts.page_source)
    except OSError:
        raise  # the disk, not the page
    except Exception as error:  # noqa: BLE001 - said in the manifest and on the screen
        path.unlink(missing_ok=True)
        return (f"the report could not be made: {type(error).__name__}: {error}",)
    return ()
