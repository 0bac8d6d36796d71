"""Readings made in code, without scans."""

from __future__ import annotations

from lesionseg.readings.reading import Reading, Role, ScanIdentity
from lesionseg.volumetry import COLUMNS


def cells(lesion_ml: float, solid_ml: float = 10.0, lung_ml: float = 1000.0, **more: str) -> dict[str, str]:
    """A row of measurements; everything that is not given is empty."""
    figures = {
        "lung_ml": lung_ml,
        "lesion_ml": lesion_ml,
        "solid_ml": solid_ml,
        "non_solid_ml": lesion_ml - solid_ml,
        "lesion_proportion_pct": 100 * lesion_ml / lung_ml,
        "solid_proportion_pct": 100 * solid_ml / lung_ml,
    }
    return {**dict.fromkeys(COLUMNS, ""), **{name: repr(value) for name, value in figures.items()}, **more}


def reading(reader: str, lesion_ml: float, scan_id: str = "A1", **more: object) -> Reading:
    values: dict[str, object] = {
        "reading_id": f"{reader}-{scan_id}-{lesion_ml:g}",
        "scan": ScanIdentity(scan_id, "1.2.3", "ab" * 32),
        "reader": reader,
        "role": Role.READER,
        "why": "as I see it",
        "recorded_utc": "2024-05-01T10:00:00+00:00",
        "cells": cells(lesion_ml),
        **more,
    }
    return Reading(**values)  # type: ignore[arg-type]


def adjudication(lesion_ml: float, reader: str = "Chief", **more: object) -> Reading:
    return reading(reader, lesion_ml, role=Role.ADJUDICATOR, **more)
