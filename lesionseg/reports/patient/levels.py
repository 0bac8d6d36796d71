"""Axial cuts of several scans of one patient at the same levels of the anatomy.

A level is a fraction of the lungs' height from apex to base. The height is that of both lungs together along
the patient's long axis, as for the thirds of the measurements; the slice nearest to the level is shown. A
breath less deep, or a lobe that has shrunk, moves the anatomy within that height: a match is near, not exact.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import MeasurementError
from lesionseg.reports.cuts import CROP_MARGIN_MM, choose_cuts
from lesionseg.reports.panels import PanelStyle, Plane, axial_plane, draw_panel, scale_bar_length_mm
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, standard_axis_order
from lesionseg.volumetry.box import bounding_box
from lesionseg.volumetry.thirds import LungHeight, lung_height

PANEL_PX = 320
"""Width of a panel; its height follows."""
_OUTSIDE_HU = -1024
_DPI = 100


@dataclass(frozen=True)
class Stack:
    """Where the lungs lie in one scan; None of them without lung.

    Attributes
    ----------
    geometry : VolumeGeometry
        Standard axial order.
    height : LungHeight
    centre : tuple of float
        Row and column of the middle of the lungs' box.
    size_mm : tuple of float
        Height and width of that box with a margin.
    telling : tuple of float
        Fractions of the height, from the apex, at which this scan's own overview cuts it.
    """

    geometry: VolumeGeometry
    height: LungHeight
    centre: tuple[float, float]
    size_mm: tuple[float, float]
    telling: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """One cut of one scan: PNG without and with the labels, and where it lies."""

    plain: bytes
    labelled: bytes
    z_mm: float


def stack_of(label_map: LabelMap) -> Stack | None:
    """Find the lungs of a scan; None where nothing is labelled."""
    order = standard_axis_order(label_map.geometry)
    geometry, labels = order.apply_to_geometry(label_map.geometry), order.apply(label_map.labels)
    lung = np.isin(labels, label_map.scheme.lung)
    box = bounding_box(lung)
    if box is None:
        return None
    height = lung_height(lung, geometry)
    cuts = choose_cuts(lung, np.isin(labels, label_map.scheme.lesion), {}).axial
    _, row_mm, column_mm = geometry.spacing_mm
    rows, columns = box[1], box[2]
    return Stack(
        geometry=geometry,
        height=height,
        centre=((rows.start + rows.stop - 1) / 2, (columns.start + columns.stop - 1) / 2),
        size_mm=(
            (rows.stop - rows.start) * row_mm + 2 * CROP_MARGIN_MM,
            (columns.stop - columns.start) * column_mm + 2 * CROP_MARGIN_MM,
        ),
        telling=tuple(fraction_of(_level_mm(geometry, index), height) for index in cuts),
    )


def fraction_of(z_mm: float, height: LungHeight) -> float:
    """Fraction of the lungs' height that lies above a level: 0 at the apex, 1 at the base."""
    return (height.highest_mm - z_mm) / (height.highest_mm - height.lowest_mm)


def slice_at(stack: Stack, fraction: float) -> int:
    """Index of the slice nearest to a fraction of the lungs' height."""
    wanted = stack.height.highest_mm - fraction * (stack.height.highest_mm - stack.height.lowest_mm)
    levels = [_level_mm(stack.geometry, index) for index in range(stack.geometry.shape[0])]
    return int(np.argmin(np.abs(np.asarray(levels) - wanted)))


def common_field_mm(stacks: Sequence[Stack]) -> tuple[float, float]:
    """Height and width that hold the lungs of every scan, so that all panels have one scale."""
    return max(stack.size_mm[0] for stack in stacks), max(stack.size_mm[1] for stack in stacks)


def draw_panels(
    volume: CTVolume,
    label_map: LabelMap,
    stack: Stack,
    fractions: Sequence[float],
    field_mm: tuple[float, float],
) -> list[Panel]:
    """Draw a scan at the given levels.

    Raises
    ------
    MeasurementError
        If scan and label map do not share one grid.
    """
    if not volume.geometry.matches(label_map.geometry):
        raise MeasurementError("the label map does not lie on the scan's grid", case=volume.name)
    order = standard_axis_order(volume.geometry)
    hu, labels = order.apply(volume.hu), order.apply(label_map.labels)
    panels = []
    for fraction in fractions:
        index = slice_at(stack, fraction)
        plane = _plane(hu[index], labels[index], stack, field_mm)
        bar = PanelStyle(overlay=False, scale_bar_mm=scale_bar_length_mm(plane.size_mm[0]))
        labelled = PanelStyle(scale_bar_mm=bar.scale_bar_mm)
        z_mm = _level_mm(stack.geometry, index)
        panels.append(Panel(_png(plane, bar), _png(plane, labelled), z_mm))
    return panels


def _plane(
    hu: npt.NDArray[np.generic], labels: npt.NDArray[np.uint8], stack: Stack, field_mm: tuple[float, float]
) -> Plane:
    _, row_mm, column_mm = stack.geometry.spacing_mm
    lengths = (round(field_mm[0] / row_mm), round(field_mm[1] / column_mm))
    starts = tuple(
        round(middle - (length - 1) / 2) for middle, length in zip(stack.centre, lengths, strict=True)
    )
    cut = [_window(array, starts, lengths, fill) for array, fill in ((hu, _OUTSIDE_HU), (labels, 0))]
    return axial_plane(cut[0][None], cut[1][None].astype(np.uint8), 0, stack.geometry.spacing_mm)


def _window(
    plane: npt.NDArray[np.generic], starts: Sequence[int], lengths: Sequence[int], fill: int
) -> npt.NDArray[np.generic]:
    """Part of a plane that may reach beyond it."""
    result = np.full(lengths, fill, plane.dtype)
    inside = [
        slice(max(start, 0), max(min(start + length, have), 0))
        for start, length, have in zip(starts, lengths, plane.shape, strict=True)
    ]
    target = tuple(
        slice(part.start - start, part.start - start + max(part.stop - part.start, 0))
        for part, start in zip(inside, starts, strict=True)
    )
    result[target] = plane[tuple(inside)]
    return result


def _png(plane: Plane, style: PanelStyle) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width_mm, height_mm = plane.size_mm
    height_px = round(PANEL_PX * height_mm / width_mm)
    figure = Figure(figsize=(PANEL_PX / _DPI, height_px / _DPI), dpi=_DPI, facecolor="black")
    FigureCanvasAgg(figure)
    draw_panel(figure.add_axes((0, 0, 1, 1)), plane, style)
    target = io.BytesIO()
    # no Software entry and no date: the same input gives the same bytes
    figure.savefig(target, format="png", dpi=_DPI, metadata={"Software": None}, facecolor="black")
    return target.getvalue()


def _level_mm(geometry: VolumeGeometry, index: int) -> float:
    """LPS z of the middle of a slice."""
    _, rows, columns = geometry.shape
    return float(geometry.index_to_lps([index, (rows - 1) / 2, (columns - 1) / 2])[2])
