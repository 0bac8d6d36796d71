"""A reader's figures as a row of text, and the model's beside them."""

from __future__ import annotations

from typing import Any

from lesionseg.core.provenance import sha256_of_array
from lesionseg.readings.against_model import label_changes
from lesionseg.readings.masks import ReaderMask
from lesionseg.readings.reading import SOLID_NOT_TOLD
from lesionseg.volumetry import Measurements
from lesionseg.volumetry.results import Cell
from lesionseg.workflow.loading import LoadedScan
from lesionseg.workflow.reading.scan import ModelResult, ReadScan

_SHOWN = (
    "lung_ml", "lesion_ml", "non_solid_ml", "solid_ml", "lesion_proportion_pct", "solid_proportion_pct",
)  # fmt: skip
"""Figures that stand in ``reading.json`` and in the audit log."""


def reading_row(measurements: Measurements, *, solid_told: bool) -> dict[str, Cell]:
    """Return the flat row; where solid was not told, its figures are missing rather than 0."""
    row = measurements.as_row()
    if solid_told:
        return row
    untold = [name for name in row if "solid_" in name]
    reasons = [part for part in str(row["missing"]).split("; ") if part and part.split("=")[0] not in untold]
    missing = "; ".join([*reasons, *(f"{name}={SOLID_NOT_TOLD}" for name in untold)])
    return {**row, **dict.fromkeys(untold), "missing": missing}


def shown_figures(row: dict[str, Cell]) -> dict[str, Cell]:
    """Return the few figures that stand beside those of the model."""
    return {name: row[name] for name in _SHOWN}


def model_facts(scan: ReadScan, mask: ReaderMask) -> dict[str, Any] | None:
    """Describe the model's result and what the reader changed in it; None where there is none."""
    model: ModelResult | None = scan.model
    if model is None:
        return None
    manifest = model.case.manifest
    return {
        "case": str(model.case.folder),
        "bundle": manifest["model"]["bundle"],
        "bundle_sha256": manifest["model"].get("bundle_sha256") or "",
        "labels_sha256": sha256_of_array(model.label_map.labels),
        "figures": shown_figures(model.measurements.as_row()),
        "changes": label_changes(model.label_map, mask.label_map).as_dict(),
    }


def acquisition_cells(scan: LoadedScan, measurements: Measurements) -> dict[str, str]:
    """Return what the table of scans says of how a scan was taken."""
    facts = {name: str(value) for name, value in (scan.volume.acquisition or {}).items()}
    codes = [flag.code for flag in measurements.flags]
    contrast = "Y" if "contrast" in codes else "N" if scan.source["kind"] == "dicom" else ""
    return {
        "slice_spacing_mm": repr(measurements.grid.slice_spacing_mm),
        "kernel": facts.get("kernel", ""),
        "contrast": contrast,
        "manufacturer": facts.get("manufacturer", ""),
        "model": facts.get("model", ""),
    }
