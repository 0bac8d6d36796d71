"""Agreement of the readers of a trial: tables, and a record in the audit log that they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lesionseg import __version__
from lesionseg.core.audit import AuditEvent, AuditKey, append_record
from lesionseg.core.errors import ReadingError
from lesionseg.core.files import staged_folder
from lesionseg.core.plan import TrialPlan, read_plan
from lesionseg.core.provenance import sha256_of_file
from lesionseg.core.tables import plain_json, write_csv, write_json
from lesionseg.readings.agreement import ReaderPair, ReadScan, agreement_of
from lesionseg.readings.final import compare_readers
from lesionseg.readings.reading import Reading, Role
from lesionseg.volumetry.agreement import BlandAltman, Estimate, RegionAgreement
from lesionseg.workflow.output import OwnOutput, refuse_output
from lesionseg.workflow.reading.request import COMPARED, audit_log_of
from lesionseg.workflow.reading.store import ReadingStore, labels_of, load_for_writing
from lesionseg.workflow.request import Watch

SCANS_CSV, SUMMARY_CSV, MANIFEST = "scans_of_two_readers.csv", "summary.csv", "agreement.json"
AGREEMENT_FORMAT = "lesionseg-agreement/1"
AGREEMENT_OUTPUT = OwnOutput((SCANS_CSV, SUMMARY_CSV, MANIFEST), MANIFEST, AGREEMENT_FORMAT)
DEFAULT_MEASURE = "LESPCT"


@dataclass(frozen=True)
class AgreeRequest:
    """Which readings to compare, and where the tables go; with a plan by its measure and limit."""

    readings: Path
    output: Path
    plan: Path | None = None
    key: AuditKey | None = None
    overwrite: bool = False


@dataclass(frozen=True)
class AgreeResult:
    """Pairs of readers as compared, and the manifest as written."""

    folder: Path
    pairs: tuple[ReaderPair, ...]
    manifest: dict[str, Any]


def compare_all(request: AgreeRequest, *, watch: Watch | None = None) -> AgreeResult:
    """Compare the two readers of every scan that two have read.

    Raises
    ------
    InputNotFoundError, AuditError, ReadingError
        As `load_for_writing` does; also where no scan has two readers.
    PlanError
        If the plan is none.
    OutputExistsError, OutputError
        If the folder is filled, or cannot be written.
    """
    watch = watch or Watch()
    refuse_output(request.output, AGREEMENT_OUTPUT, overwrite=request.overwrite)
    started = watch.now()
    plan = read_plan(request.plan) if request.plan else None
    store = load_for_writing(request.readings, key=request.key)
    measure = plan.readings.measure if plan and plan.readings else DEFAULT_MEASURE
    pairs = agreement_of(_pairs(store), labels_of, measure)
    with staged_folder(request.output, overwrite=request.overwrite) as folder:
        write_csv(folder / SCANS_CSV, [row for pair in pairs for row in _scan_rows(pair, plan)])
        write_csv(folder / SUMMARY_CSV, [row for pair in pairs for row in _summary_rows(pair)])
        manifest = _manifest(folder, pairs, plan, store)
        manifest["times"] = {"started_utc": started.isoformat(timespec="seconds")}
        write_json(folder / MANIFEST, manifest)
    facts = {name: manifest[name] for name in ("readings", "plan_sha256", "scans", "pairs", "outputs")}
    append_record(audit_log_of(request.readings), AuditEvent(COMPARED, facts), key=request.key, now=watch.now)
    return AgreeResult(request.output, pairs, manifest)


def _pairs(store: ReadingStore) -> list[tuple[Reading, Reading]]:
    by_scan: dict[str, list[Reading]] = {}
    for reading in store.current:
        if reading.role is Role.READER:
            by_scan.setdefault(reading.scan.scan_id, []).append(reading)
    pairs = []
    for scan_id in sorted(by_scan):
        found = sorted(by_scan[scan_id], key=lambda reading: reading.reader.casefold())
        if len(found) == 2:
            pairs.append((found[0], found[1]))
    if not pairs:
        raise ReadingError(
            "no scan has readings of two readers",
            case=str(store.folder),
            found=f"{len(by_scan)} scans with readings",
            remedy="Add the second reader's readings",
        )
    return pairs


def _scan_rows(pair: ReaderPair, plan: TrialPlan | None) -> list[dict[str, Any]]:
    return [
        {**_scan_cells(scan, plan, pair.measure), **_region_cells(region)}
        for scan in pair.scans
        for region in scan.regions
    ]


def _scan_cells(scan: ReadScan, plan: TrialPlan | None, measure: str) -> dict[str, Any]:
    section = plan.readings if plan else None
    compared = compare_readers((scan.first, scan.second), section) if section else None
    judged = compared is not None and section is not None and section.largest_difference is not None
    one, other = scan.first.value(measure), scan.second.value(measure)
    return {
        "scan_id": scan.first.scan.scan_id,
        "reader_1": scan.first.reader,
        "reader_2": scan.second.reader,
        "reading_1": scan.first.reading_id,
        "reading_2": scan.second.reading_id,
        "measure": measure,
        "value_1": one,
        "value_2": other,
        "difference": None if one is None or other is None else one - other,
        "largest_difference": section.largest_difference if section else None,
        "agree": ("Y" if compared.agree else "N") if compared and judged else None,
    }


def _region_cells(region: RegionAgreement) -> dict[str, Any]:
    """Rename the columns of a comparison: nobody here is the reference."""
    row = region.as_row()
    return {
        "region": row["region"],
        "empty": str(row["empty"]).replace("prediction", "reader-1").replace("reference", "reader-2"),
        "dice": row["dice"],
        "surface_dice": row["surface_dice"],
        "reader_1_ml": row["prediction_ml"],
        "reader_2_ml": row["reference_ml"],
        "difference_ml": row["error_ml"],
        "reader_1_pct": row["prediction_proportion_pct"],
        "reader_2_pct": row["reference_proportion_pct"],
        "difference_points": row["proportion_error_points"],
    }


def _summary_rows(pair: ReaderPair) -> list[dict[str, Any]]:
    named = {"reader_1": pair.readers[0], "reader_2": pair.readers[1], "scans": len(pair.scans)}
    rows = [{**named, **figure.as_row()} for figure in pair.pooled]
    whole = pair.limits.cases if pair.limits else 0
    for statistic, estimate in _measure_figures(pair.limits, pair.icc).items():
        cells = {
            "region": "", "measure": pair.measure, "statistic": statistic, "value": estimate.value,
            "low": estimate.low, "high": estimate.high, "cases": whole, "missing": estimate.reason,
        }  # fmt: skip
        rows.append({**named, **cells})
    return rows


def _measure_figures(limits: BlandAltman | None, icc: Estimate | None) -> Mapping[str, Estimate]:
    few = Estimate(reason="too-few-cases")
    return {
        "bias": limits.bias if limits else few,
        "lower_limit": limits.lower if limits else few,
        "upper_limit": limits.upper if limits else few,
        "icc_agreement": icc or few,
    }


def _manifest(
    folder: Path, pairs: tuple[ReaderPair, ...], plan: TrialPlan | None, store: ReadingStore
) -> dict[str, Any]:
    scans = [scan for pair in pairs for scan in pair.scans]
    manifest = {
        "format": AGREEMENT_FORMAT,
        "lesionseg": __version__,
        "notice": "Research use only. Not a medical device.",
        "audit": {"records": len(store.records), "sha256": store.last_sha256},
        "plan_sha256": plan.sha256 if plan else "",
        "readings": [each.reading_id for scan in scans for each in (scan.first, scan.second)],
        "scans": len(scans),
        "pairs": [
            {
                "readers": list(pair.readers),
                "scans": len(pair.scans),
                "measure": pair.measure,
                "limits": asdict(pair.limits) if pair.limits else None,
                "icc": asdict(pair.icc) if pair.icc else None,
            }
            for pair in pairs
        ],
        "outputs": {path.name: sha256_of_file(path) for path in sorted(folder.iterdir())},
    }
    return plain_json(manifest)
