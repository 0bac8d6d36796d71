"""The overview: one picture by which a radiologist accepts or rejects a segmentation.

Axial levels where the lesion is, each as plain CT above and with the labels below; a coronal and two sagittal
cuts; the figures and the quality flags beside them. Radiological convention: the patient's right is at the
left of the picture, feet are at the bottom, sagittal cuts face left.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import LabelScheme
from lesionseg.reports.canvas import (
    BACKGROUND,
    DPI,
    Canvas,
    Rectangle,
    TextStyle,
    shortened,
    text_width_px,
    wrapped,
)
from lesionseg.reports.caption import BRACKETS, Caption, ScanLine, caption_of
from lesionseg.reports.cuts import Cuts, choose_cuts, lung_box
from lesionseg.reports.panels import (
    INK,
    MUTED,
    PanelStyle,
    Plane,
    axial_plane,
    coronal_plane,
    draw_panel,
    sagittal_plane,
    scale_bar_length_mm,
    titled,
)
from lesionseg.reports.side_text import LINE_PX, draw_side_text
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, standard_axis_order
from lesionseg.volume.label_map import voxels_of
from lesionseg.volumetry import Side, split_lungs
from lesionseg.volumetry.sides import image_midline_x_mm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lesionseg.volumetry import Measurements

WIDTH_PX = 1600
MARGIN_PX = 24
GAP_PX = 8
TITLE_PX = 24
HEADER_PX = 58
FOOTER_PX = 40
SIDE_TEXT_PX = 500
TALLEST_AXIAL_PX = 420
NARROWEST_SLOT_PX = 150
TALLEST_LOWER_PX = 460
SHORTEST_LOWER_PX = 320
INTERVALS_PX = 60
"""From the top of the side text to the free line between its large figures and its table."""
FLAGS_PX, TABLE_ROW_PX, FLAG_GAP_PX = 162, 20, 3
"""From the top of the side text to its first flag, without the table's rows; each of those; under a flag."""
SIDES_MM = 2.0
"""Spacing, at most, of the grid on which right and left lung are told apart."""
COMPRESSION = 2
"""Of the PNG, 0 to 9: 7 % larger than at the usual 6, in a third of the time."""
NOTICE = "Research use only. Not a medical device."


@dataclass(frozen=True)
class _Scan:
    """What is drawn, in standard axial order and cropped to the lungs."""

    hu: npt.NDArray[np.generic]
    labels: npt.NDArray[np.uint8]
    geometry: VolumeGeometry
    cuts: Cuts
    scheme: LabelScheme


def draw_overview(
    volume: CTVolume,
    label_map: LabelMap,
    measurements: Measurements,
    path: Path,
    *,
    scan: ScanLine | None = None,
) -> None:
    """Draw the overview of one segmented scan as a PNG.

    Parameters
    ----------
    volume : CTVolume
        Any acquisition orientation; oblique grids are shown along their own nearest axes.
    label_map : LabelMap
        On the volume's grid; may hold no lesion, one lung, or no lung at all.
    measurements : Measurements
        Of this label map; the figures and quality flags of the caption.
    path : Path
        Where the PNG goes. The same input gives the same bytes.
    scan : ScanLine, optional
        What to call the scan and who drew the labels; default: the volume's name.
    """
    line = scan or ScanLine(volume.name)
    draw_captioned(volume, label_map, caption_of(volume, measurements, line), path)


def draw_captioned(volume: CTVolume, label_map: LabelMap, caption: Caption, path: Path) -> None:
    """Draw the overview with a caption of one's own, for label maps measured elsewhere."""
    figure = compose_overview(volume, label_map, caption)
    # no Software entry and no date: the same input gives the same bytes
    figure.savefig(
        path,
        format="png",
        dpi=DPI,
        metadata={"Software": None},
        facecolor=BACKGROUND,
        pil_kwargs={"compress_level": COMPRESSION},
    )


def compose_overview(volume: CTVolume, label_map: LabelMap, caption: Caption) -> Figure:
    """Lay the overview out on a matplotlib figure, not yet drawn."""
    return _compose(_prepare(volume, label_map), caption).figure


