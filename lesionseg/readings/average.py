"""The mean of two readings, figure by figure."""

from __future__ import annotations

from lesionseg.readings.reading import Reading
from lesionseg.volumetry import COLUMNS

NOT_AVERAGED = "readers-averaged"
"""Reason code of figures that have no mean of two readers: counts, scores, texts."""
_AVERAGED_UNITS = ("ml", "%", "HU", "g")
_OF_THE_SCAN = (
    "slice_spacing_mm", "row_spacing_mm", "column_spacing_mm", "voxel_volume_ml", "threshold_hu",
    "smoothing_sigma_mm", "minimum_lesion_ml",
)  # fmt: skip
"""The same for every reading of a scan."""
_TEXTS = ("case", "worst_flag", "flags", "missing")


def average_cells(first: Reading, second: Reading) -> dict[str, str]:
    """Return the row of measurements that stands for two readings of one scan.

    Volumes, proportions, densities and masses are means of the two readers' figures: a mean proportion is the
    mean of two proportions. Where one reader has none there is none. Counts, grades and scores have no mean;
    they are empty with a reason.
    """
    cells, missing = dict.fromkeys(COLUMNS, ""), []
    for name, column in COLUMNS.items():
        one, other = first.cells.get(name, ""), second.cells.get(name, "")
        if name in _OF_THE_SCAN:
            cells[name] = one
        elif name in _TEXTS:
            continue
        elif column.unit in _AVERAGED_UNITS and one and other:
            cells[name] = repr((float(one) + float(other)) / 2)
        else:
            missing.append(f"{name}={_reason(name, first, second, one, other)}")
    cells["case"] = first.cells.get("case", "")
    cells["flags"] = "; ".join(_flags(first, second))
    cells["missing"] = "; ".join(missing)
    return cells


def _reason(name: str, first: Reading, second: Reading, one: str, other: str) -> str:
    """Say why there is no mean: the reason that a reader's own figure is missing for, if it is."""
    for reading, cell in ((first, one), (second, other)):
        if not cell:
            pairs = (part.partition("=") for part in reading.cells.get("missing", "").split(";"))
            reasons = {key.strip(): reason.strip() for key, _, reason in pairs}
            return reasons.get(name, NOT_AVERAGED)
    return NOT_AVERAGED


def _flags(first: Reading, second: Reading) -> list[str]:
    flags = [part.strip() for each in (first, second) for part in each.cells.get("flags", "").split(";")]
    return [flag for flag in dict.fromkeys(flags) if flag]
