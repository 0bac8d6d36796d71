"""Parameters of single scans, from the columns of their measurements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.plan import LESION_PARAMETERS
from lesionseg.longitudinal.comparability import ScanFacts, flag_codes
from lesionseg.longitudinal.scan_table import ScanTable
from lesionseg.longitudinal.sources import SOURCES, Source

Numbers = npt.NDArray[np.float64]
CODES = tuple(LESION_PARAMETERS)
"""Parameter codes in the order of every table and array."""


@dataclass(frozen=True)
class Figures:
    """Values and intervals of every scan.

    Attributes
    ----------
    value, low, high : array
        float64 of shape (scans, parameters), parameters as in `CODES`; NaN where missing, and for the
        parameters that need two scans.
    """

    value: Numbers
    low: Numbers
    high: Numbers


def figures_of(table: ScanTable) -> Figures:
    """Take the parameters of all scans; those of a scan that was not measured are missing."""
    shape = (len(table.scans), len(CODES))
    value, low, high = (np.full(shape, np.nan) for _ in range(3))
    measured = np.array([scan.is_measured for scan in table.scans], bool)
    for place, code in enumerate(CODES):
        if code in SOURCES:
            source = SOURCES[code]
            value[:, place] = np.where(measured, _value(table, source), np.nan)
            if source.low:
                low[:, place] = np.where(measured, table.numbers[source.low], np.nan)
                high[:, place] = np.where(measured, table.numbers[source.high], np.nan)
    return Figures(value, low, high)


def facts_of(table: ScanTable, index: int) -> ScanFacts:
    """Return what comparability needs to know of one scan."""
    texts = table.texts
    return ScanFacts(
        slice_spacing_mm=_known(table.numbers["slice_spacing_mm"][index]),
        lung_ml=_known(table.numbers["lung_ml"][index]),
        kernel=texts["kernel"][index],
        contrast=texts["contrast"][index],
        manufacturer=texts["manufacturer"][index],
        model=texts["model"][index],
        flags=flag_codes(texts["flags"][index]),
    )


def missing_figure_sentence(table: ScanTable, index: int, columns: tuple[str, ...]) -> str:
    """Say which column of a scan's measurements is empty, with the reason that they give for it."""
    scan_id = table.scans[index].scan_id
    for name in columns:
        if name in table.absent:
            return f"The table of scans has no column {name}."
        if np.isnan(table.numbers[name][index]):
            reason = _measured_reasons(table.texts["missing"][index]).get(name, "")
            return f"The measurements of {scan_id} give no {name}{f': {reason}' if reason else ''}."
    return f"The measurements of {scan_id} have a {columns[-1]} of 0."


def _value(table: ScanTable, source: Source) -> Numbers:
    value = table.numbers[source.value]
    if not source.over:
        return value
    whole = table.numbers[source.over]
    ratio_pct = np.full(whole.shape, np.nan)
    np.divide(100 * value, whole, out=ratio_pct, where=whole > 0)
    return ratio_pct


def _measured_reasons(cell: str) -> dict[str, str]:
    """Read ``column=reason; column=reason``."""
    pairs = (part.partition("=") for part in cell.split(";"))
    return {name.strip(): reason.strip() for name, _, reason in pairs}


def _known(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