def _prepare(volume: CTVolume, label_map: LabelMap) -> _Scan:
    order = standard_axis_order(volume.geometry)
    geometry = order.apply_to_geometry(volume.geometry)
    scheme = label_map.scheme
    labels = order.apply(label_map.labels)
    box = lung_box(labels > 0, geometry.spacing_mm)
    labels = np.ascontiguousarray(labels[box])
    corner = geometry.index_to_lps([part.start for part in box])
    cropped = VolumeGeometry.from_axes(
        _shape(labels),
        geometry.spacing_mm,
        (float(corner[0]), float(corner[1]), float(corner[2])),
        geometry.direction,
    )
    lung, lesion = voxels_of(labels, scheme.lung), voxels_of(labels, scheme.lesion)
    cuts = choose_cuts(lung, lesion, _sides(lung, cropped, image_midline_x_mm(geometry)))
    return _Scan(order.apply(volume.hu)[box], labels, cropped, cuts, scheme)


def _sides(
    lung: npt.NDArray[np.bool_], geometry: VolumeGeometry, midline_x_mm: float
) -> dict[str, npt.NDArray[np.bool_]]:
    """Mask of each lung there is, by its name; told apart coarsely, which is enough to choose planes by."""
    steps = tuple(max(1, int(SIDES_MM / length)) for length in geometry.spacing_mm)
    coarse = np.ascontiguousarray(lung[tuple(slice(None, None, step) for step in steps)])
    affine = np.array(geometry.affine)
    affine[:3, :3] *= steps
    coarse_geometry = VolumeGeometry(_shape(coarse), affine, geometry.frame_of_reference_uid)
    sides = split_lungs(coarse, coarse_geometry, midline_x_mm)
    for axis in (2, 1, 0):  # the long runs last
        sides = np.repeat(sides, steps[axis], axis=axis)
    depth, height, width = lung.shape
    sides = sides[:depth, :height, :width] * lung
    masks = {"right lung": sides == Side.RIGHT, "left lung": sides == Side.LEFT}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _shape(array: npt.NDArray[np.generic]) -> tuple[int, int, int]:
    depth, height, width = array.shape
    return depth, height, width


def _compose(scan: _Scan, caption: Caption) -> Canvas:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    axial, lower = _axial_planes(scan), _lower_planes(scan)
    axial_px = _axial_height_px(axial)
    axial_top = HEADER_PX + TITLE_PX
    lower_top = axial_top + 2 * axial_px + 3 * GAP_PX + TITLE_PX
    panels_px = _lower_scale(lower) * lower[0].size_mm[1]
    lower_px = max(panels_px, SHORTEST_LOWER_PX, _worst_flags_px(caption) - TITLE_PX)
    height_px = round(lower_top + lower_px + FOOTER_PX)
    figure = Figure(figsize=(WIDTH_PX / DPI, height_px / DPI), dpi=DPI, facecolor=BACKGROUND)
    FigureCanvasAgg(figure)
    canvas = Canvas(figure, WIDTH_PX, height_px)
    _write_frame(canvas, caption)
    _draw_axial(canvas, axial, axial_top, axial_px)
    right_edge = _draw_lower(canvas, scan, lower, lower_top)
    left = max(right_edge + 4 * GAP_PX, WIDTH_PX - MARGIN_PX - 1.2 * SIDE_TEXT_PX)
    side = Rectangle(left, lower_top - TITLE_PX, WIDTH_PX - MARGIN_PX - left, lower_px + TITLE_PX)
    draw_side_text(canvas, caption, side, scan.scheme)
    _write_intervals(canvas, caption, side)
    return canvas


def _axial_planes(scan: _Scan) -> list[Plane]:
    planes = []
    for index in scan.cuts.axial:
        plane = axial_plane(scan.hu, scan.labels, index, scan.geometry.spacing_mm)
        centre = [index, scan.labels.shape[1] / 2, scan.labels.shape[2] / 2]
        height_mm = float(scan.geometry.index_to_lps(centre)[2])
        planes.append(titled(plane, f"Axial, z = {height_mm:.0f} mm"))
    return planes


def _lower_planes(scan: _Scan) -> list[Plane]:
    spacing_mm = scan.geometry.spacing_mm
    planes = [titled(coronal_plane(scan.hu, scan.labels, scan.cuts.coronal, spacing_mm), "Coronal")]
    for side, index in scan.cuts.sagittal:
        planes.append(titled(sagittal_plane(scan.hu, scan.labels, index, spacing_mm), f"Sagittal, {side}"))
    return planes


def _axial_slot_px(planes: list[Plane]) -> float:
    return (WIDTH_PX - 2 * MARGIN_PX - (len(planes) - 1) * GAP_PX) / len(planes)


def _axial_height_px(planes: list[Plane]) -> float:
    width_mm, height_mm = planes[0].size_mm
    return float(round(min(_axial_slot_px(planes) * height_mm / width_mm, TALLEST_AXIAL_PX)))


