"""Subjects by visits: which scan stands where, and what is said about the pair it makes with the baseline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.plan import TrialPlan, VisitWindow
from lesionseg.longitudinal.comparability import ComparabilityLimits, Finding, compare_scans, flag_codes
from lesionseg.longitudinal.figures import facts_of
from lesionseg.longitudinal.pairing import Pairing
from lesionseg.longitudinal.pairing_words import Reason
from lesionseg.longitudinal.scan_table import ScanTable

Indices = npt.NDArray[np.int64]
NOTHING = -1


@dataclass(frozen=True)
class PairFinding:
    """One check of one baseline and follow-up."""

    subject: str
    visit: str
    finding: Finding


@dataclass(frozen=True)
class VisitGrid:
    """Every subject at every visit of the schedule.

    Attributes
    ----------
    subjects : tuple of str
        In alphabetical order.
    schedule : tuple of VisitWindow
    baseline : int
        Place of the baseline in the schedule.
    chosen : array
        int64 (subjects, visits): index of the scan taken; -1 without one.
    without_figures : array
        Likewise of a failed or not evaluable scan where none is taken.
    """

    subjects: tuple[str, ...]
    schedule: tuple[VisitWindow, ...]
    baseline: int
    chosen: Indices
    without_figures: Indices

    @property
    def shown(self) -> Indices:
        """Index of the scan that is named at the visit, with figures or without."""
        return np.where(self.chosen == NOTHING, self.without_figures, self.chosen)


def visit_grid(pairing: Pairing, plan: TrialPlan, further_subjects: Iterable[str] = ()) -> VisitGrid:
    """Lay the scans out by subject and visit; subjects without any scan have a row too."""
    found = {made.scan.subject for made in pairing.decisions}
    subjects = tuple(sorted(found.union(further_subjects)))
    rows = {subject: row for row, subject in enumerate(subjects)}
    columns = {window.name: column for column, window in enumerate(plan.schedule)}
    chosen, without_figures = (np.full((len(rows), len(columns)), NOTHING, np.int64) for _ in range(2))
    for placed, grid in ((pairing.chosen, chosen), (pairing.without_figures, without_figures)):
        for (subject, visit), index in placed.items():
            grid[rows[subject], columns[visit]] = index
    return VisitGrid(
        subjects=subjects,
        schedule=plan.schedule,
        baseline=columns[plan.baseline.name],
        chosen=chosen,
        without_figures=without_figures,
    )


def compare_pairs(
    grid: VisitGrid, table: ScanTable, limits: ComparabilityLimits | None = None
) -> tuple[PairFinding, ...]:
    """Check every measured follow-up against its subject's measured baseline."""
    findings: list[PairFinding] = []
    for subject, indices in zip(grid.subjects, grid.chosen, strict=True):
        if indices[grid.baseline] == NOTHING:
            continue
        baseline = facts_of(table, int(indices[grid.baseline]))
        for column, window in enumerate(grid.schedule):
            if column != grid.baseline and indices[column] != NOTHING:
                found = compare_scans(baseline, facts_of(table, int(indices[column])), limits)
                findings += [PairFinding(subject, window.name, finding) for finding in found]
    return tuple(findings)


def quality_flags(
    grid: VisitGrid, table: ScanTable, pairing: Pairing, findings: Iterable[PairFinding]
) -> npt.NDArray[np.object_]:
    """Codes at every visit, separated by spaces: of the scan, of its pairing, of its pair with the baseline.

    Returns
    -------
    array
        Text of shape (subjects, visits).
    """
    of_pair: dict[tuple[str, str], list[str]] = {}
    for found in findings:
        if found.finding.is_flagged:
            of_pair.setdefault((found.subject, found.visit), []).append(found.finding.flag)
    shown = grid.shown
    flags = np.full(shown.shape, "", object)
    for row, column in np.argwhere(shown != NOTHING):
        index = int(shown[row, column])
        codes = [*flag_codes(table.texts["flags"][index])]
        if pairing.decisions[index].reason is Reason.GIVEN_OUTSIDE:
            codes.append("outside-window")
        codes += of_pair.get((grid.subjects[row], grid.schedule[column].name), [])
        flags[row, column] = " ".join(dict.fromkeys(codes))
    return flags
