"""From the trial's table of scans and its readings to the table with final values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lesionseg import __version__
from lesionseg.core.audit import AuditEvent, AuditKey, AuditRecord, append_record
from lesionseg.core.errors import PlanError, ReadingError
from lesionseg.core.files import staged_folder
from lesionseg.core.plan import Readings, TrialPlan, read_plan
from lesionseg.core.provenance import sha256_of_file
from lesionseg.core.tables import plain_json, write_csv, write_json
from lesionseg.longitudinal import read_scans
from lesionseg.readings.final import FinalValue, Unresolved, final_value
from lesionseg.readings.reading import Reading
from lesionseg.workflow.output import OwnOutput, refuse_output
from lesionseg.workflow.reading.final_tables import ScanRows, decision_row, final_row, read_scan_rows
from lesionseg.workflow.reading.request import FINALIZED, audit_log_of
from lesionseg.workflow.reading.store import ReadingStore, load_for_writing
from lesionseg.workflow.request import MANIFEST as CASE_MANIFEST
from lesionseg.workflow.request import Watch

SCANS_CSV, FINAL_VALUES_CSV, MANIFEST = "scans.csv", "final_values.csv", "finalize.json"
FINAL_FORMAT = "lesionseg-final-values/1"
FINAL_OUTPUT = OwnOutput((SCANS_CSV, FINAL_VALUES_CSV, MANIFEST), MANIFEST, FINAL_FORMAT)


@dataclass(frozen=True)
class FinalizeRequest:
    """What to make final.

    Attributes
    ----------
    scans : Path
        The trial's ``scans.csv``, with the model's values.
    readings : Path
        Folder of readings.
    plan : Path
        With a section `readings`.
    output : Path
    key : AuditKey or None
        Of the audit log.
    overwrite : bool
        Replace an earlier result.
    """

    scans: Path
    readings: Path
    plan: Path
    output: Path
    key: AuditKey | None = field(default=None, repr=False)
    overwrite: bool = False


@dataclass(frozen=True)
class FinalizeResult:
    """Final values by scan, the manifest as written, and the audit record."""

    folder: Path
    finals: tuple[FinalValue, ...]
    manifest: dict[str, Any]
    record: AuditRecord


def finalize(request: FinalizeRequest, *, watch: Watch | None = None) -> FinalizeResult:
    """Decide about every scan by the plan's rule, and write the tables whole or not at all.

    Raises
    ------
    InputNotFoundError, PlanError, TableError
        If plan or table are absent or faulty, the plan has no section on readings, or the table holds arms.
    AuditError
        If the audit log does not verify.
    ReadingError
        If a reading was changed, belongs to no scan of the table or to another scan of that name, or a scan
        has no final value yet: all of them at once.
    OutputExistsError, OutputError
        If the folder is filled, or cannot be written.
    """
    watch = watch or Watch()
    refuse_output(request.output, FINAL_OUTPUT, overwrite=request.overwrite)
    started = watch.now()
    plan = read_plan(request.plan)
    section = _section(request.plan, plan)
    read_scans(request.scans, plan.schedule)  # tells every fault of the table
    table = read_scan_rows(request.scans)
    store = load_for_writing(request.readings, key=request.key)
    _refuse_strangers(request.scans, table, store.current)
    finals = _decide(table, store, section)
    with staged_folder(request.output, overwrite=request.overwrite) as folder:
        rows = [final_row(row, final) for row, final in zip(table.rows, finals, strict=True)]
        write_csv(folder / SCANS_CSV, rows)
        write_csv(
            folder / FINAL_VALUES_CSV,
            [decision_row(row, final, section) for row, final in zip(table.rows, finals, strict=True)],
        )
        manifest = _manifest(folder, request, plan, store, finals)
        manifest["times"] = {"started_utc": started.isoformat(timespec="seconds")}
        write_json(folder / MANIFEST, manifest)
    record = append_record(
        audit_log_of(request.readings),
        AuditEvent(FINALIZED, {name: manifest[name] for name in ("inputs", "counts", "outputs", "values")}),
        key=request.key,
        now=watch.now,
    )
    return FinalizeResult(request.output, finals, manifest, record)


def _section(path: Path, plan: TrialPlan) -> Readings:
    if plan.readings is None:
        raise PlanError(
            "the plan does not say how readings become final values",
            case=str(path),
            expected="a section readings",
            remedy="Write it before anybody reads: docs/readings.md",
        )
    return plan.readings


def _decide(table: ScanRows, store: ReadingStore, section: Readings) -> tuple[FinalValue, ...]:
    by_scan: dict[str, list[Reading]] = {}
    for reading in store.current:
        by_scan.setdefault(reading.scan.scan_id, []).append(reading)
    decided = [final_value(row["scan_id"], by_scan.get(row["scan_id"], []), section) for row in table.rows]
    open_ones = [each for each in decided if isinstance(each, Unresolved)]
    if open_ones:
        lines = "\n".join(f"{each.scan_id}: {each.problem}" for each in open_ones)
        raise ReadingError(
            f"{len(open_ones)} of {len(decided)} scans have no final value yet\n{lines}",
            case=str(store.folder),
            remedy="Add the readings that are missing, or withdraw those that do not count",
        )
    return tuple(each for each in decided if isinstance(each, FinalValue))


def _refuse_strangers(path: Path, table: ScanRows, readings: Sequence[Reading]) -> None:
    """Raise where a reading belongs to no scan of the table, or to another than the row of its name."""
    rows = {row["scan_id"]: row for row in table.rows}
    for reading in readings:
        row = rows.get(reading.scan.scan_id)
        if row is None:
            raise ReadingError(
                "the table of scans has no scan of this name",
                case=reading.reading_id,
                expected=f"one of {', '.join(sorted(rows))}",
                found=reading.scan.scan_id,
                remedy="Withdraw the reading and add it with --scan-id as the table has it",
            )
        _refuse_other_scan(path, row, reading)


def _refuse_other_scan(path: Path, row: Mapping[str, str], reading: Reading) -> None:
    pairs = [
        ("series", row.get("series_uid", ""), reading.scan.series_uid),
        ("voxels", _measured_voxels(path, row), reading.scan.volume_sha256),
    ]
    for what, expected, found in pairs:
        if expected and found and expected != found:
            raise ReadingError(
                "the reading is of another scan than the one of this name in the table",
                case=f"{reading.scan.scan_id}, {reading.reading_id}",
                expected=f"{what} {expected}",
                found=found,
                remedy="Withdraw the reading, and add it again to the right scan",
            )


def _measured_voxels(path: Path, row: Mapping[str, str]) -> str:
    """Hash of the voxels that the row's case was made of; empty where its folder does not lie there."""
    manifest = path.parent / row.get("case_folder", "") / CASE_MANIFEST
    if not row.get("case_folder") or not manifest.is_file():
        return ""
    return str(json.loads(manifest.read_text(encoding="utf-8"))["volume"]["sha256"])


def _manifest(
    folder: Path,
    request: FinalizeRequest,
    plan: TrialPlan,
    store: ReadingStore,
    finals: Sequence[FinalValue],
) -> dict[str, Any]:
    manifest = {
        "format": FINAL_FORMAT,
        "lesionseg": __version__,
        "notice": "Research use only. Not a medical device.",
        "inputs": {
            "scans_sha256": sha256_of_file(request.scans),
            "plan_sha256": plan.sha256,
            "audit_records": len(store.records),
            "audit_sha256": store.last_sha256,
        },
        "rule": plan.readings.model_dump(mode="json") if plan.readings else None,
        "counts": dict(sorted(Counter(str(final.origin) for final in finals).items())),
        "values": {
            final.scan_id: [reading.reading_id for reading in final.readings]
            for final in finals
            if final.readings
        },
        "withdrawn": sorted(store.withdrawn),
        "unrecorded": [str(path) for path in store.unrecorded],
        "outputs": {path.name: sha256_of_file(path) for path in sorted(folder.iterdir())},
    }
    return plain_json(manifest)