def _draw_axial(canvas: Canvas, planes: list[Plane], top: float, height_px: float) -> None:
    slot_px = _axial_slot_px(planes)
    for number, plane in enumerate(planes):
        slot = Rectangle(MARGIN_PX + number * (slot_px + GAP_PX), top, slot_px, height_px)
        place = slot.fitted(*plane.size_mm)
        canvas.write(place.left, top - TITLE_PX + 3, plane.title, TextStyle(colour=MUTED))
        draw_panel(canvas.axes(place), plane, PanelStyle(overlay=False))
        below = Rectangle(place.left, top + height_px + GAP_PX, place.width, place.height)
        draw_panel(canvas.axes(below), plane, PanelStyle(scale_bar_mm=scale_bar_length_mm(plane.size_mm[0])))


def _lower_scale(planes: list[Plane]) -> float:
    """Pixels per mm at which coronal and sagittal cuts stand side by side, leaving room for the text."""
    room_px = WIDTH_PX - 2 * MARGIN_PX - SIDE_TEXT_PX - (len(planes) + 3) * GAP_PX
    return min(TALLEST_LOWER_PX / planes[0].size_mm[1], room_px / sum(plane.size_mm[0] for plane in planes))


def _draw_lower(canvas: Canvas, scan: _Scan, planes: list[Plane], top: float) -> float:
    """Draw coronal and sagittal cuts at one scale; return where the row ends."""
    scale = _lower_scale(planes)
    slices = scan.labels.shape[0]
    levels_mm = tuple((slices - index - 0.5) * scan.geometry.spacing_mm[0] for index in scan.cuts.axial)
    style = PanelStyle(levels_mm=levels_mm, scale_bar_mm=scale_bar_length_mm(planes[0].size_mm[0]))
    left = float(MARGIN_PX)
    for plane in planes:
        width_mm, height_mm = plane.size_mm
        canvas.write(left, top - TITLE_PX + 3, plane.title, TextStyle(colour=MUTED))
        place = Rectangle(left, top, scale * width_mm, scale * height_mm)
        draw_panel(canvas.axes(place), plane, style, scan.scheme)
        left += max(place.width, NARROWEST_SLOT_PX) + GAP_PX
    return left - GAP_PX


def _worst_flags_px(caption: Caption) -> float:
    """Height at which the side text holds all critical flags, or else the worst, and counts the others."""
    worst = [flag for flag in caption.flags if flag.severity == "critical"] or caption.flags[:1]
    if not worst:
        return 0.0
    lines = [wrapped(flag.sentence, TextStyle(size_px=14), SIDE_TEXT_PX - 40) for flag in worst]
    flags_px = sum(len(part) * LINE_PX + FLAG_GAP_PX for part in lines)
    return FLAGS_PX + len(caption.rows) * TABLE_ROW_PX + flags_px + LINE_PX


def _write_intervals(canvas: Canvas, caption: Caption, side: Rectangle) -> None:
    """Write the intervals under the two large figures."""
    for column, words in enumerate((caption.lesion_interval, caption.solid_interval)):
        if words:
            left = side.left + column * side.width / 2
            canvas.write(left, side.top + INTERVALS_PX, words, TextStyle(size_px=13))


def _write_frame(canvas: Canvas, caption: Caption) -> None:
    title = TextStyle(size_px=20, bold=True, colour=INK)
    notice = TextStyle(size_px=14, colour=MUTED, align="right")
    small = TextStyle(size_px=12.5, colour=MUTED)
    room_px = WIDTH_PX - 2 * MARGIN_PX - 340
    name = shortened(caption.name, title, room_px)
    canvas.write(MARGIN_PX, 16, name, title)
    beside = MARGIN_PX + text_width_px(name, title) + 20
    canvas.write(beside, 22, shortened(caption.detail, small, room_px - beside), small)
    canvas.write(WIDTH_PX - MARGIN_PX, 21, NOTICE, notice)
    words = "Lung window: level -600 HU, width 1500 HU. Ticks at the right edge: the axial levels."
    if caption.lesion_interval or caption.solid_interval:
        words = f"{words} {BRACKETS}"
    canvas.write(MARGIN_PX, canvas.height_px - FOOTER_PX + 14, words, small)
    if caption.source:
        right = TextStyle(size_px=12.5, colour=MUTED, align="right")
        # long lines are drawn up to 4 % wider than they are measured
        source_px = WIDTH_PX - 5 * MARGIN_PX - text_width_px(words, small)
        source = shortened(caption.source, right, source_px)
        canvas.write(WIDTH_PX - MARGIN_PX, canvas.height_px - FOOTER_PX + 14, source, right)
