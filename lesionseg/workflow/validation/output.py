"""What a validation writes: tables for statistics, a summary for programs, a manifest for audit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lesionseg import __version__
from lesionseg.core.provenance import Stopwatch, package_versions, sha256_of_file
from lesionseg.core.tables import plain_json, write_csv, write_json
from lesionseg.reports.validation.page import PageSource
from lesionseg.volumetry.agreement.findings import COMPARED, FAILED, NO_PREDICTION, NO_REFERENCE, Findings
from lesionseg.workflow.manifest import TIMES_KEY
from lesionseg.workflow.output import OwnOutput
from lesionseg.workflow.validation.files import Matching

CASES_CSV, SUMMARY_CSV, SUMMARY_JSON = "cases.csv", "summary.csv", "summary.json"
REPORT, MANIFEST = "report.html", "manifest.json"
VALIDATION_FILES = (CASES_CSV, SUMMARY_CSV, SUMMARY_JSON, REPORT, MANIFEST)
"""All that a validation's folder may hold."""
VALIDATION_FORMAT = "lesionseg-validation/1"
VALIDATION_OUTPUT = OwnOutput(VALIDATION_FILES, MANIFEST, VALIDATION_FORMAT)
NOTICE = "Research use only. Not a medical device."


@dataclass(frozen=True)
class RunFacts:
    """Everything known about a validation once its cases are compared."""

    predictions: Path
    references: Path
    matching: Matching
    findings: Findings
    started: datetime

    @property
    def page_source(self) -> PageSource:
        """What the report says about where its figures come from."""
        return PageSource(str(self.predictions), str(self.references), __version__, package_versions())


def write_tables(folder: Path, findings: Findings) -> None:
    """Write ``cases.csv``, ``summary.csv`` and ``summary.json``."""
    write_csv(folder / CASES_CSV, _case_rows(findings))
    write_csv(folder / SUMMARY_CSV, [figure.as_row() for figure in findings.pooled])
    write_json(folder / SUMMARY_JSON, _summary(findings))


def _case_rows(findings: Findings) -> list[dict[str, Any]]:
    """One row for each region of each compared case, then one for each case that is left out."""
    rows: list[dict[str, Any]] = [
        {"case": case.case, "status": COMPARED, **region.as_row(), "problem": ""}
        for case in findings.compared
        for region in case.regions
    ]
    nothing = dict.fromkeys(rows[0])
    return rows + [
        nothing | {"case": left.case, "status": left.status, "problem": left.problem}
        for left in findings.left_out
    ]


def _summary(findings: Findings) -> dict[str, Any]:
    regions: dict[str, dict[str, dict[str, Any]]] = {}
    for figure in findings.pooled:
        estimate = figure.as_row()
        for name in ("region", "measure", "statistic"):
            estimate.pop(name)
        regions.setdefault(figure.region, {}).setdefault(figure.measure, {})[figure.statistic] = estimate
    return plain_json(
        {
            "format": VALIDATION_FORMAT,
            "cases": counts(findings),
            "settings": _settings(findings),
            "regions": regions,
            "left_out": [asdict(left) for left in findings.left_out],
            "notes": list(findings.notes),
        }
    )


def counts(findings: Findings) -> dict[str, int]:
    """How many cases were compared, failed, and had only one side."""
    statuses = [left.status for left in findings.left_out]
    return {
        COMPARED: len(findings.compared),
        **{status: statuses.count(status) for status in (FAILED, NO_PREDICTION, NO_REFERENCE)},
    }


def _settings(findings: Findings) -> dict[str, Any]:
    settings = findings.settings
    return {
        "regions": list(settings.compared),
        "prediction_labels": str(settings.prediction_labels),
        "reference_labels": str(settings.reference_labels),
        "tolerance_mm": settings.tolerance_mm,
        "bootstrap": asdict(findings.resampling),
    }


def build_manifest(
    facts: RunFacts, folder: Path, timer: Stopwatch, warnings: tuple[str, ...]
) -> dict[str, Any]:
    """Describe the run whose results lie in `folder`, in JSON values only."""
    with timer.stage("hash"):
        inputs = [
            {"case": pair.case, "prediction": _hashed(pair.prediction), "reference": _hashed(pair.reference)}
            for pair in facts.matching.pairs
        ]
        outputs = {
            path.name: sha256_of_file(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST
        }
    manifest = {
        "format": VALIDATION_FORMAT,
        "lesionseg": __version__,
        "notice": NOTICE,
        "predictions": str(facts.predictions.resolve()),
        "references": str(facts.references.resolve()),
        "settings": _settings(facts.findings),
        "cases": counts(facts.findings),
        "inputs": inputs,
        "left_out": [asdict(left) for left in facts.findings.left_out],
        "other_predictions": list(facts.matching.other_predictions),
        "other_references": list(facts.matching.other_references),
        "notes": list(facts.findings.notes),
        "warnings": list(warnings),
        "outputs": outputs,
        "packages": package_versions(),
        TIMES_KEY: {
            "started_utc": facts.started.isoformat(timespec="seconds"),
            "seconds": {stage: round(seconds, 3) for stage, seconds in timer.seconds.items()},
        },
    }
    return plain_json(manifest)


def _hashed(path: Path) -> dict[str, str | None]:
    """Path and SHA-256; None where the file cannot be read, which is then why its case failed."""
    try:
        sha256 = sha256_of_file(path)
    except OSError:
        sha256 = None
    return {"path": str(path.resolve()), "sha256": sha256}
