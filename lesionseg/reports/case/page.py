"""The case page: one scan's results in one HTML file, with the scan itself to page through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lesionseg.core.files import write_text
from lesionseg.core.labels import Label, LabelScheme
from lesionseg.reports.case.files import CaseFiles, read_case
from lesionseg.reports.case.histogram import hu_histogram, share_svg, volume_svg
from lesionseg.reports.case.viewer import LABEL_WORDS, Viewer, make_viewer
from lesionseg.reports.case.viewer_images import STEP_HU
from lesionseg.reports.case.words import (
    further_figures,
    headline,
    provenance,
    region_groups,
    remarks,
    scan_line,
)
from lesionseg.reports.page import NOTICE, Picture, png_uri, render_page, svg_uri
from lesionseg.volume import CTVolume

TEMPLATE = "case.html.j2"


@dataclass(frozen=True)
class _Scan:
    """What the page shows only where the scan itself is at hand."""

    viewer: Viewer
    plots: tuple[Picture, ...]
    label_colours: tuple[tuple[str, str], ...]


def write_case_page(case_folder: Path, path: Path, *, volume: CTVolume | None = None) -> None:
    """Write the page of one segmented scan; it needs nothing else and no network.

    The same case gives the same bytes, whenever it was segmented.

    Parameters
    ----------
    case_folder : Path
        As `lesionseg segment` writes it.
    path : Path
        Where the HTML goes; 6 to 11 MB with the scan, about 1 MB without.
    volume : CTVolume, optional
        The scan on the label map's grid; without it the page has neither viewer nor histogram.

    Raises
    ------
    InputError
        If the case folder is incomplete or damaged.
    MeasurementError
        If the volume is another scan's.
    OutputError
        If the page cannot be written.
    """
    write_text(path, render_case_page(case_folder, volume=volume))


def render_case_page(case_folder: Path, *, volume: CTVolume | None = None) -> str:
    """Return the page as HTML; parameters and errors as of `write_case_page`."""
    case = read_case(case_folder)
    return render_page(TEMPLATE, _content(case, None if volume is None else _scan(case, volume)))


def _scan(case: CaseFiles, volume: CTVolume) -> _Scan:
    label_map = case.read_labels()
    case.refuse_other_scan(volume, label_map)
    histogram = hu_histogram(volume, label_map)
    plots = (
        Picture(svg_uri(volume_svg(histogram)), "Volume of each class over Hounsfield units"),
        Picture(
            svg_uri(share_svg(histogram)), "Each class in percent of its own volume over Hounsfield units"
        ),
    )
    return _Scan(make_viewer(volume, label_map), plots, _label_colours(label_map.scheme))


def _label_colours(scheme: LabelScheme) -> tuple[tuple[str, str], ...]:
    labels = (Label.LUNG, Label.NON_SOLID, Label.SOLID)
    return tuple(
        ("#{:02x}{:02x}{:02x}".format(*scheme.colours[label]), LABEL_WORDS[label]) for label in labels
    )


def _content(case: CaseFiles, scan: _Scan | None) -> dict[str, Any]:
    found = case.measurements
    return {
        "label": case.label,
        "notice": case.manifest.get("notice", NOTICE),
        "scan_line": scan_line(case.manifest),
        "lesion": headline(found, "lesion"),
        "solid": headline(found, "solid"),
        "lung": found["regions"]["whole"]["lung_ml"],
        "interval_basis": found["confidence"].get("interval_basis") or "",
        "remarks": remarks(found["flags"]),
        "overview": png_uri(case.overview) if case.overview else "",
        "groups": list(region_groups(found)),
        "figures": further_figures(found),
        "scan": scan,
        "viewer": scan.viewer if scan else None,
        "label_colours": scan.label_colours if scan else (),
        "viewer_grid": _grid_words(scan.viewer) if scan else "",
        "step_hu": STEP_HU,
        "notes": [note["text"] for note in case.manifest.get("notes", [])]
        + case.manifest.get("warnings", []),
        "provenance": provenance(case.manifest),
        "solid_convention": case.manifest["model"].get("solid_convention", ""),
        "packages": case.manifest["packages"],
    }


def _grid_words(viewer: Viewer) -> str:
    shape = " x ".join(str(length) for length in viewer.shape)
    return f"{shape} voxels of {' x '.join(f'{length:.1f}' for length in viewer.spacing_mm)} mm"
