"""The patient page: baseline and follow-ups side by side, and what changed; never an arm."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lesionseg.core.files import write_text
from lesionseg.reports.case.files import CaseFiles, read_case
from lesionseg.reports.page import NOTICE, Picture, png_uri, render_page, svg_uri
from lesionseg.reports.patient.levels import Panel, Stack, common_field_mm, draw_panels, stack_of
from lesionseg.reports.patient.plot import proportions_svg
from lesionseg.reports.patient.tables import PatientTables, Visit, read_patient
from lesionseg.reports.patient.words import (
    is_baseline,
    parameter_groups,
    reasons,
    visit_words,
    warnings,
)
from lesionseg.volume import CTVolume

TEMPLATE = "patient.html.j2"


@dataclass(frozen=True)
class PatientScan:
    """One scan of a patient and where to find it.

    Attributes
    ----------
    scan_id : str
        As in ``pairing.csv``.
    case_folder : Path or None
        As `lesionseg segment` writes it; None where the scan could not be measured.
    volume : callable or None
        Gives the CT when called, so that one scan at a time is in memory; None: the overview stands in.
    """

    scan_id: str
    case_folder: Path | None = None
    volume: Callable[[], CTVolume] | None = None


@dataclass(frozen=True)
class _Shown:
    """A visit whose scan is at hand."""

    visit: Visit
    case: CaseFiles
    load: Callable[[], CTVolume]
    stack: Stack


@dataclass(frozen=True)
class _Column:
    """A visit in the table of levels."""

    visit: Visit
    panels: tuple[tuple[Picture, Picture, str], ...]
    """At each level: without labels, with labels, and where the slice lies."""


def write_patient_page(subject: str, changes: Path, path: Path, *, scans: Sequence[PatientScan] = ()) -> None:
    """Write the page of one patient; it needs nothing else and no network.

    Parameters
    ----------
    subject : str
        As in the tables.
    changes : Path
        Folder that `lesionseg change` wrote: ``adlesion.csv``, ``pairing.csv``, ``comparability.csv``.
    path : Path
        Where the HTML goes.
    scans : sequence of PatientScan
        Of this patient; those that ``pairing.csv`` chose for a visit are shown.

    Raises
    ------
    InputError
        If a table is absent or lacks a column, the subject is not in them, or a case folder is damaged.
    MeasurementError
        If a volume is not the scan of its case folder.
    OutputError
        If the page cannot be written.
    """
    write_text(path, render_patient_page(subject, changes, scans=scans))


def render_patient_page(subject: str, changes: Path, *, scans: Sequence[PatientScan] = ()) -> str:
    """Return the page as HTML; parameters and errors as of `write_patient_page`."""
    tables = read_patient(changes, subject)
    found = {scan.scan_id: scan for scan in scans}
    shown, unmatched = [], []
    for visit in tables.visits:
        scan = found.get(visit.scan_id)
        if scan is None or scan.case_folder is None:
            continue
        case = read_case(scan.case_folder)
        stack = stack_of(case.read_labels()) if scan.volume else None
        if scan.volume and stack:
            shown.append(_Shown(visit, case, scan.volume, stack))
        elif case.overview:
            words = f"Overview of {visit.name}: cuts of the scan, plain and with the labels over them"
            unmatched.append((visit.name, Picture(png_uri(case.overview), words)))
    return render_page(TEMPLATE, {**_content(tables), **_pictures(shown), "unmatched": unmatched})


def _content(tables: PatientTables) -> dict[str, Any]:
    return {
        "subject": tables.subject,
        "notice": NOTICE,
        "visits": [(visit, visit_words(visit), is_baseline(tables, visit)) for visit in tables.visits],
        "plot": Picture(
            svg_uri(proportions_svg(tables)),
            "Lesion and solid component in percent of the lung over the days from day zero, with intervals; "
            "the figures stand in the table of changes",
        ),
        "groups": list(parameter_groups(tables)),
        "reasons": reasons(tables),
        "warnings": warnings(tables),
        "scans": tables.scans,
    }


def _pictures(shown: Sequence[_Shown]) -> dict[str, Any]:
    """Cut every scan where the first one tells most."""
    fractions = shown[0].stack.telling if shown else ()
    return {
        "levels": [f"{100 * fraction:.0f} %" for fraction in fractions],
        "columns": list(_columns(shown, fractions)),
        "leading": shown[0].visit.name if shown else "",
    }


def _columns(shown: Sequence[_Shown], fractions: Sequence[float]) -> Iterator[_Column]:
    for each in shown:
        volume, label_map = each.load(), each.case.read_labels()
        each.case.refuse_other_scan(volume, label_map)
        field_mm = common_field_mm([other.stack for other in shown])
        panels = draw_panels(volume, label_map, each.stack, fractions, field_mm)
        yield _Column(
            each.visit,
            tuple(
                _captioned(panel, each.visit, fraction)
                for panel, fraction in zip(panels, fractions, strict=True)
            ),
        )


def _captioned(panel: Panel, visit: Visit, fraction: float) -> tuple[Picture, Picture, str]:
    where = f"{visit.name}, axial cut at {100 * fraction:.0f} % of the lungs' height from the apex"
    place = f"z = {panel.z_mm:.0f} mm".replace("-", "\N{MINUS SIGN}")
    return (
        Picture(png_uri(panel.plain), f"{where}, without labels"),
        Picture(png_uri(panel.labelled), f"{where}, with labels"),
        place,
    )
