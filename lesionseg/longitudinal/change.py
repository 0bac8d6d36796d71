"""By how much lesions changed, absolute and relative, at every visit, and why a figure is missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.longitudinal.change_words import (
    FIGURE_MISSING,
    NO_BASELINE,
    NO_SCAN,
    NOT_ADJUSTABLE,
    NOT_ADJUSTABLE_SENTENCE,
    NOT_EVALUABLE,
    SCAN_FAILED,
    ZERO_BASELINE,
    ZERO_BASELINE_SENTENCE,
    no_baseline_sentence,
)
from lesionseg.longitudinal.figures import CODES, figures_of, missing_figure_sentence
from lesionseg.longitudinal.inspiration import BreathFigures, adjusted_proportions
from lesionseg.longitudinal.pairing_words import window_words
from lesionseg.longitudinal.scan import Status
from lesionseg.longitudinal.scan_table import ScanTable
from lesionseg.longitudinal.sources import ADJUSTED, ADJUSTMENT_COLUMNS, SOURCES
from lesionseg.longitudinal.visit_grid import NOTHING, Indices, VisitGrid

Numbers = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Changes:
    """All values and changes: arrays of shape (subjects, visits, parameters), parameters as in `CODES`.

    Attributes
    ----------
    grid : VisitGrid
        Subjects and visits.
    value, low, high : array
        Value and its interval; NaN where missing.
    base : array
        Value at the baseline, of shape (subjects, parameters).
    change, change_pct : array
        Follow-up - baseline, and that in % of the baseline; NaN at the baseline itself and where missing.
    reason, sentence : array of str
        Why a value, or else its change, or else its relative change is missing; empty where nothing is, and
        for the change at the baseline, which is missing by definition.
    """

    grid: VisitGrid
    value: Numbers
    low: Numbers
    high: Numbers
    base: Numbers
    change: Numbers
    change_pct: Numbers
    reason: Texts
    sentence: Texts


def changes(table: ScanTable, grid: VisitGrid) -> Changes:
    """Make every change from the scans that were chosen for the visits."""
    figures = figures_of(table)
    value, low, high = (
        _at_visits(numbers, grid.chosen) for numbers in (figures.value, figures.low, figures.high)
    )
    _adjust(value, table, grid)
    reasons = _Reasons(table, grid, value)
    base = value[:, grid.baseline, :]
    change = value - base[:, None, :]
    change[:, grid.baseline, :] = np.nan
    change_pct = np.divide(
        100 * change, base[:, None, :], out=np.full(change.shape, np.nan), where=base[:, None, :] != 0
    )
    reasons.explain(base)
    return Changes(grid, value, low, high, base, change, change_pct, reasons.code, reasons.sentence)


def _at_visits(numbers: Numbers, chosen: Indices) -> Numbers:
    taken = numbers[np.maximum(chosen, 0)]
    taken[chosen == NOTHING] = np.nan
    return taken


def _adjust(value: Numbers, table: ScanTable, grid: VisitGrid) -> None:
    """Fill in the adjusted parameters; at the baseline they are the raw ones."""
    breath = {name: _at_visits(table.numbers[name], grid.chosen) for name in ADJUSTMENT_COLUMNS}
    baseline_lung_ml = np.broadcast_to(breath["lung_ml"][:, [grid.baseline]], grid.chosen.shape)
    adjusted = adjusted_proportions(BreathFigures(**breath), baseline_lung_ml)
    for (code, raw), numbers in zip(ADJUSTED.items(), adjusted, strict=True):
        place = CODES.index(code)
        value[:, :, place] = numbers
        value[:, grid.baseline, place] = value[:, grid.baseline, CODES.index(raw)]


class _Reasons:
    """Works out why figures are missing, from the scan to the relative change."""

    def __init__(self, table: ScanTable, grid: VisitGrid, value: Numbers) -> None:
        self.table, self.grid, self.value = table, grid, value
        self.code = np.full(value.shape, "", object)
        self.sentence = np.full(value.shape, "", object)

    def explain(self, base: Numbers) -> None:
        """Fill in codes and sentences."""
        self._absent_scans()
        self._absent_figures()
        follow_up = np.ones(self.value.shape[1], bool)
        follow_up[self.grid.baseline] = False
        open_change = (self.code == "") & follow_up[None, :, None]
        self._absent_baselines(open_change & np.isnan(base)[:, None, :])
        zero = open_change & (base == 0)[:, None, :]
        self.code[zero], self.sentence[zero] = ZERO_BASELINE, ZERO_BASELINE_SENTENCE

    def _absent_scans(self) -> None:
        for row, column in np.argwhere(self.grid.chosen == NOTHING):
            code, sentence = self._absent_scan(int(row), int(column))
            self.code[row, column], self.sentence[row, column] = code, sentence

    def _absent_scan(self, row: int, column: int) -> tuple[str, str]:
        index = int(self.grid.without_figures[row, column])
        window = self.grid.schedule[column]
        if index == NOTHING:
            return NO_SCAN, f"No scan belongs to {window.name} ({window_words(window)})."
        scan = self.table.scans[index]
        if scan.status is Status.FAILED:
            return SCAN_FAILED, f"The scan {scan.scan_id} could not be measured: {scan.why}."
        return NOT_EVALUABLE, f"The scan {scan.scan_id} is not evaluable: {scan.why}."

    def _absent_figures(self) -> None:
        missing = np.isnan(self.value) & (self.grid.chosen != NOTHING)[:, :, None]
        for row, column, place in np.argwhere(missing):
            code, sentence = self._absent_figure(int(row), int(column), int(place))
            self.code[row, column, place], self.sentence[row, column, place] = code, sentence

    def _absent_figure(self, row: int, column: int, place: int) -> tuple[str, str]:
        index, code = int(self.grid.chosen[row, column]), CODES[place]
        if code in SOURCES:
            return FIGURE_MISSING, missing_figure_sentence(self.table, index, SOURCES[code].columns)
        if column == self.grid.baseline:
            columns = SOURCES[ADJUSTED[code]].columns
            return FIGURE_MISSING, missing_figure_sentence(self.table, index, columns)
        at_baseline = int(self.grid.chosen[row, self.grid.baseline])
        if at_baseline == NOTHING:
            _, sentence = self._absent_scan(row, self.grid.baseline)
            return NO_BASELINE, no_baseline_sentence(sentence)
        if np.isnan(self.table.numbers["lung_ml"][at_baseline]):
            return NO_BASELINE, no_baseline_sentence(
                missing_figure_sentence(self.table, at_baseline, ("lung_ml",))
            )
        needed = [name for name in ADJUSTMENT_COLUMNS if np.isnan(self.table.numbers[name][index])]
        if needed:
            return FIGURE_MISSING, missing_figure_sentence(self.table, index, tuple(needed))
        return NOT_ADJUSTABLE, NOT_ADJUSTABLE_SENTENCE

    def _absent_baselines(self, where: npt.NDArray[np.bool_]) -> None:
        for row, column, place in np.argwhere(where):
            why = str(self.sentence[row, self.grid.baseline, place])
            self.code[row, column, place] = NO_BASELINE
            self.sentence[row, column, place] = no_baseline_sentence(why)
