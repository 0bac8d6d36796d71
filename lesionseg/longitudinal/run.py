"""From the table of scans to the tables of change: paired, compared, subtracted, written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lesionseg.core.files import staged_folder
from lesionseg.core.plan import TrialPlan, read_plan
from lesionseg.core.tables import write_json
from lesionseg.longitudinal.adlesion import adlesion
from lesionseg.longitudinal.arrow_tables import typed_table, write_csv_table, write_parquet_table
from lesionseg.longitudinal.blinded_summary import blinded_summary
from lesionseg.longitudinal.change import Changes, changes
from lesionseg.longitudinal.change_manifest import MANIFEST, ChangeFacts, build_manifest
from lesionseg.longitudinal.comparability import ComparabilityLimits
from lesionseg.longitudinal.dictionary import (
    ADLESION_CSV,
    ADLESION_PARQUET,
    COMPARABILITY,
    COMPARABILITY_CSV,
    DICTIONARY,
    DICTIONARY_CSV,
    PAIRING,
    PAIRING_CSV,
    SUMMARY_CSV,
    TABLES,
    TR_CSV,
    dictionary_values,
)
from lesionseg.longitudinal.pairing import Pairing, pair_visits
from lesionseg.longitudinal.scan_table import ScanTable, read_scans
from lesionseg.longitudinal.subject_table import SubjectTable, read_subjects
from lesionseg.longitudinal.tumour_results import scan_order, tumour_results
from lesionseg.longitudinal.visit_grid import PairFinding, compare_pairs, quality_flags, visit_grid

CHANGE_FILES = (*TABLES, MANIFEST)
"""All that the folder of a change run may hold."""


@dataclass(frozen=True)
class ChangeRequest:
    """What to make changes from, and where to.

    Attributes
    ----------
    scans : Path
        Table of scans.
    plan : Path
        Analysis plan; only its schedule and the trial's name are used.
    output : Path
        Folder for the tables.
    subjects : Path or None
        Table with day zero and birth; needed where visits are found by date.
    limits : ComparabilityLimits
        From where on paired scans are flagged.
    overwrite : bool
        Replace what the folder holds.
    """

    scans: Path
    plan: Path
    output: Path
    subjects: Path | None = None
    limits: ComparabilityLimits = field(default_factory=ComparabilityLimits)
    overwrite: bool = False


@dataclass(frozen=True)
class ChangeResult:
    """What was made.

    Attributes
    ----------
    folder : Path
    pairing : Pairing
    changes : Changes
    findings : tuple of PairFinding
        Every check of every pair.
    manifest : dict
        As written.
    """

    folder: Path
    pairing: Pairing
    changes: Changes
    findings: tuple[PairFinding, ...]
    manifest: dict[str, Any]


@dataclass(frozen=True)
class _Inputs:
    plan: TrialPlan
    table: ScanTable
    subjects: SubjectTable | None


@dataclass(frozen=True)
class _Made:
    pairing: Pairing
    findings: tuple[PairFinding, ...]
    changes: Changes


def make_changes(request: ChangeRequest) -> ChangeResult:
    """Pair visits, make changes and write all tables: whole or not at all.

    Raises
    ------
    InputNotFoundError, PlanError, TableError
        If plan or tables are absent or faulty; nothing is written then.
    OutputExistsError, OutputError
        If the folder is filled and `overwrite` is not set, or cannot be written.
    """
    inputs = _read(request)
    pairing = pair_visits(inputs.table.scans, inputs.plan.schedule, _known(inputs.subjects))
    grid = visit_grid(pairing, inputs.plan, _known(inputs.subjects))
    findings = compare_pairs(grid, inputs.table, request.limits)
    made = _Made(pairing, findings, changes(inputs.table, grid))
    with staged_folder(request.output, overwrite=request.overwrite) as folder:
        _write_tables(folder, inputs, made)
        manifest = build_manifest(folder, _facts(request, inputs, made))
        write_json(folder / MANIFEST, manifest)
    return ChangeResult(request.output, pairing, made.changes, findings, manifest)


def _read(request: ChangeRequest) -> _Inputs:
    plan = read_plan(request.plan)
    subjects = read_subjects(request.subjects) if request.subjects else None
    return _Inputs(plan, read_scans(request.scans, plan.schedule, _known(subjects)), subjects)


def _known(subjects: SubjectTable | None) -> dict[str, Any]:
    return subjects.subjects if subjects else {}


def _facts(request: ChangeRequest, inputs: _Inputs, made: _Made) -> ChangeFacts:
    return ChangeFacts(
        plan_file=request.plan.name,
        plan=inputs.plan,
        table=inputs.table,
        subjects=inputs.subjects,
        limits=request.limits,
        pairing=made.pairing,
        grid=made.changes.grid,
        findings=made.findings,
    )


def _write_tables(folder: Path, inputs: _Inputs, made: _Made) -> None:
    flags = quality_flags(made.changes.grid, inputs.table, made.pairing, made.findings)
    origins = inputs.table.texts["value_origin"]
    analysis = adlesion(made.changes, made.pairing, inputs.plan, flags, origins)
    write_csv_table(folder / ADLESION_CSV, analysis)
    write_parquet_table(folder / ADLESION_PARQUET, analysis)
    del analysis
    write_csv_table(folder / TR_CSV, tumour_results(inputs.table, made.pairing, inputs.plan))
    write_csv_table(folder / PAIRING_CSV, pairing_table(made.pairing))
    write_csv_table(folder / COMPARABILITY_CSV, comparability_table(made.findings))
    write_csv_table(folder / SUMMARY_CSV, blinded_summary(made.changes))
    write_csv_table(folder / DICTIONARY_CSV, typed_table(DICTIONARY, dictionary_values()))


def pairing_table(pairing: Pairing) -> Any:
    """One row for each scan, sorted by subject, date and name; columns as in `dictionary.PAIRING`."""
    made = sorted(pairing.decisions, key=scan_order)
    return typed_table(
        PAIRING,
        {
            "subject": [decision.scan.subject for decision in made],
            "scan_id": [decision.scan.scan_id for decision in made],
            "study_date": [decision.scan.study_date for decision in made],
            "day": [decision.day for decision in made],
            "visit": [decision.visit for decision in made],
            "chosen": ["Y" if decision.chosen else "N" for decision in made],
            "reason": [str(decision.reason) for decision in made],
            "reason_text": [decision.reason_text for decision in made],
        },
    )


def comparability_table(findings: tuple[PairFinding, ...]) -> Any:
    """One row for each check of each pair; columns as in `dictionary.COMPARABILITY`."""
    return typed_table(
        COMPARABILITY,
        {
            "subject": [found.subject for found in findings],
            "visit": [found.visit for found in findings],
            "check": [found.finding.check for found in findings],
            "flag": [found.finding.flag for found in findings],
            "severity": [str(found.finding.severity) for found in findings],
            "sentence": [found.finding.sentence for found in findings],
            "value": [found.finding.value for found in findings],
        },
    )
