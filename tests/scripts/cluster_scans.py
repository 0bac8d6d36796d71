"""Small scans and a bundle that is right about them, for command lines in processes of their own."""

from __future__ import annotations

import csv
from pathlib import Path

from lesionseg.dicom.write import WriterSettings
from tests.support.ct_series import write_series
from tests.workflow.builders import filled_chest, threshold_bundle


def write_chests(root: Path, count: int) -> None:
    """Write one folder for each patient ``P001`` onwards."""
    for number in range(1, count + 1):
        settings = WriterSettings(entropy="cluster", patient_id=f"P{number:03d}", study_date="20200401")
        write_series(root / f"P{number:03d}", filled_chest(), settings)


def write_bundle(folder: Path) -> Path:
    """Write a bundle; its network tells labels by HU thresholds."""
    return threshold_bundle(folder).folder


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "summary.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def same_figures(first: Path, second: Path) -> bool:
    """Tell whether two summaries hold the same cases and figures, wherever their folders lie."""
    return [{**row, "case_folder": ""} for row in rows(first)] == [
        {**row, "case_folder": ""} for row in rows(second)
    ]
