"""Row 7: twelve overlays of a COVID-19 scan, to be looked at; they never enter the repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lesionseg.core.errors import ConfigurationError
from lesionseg.core.files import staged_file
from lesionseg.reports.canvas import BACKGROUND, DPI
from lesionseg.reports.panels import INK, PanelStyle, axial_plane, draw_panel
from lesionseg.volume import CTVolume, LabelMap, standard_axis_order
from scripts.evaluation.figures import REAL, Figure
from scripts.evaluation.inputs import Inputs, standard
from scripts.evaluation.methods import Bench, say
from scripts.evaluation.scores import share_pct

ROW = 7
SCAN = "ricord1A-000082_covid"
COUNT = 12
LUNG_INCHES = 5.0


def figures(bench: Bench, inputs: Inputs) -> Iterator[Figure]:
    """Draw the overlays of every method; yield the proportions they show."""
    folder = private_folder(inputs.pictures)
    volume = inputs.scan(SCAN)
    for method, labels in bench.label_maps(volume):
        draw_overlays(volume, labels, folder, method)
        say(f"{COUNT} overlays of {method} in {folder}")
        for region in ("lesion", "solid"):
            value = share_pct(getattr(labels, region), labels.lung)
            yield Figure(ROW, REAL, method, SCAN, f"{region} proportion, %", value, note="overlays, no truth")


def private_folder(folder: Path | None) -> Path:
    """Return the folder for pictures.

    Raises
    ------
    ConfigurationError
        If there is none, or it lies in a git checkout: pictures of patients must not be committed.
    """
    if folder is None:
        raise ConfigurationError("row 7 needs a folder for its pictures", remedy="Name it by --pictures")
    resolved = folder.resolve()
    if any((parent / ".git").exists() for parent in (resolved, *resolved.parents)):
        raise ConfigurationError(
            "pictures of patients must stay out of any repository",
            case=str(resolved),
            remedy="Name a folder outside every checkout by --pictures",
        )
    return resolved


def levels(lung: np.ndarray, count: int = COUNT) -> list[int]:
    """Slices spread evenly over the lung, feet first; over the whole grid where there is no lung."""
    area = lung.sum(axis=(1, 2))
    present = np.flatnonzero(area) if area.any() else np.arange(lung.shape[0])
    edges = np.linspace(present[0], present[-1], count + 2)[1:-1]
    return sorted({round(edge) for edge in edges})


def draw_overlays(volume: CTVolume, labels: LabelMap, folder: Path, method: str) -> None:
    """Draw CT and labels side by side, one PNG for each level."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Picture

    hu, map_ = standard(volume, volume.hu), standard(volume, labels.labels)
    spacing_mm = standard_axis_order(volume.geometry).apply_to_geometry(volume.geometry).spacing_mm
    for index in levels(standard(volume, labels.lung)):
        plane = axial_plane(hu, map_, index, spacing_mm)
        width_mm, height_mm = plane.size_mm
        picture = Picture(
            figsize=(2 * LUNG_INCHES, LUNG_INCHES * height_mm / width_mm + 0.3), facecolor=BACKGROUND
        )
        FigureCanvasAgg(picture)
        top = 1 - 0.3 / picture.get_figheight()
        for column, overlay in enumerate((False, True)):
            axes = picture.add_axes((0.5 * column, 0.0, 0.5, top))
            draw_panel(axes, plane, PanelStyle(overlay=overlay))
        picture.text(0.01, 0.995, f"{method}, slice {index}", color=INK, va="top")
        with staged_file(folder / f"{method}-{index:03d}.png") as path:
            picture.savefig(path, format="png", dpi=DPI, facecolor=BACKGROUND)
