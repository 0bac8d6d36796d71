"""The manifest of a change run: inputs, outputs, limits and counts; the same for the same input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from lesionseg.core.plan import TrialPlan
from lesionseg.core.provenance import package_versions, sha256_of_file
from lesionseg.core.tables import plain_json
from lesionseg.longitudinal.comparability import ComparabilityLimits
from lesionseg.longitudinal.pairing import Pairing
from lesionseg.longitudinal.scan_table import ScanTable
from lesionseg.longitudinal.subject_table import SubjectTable
from lesionseg.longitudinal.visit_grid import PairFinding, VisitGrid

MANIFEST: Final = "change_manifest.json"
CHANGE_FORMAT: Final = "lesionseg-change/1"
NOTICE: Final = "Research use only. Not a medical device."
_PACKAGES = ("lesionseg", "numpy", "pyarrow", "pydantic")
_SHOWN = 5


@dataclass(frozen=True)
class ChangeFacts:
    """Everything that the manifest tells of.

    Attributes
    ----------
    plan_file : str
    plan : TrialPlan
    table : ScanTable
    subjects : SubjectTable or None
    limits : ComparabilityLimits
    pairing : Pairing
    grid : VisitGrid
    findings : sequence of PairFinding
    """

    plan_file: str
    plan: TrialPlan
    table: ScanTable
    subjects: SubjectTable | None
    limits: ComparabilityLimits
    pairing: Pairing
    grid: VisitGrid
    findings: Sequence[PairFinding]


def build_manifest(folder: Path, facts: ChangeFacts) -> dict[str, Any]:
    """Describe the run whose tables lie in `folder`; nothing in it depends on when or where it ran."""
    tables = [("scans", facts.table), ("subjects", facts.subjects)]
    flagged = Counter(found.finding.flag for found in facts.findings if found.finding.is_flagged)
    packages = package_versions(_PACKAGES)
    return plain_json(
        {
            "format": CHANGE_FORMAT,
            "lesionseg": packages.get("lesionseg", ""),
            "notice": NOTICE,
            "trial": facts.plan.trial.identifier,
            "plan": {"file": facts.plan_file, "sha256": facts.plan.sha256},
            "inputs": {
                name: {"file": table.path.name, "sha256": table.sha256} for name, table in tables if table
            },
            "limits": asdict(facts.limits),
            "subjects": len(facts.grid.subjects),
            "scans": _scan_counts(facts.pairing),
            "visits": _visit_counts(facts.grid),
            "comparability_flags": dict(sorted(flagged.items())),
            "notes": _notes(facts),
            "outputs": {path.name: sha256_of_file(path) for path in sorted(folder.iterdir())},
            "packages": packages,
        }
    )


def _scan_counts(pairing: Pairing) -> dict[str, Any]:
    return {
        "found": len(pairing.decisions),
        "chosen": len(pairing.chosen),
        "unscheduled": len(pairing.unscheduled),
        "by_status": dict(sorted(Counter(str(made.scan.status) for made in pairing.decisions).items())),
        "by_reason": dict(sorted(Counter(str(made.reason) for made in pairing.decisions).items())),
    }


def _visit_counts(grid: VisitGrid) -> dict[str, dict[str, int]]:
    return {
        window.name: {
            "measured": int((grid.chosen[:, column] >= 0).sum()),
            "without_figures": int((grid.without_figures[:, column] >= 0).sum()),
            "no_scan": int((grid.shown[:, column] < 0).sum()),
        }
        for column, window in enumerate(grid.schedule)
    }


def _notes(facts: ChangeFacts) -> list[str]:
    if facts.subjects is None:
        return []
    scanned, listed = {made.scan.subject for made in facts.pairing.decisions}, set(facts.subjects.subjects)
    notes = []
    if scanned - listed:
        notes.append(f"Subjects with scans who are not in the table of subjects: {_some(scanned - listed)}.")
    if listed - scanned:
        notes.append(f"Subjects without any scan: {_some(listed - scanned)}.")
    return notes


def _some(names: set[str]) -> str:
    shown = sorted(names)[:_SHOWN]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
