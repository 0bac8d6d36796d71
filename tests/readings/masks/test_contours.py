"""Contours become the voxels whose centres they hold: known areas, holes, keyholes, shared edges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from lesionseg.core.errors import UnreadableFileError
from lesionseg.readings.masks import MaskMismatchError, Misfit, read_mask
from lesionseg.readings.masks.contours import fill
from tests.readings.masks.builders import Roi, Scan, outline, rtstruct

SHAPE = (40, 50)


def circle(row: float, column: float, radius: float, corners: int = 360) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.column_stack([row + radius * np.sin(angles), column + radius * np.cos(angles)])


def box(top: float, left: float, bottom: float, right: float) -> np.ndarray:
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)])


def test_square_holds_the_centres_within() -> None:
    inside = fill([box(2.5, 3.5, 7.5, 12.5)], SHAPE)
    assert inside.sum() == 5 * 9
    assert inside[3:8, 4:13].all()


def test_two_squares_that_share_an_edge_through_centres_share_no_voxel_and_leave_none_out() -> None:
    left, right = fill([box(2, 3, 8, 10)], SHAPE), fill([box(2, 10, 8, 20)], SHAPE)
    assert not (left & right).any()
    np.testing.assert_array_equal(left | right, fill([box(2, 3, 8, 20)], SHAPE))
    assert left.sum() == 6 * 7


@pytest.mark.parametrize("radius", [3.3, 8.0, 15.7])
def test_circle_has_its_area_and_its_voxels(radius: float) -> None:
    inside = fill([circle(19.3, 24.6, radius)], SHAPE)
    rows, columns = np.mgrid[:40, :50]
    distance = np.hypot(rows - 19.3, columns - 24.6)
    assert inside[distance < radius * np.cos(np.pi / 360)].all()
    assert not inside[distance > radius].any()
    assert inside.sum() == pytest.approx(np.pi * radius**2, abs=2.5 * radius)


def test_contour_within_a_contour_is_a_hole_and_one_within_that_an_island() -> None:
    rings = [circle(20, 25, radius) for radius in (15.2, 10.2, 5.2)]
    inside = fill(rings, SHAPE)
    areas = [fill([ring], SHAPE).sum() for ring in rings]
    assert inside.sum() == areas[0] - areas[1] + areas[2]
    assert inside[20, 25]
    assert not inside[20, 25 + 7]


def test_keyhole_is_the_ring_it_draws() -> None:
    outer, inner = circle(20, 25, 15.2), circle(20, 25, 6.2)
    # out along the circle, inwards on a channel without width, round the hole backwards, and out again
    keyhole = np.vstack([outer, outer[:1], inner[:1], inner[::-1], inner[:1]])
    np.testing.assert_array_equal(fill([keyhole], SHAPE), fill([outer, inner], SHAPE))


def test_neither_direction_nor_first_corner_matters() -> None:
    ring = circle(18.2, 22.1, 11.3, corners=17)
    np.testing.assert_array_equal(fill([ring[::-1]], SHAPE), fill([ring], SHAPE))
    np.testing.assert_array_equal(fill([np.roll(ring, 5, axis=0)], SHAPE), fill([ring], SHAPE))


def test_what_lies_beyond_the_array_is_cut_off() -> None:
    assert fill([box(-5, -5, 100, 100)], SHAPE).all()
    assert fill([box(-5, -5, 1.5, 1.5)], SHAPE).sum() == 4
    assert not fill([box(5, 60, 9, 70)], SHAPE).any()


CORNER = st.tuples(st.floats(-5, 45), st.floats(-5, 55))


@hypothesis.given(st.lists(CORNER, min_size=3, max_size=9))
def test_any_polygon_is_filled_by_the_even_odd_rule(corners: list[tuple[float, float]]) -> None:
    polygon = np.array(corners)
    inside = fill([polygon], (12, 13))
    for row, column in [(0, 0), (3, 7), (11, 12), (6, 6)]:
        crossings = 0
        for (r0, c0), (r1, c1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
            if (r0 > r1) or (r0 == r1):
                (r0, c0), (r1, c1) = (r1, c1), (r0, c0)
            if r0 <= row < r1:
                crossings += c0 + (c1 - c0) / (r1 - r0) * (row - r0) <= column
        assert inside[row, column] == bool(crossings % 2)


# --- whole files ----------------------------------------------------------------------------------------


def lung_and(scan: Scan, *rois: Roi) -> list[Roi]:
    return [Roi("Lung", outline(scan.labels.labels > 0, scan.reference.geometry)), *rois]


def in_slice(scan: Scan, index: int, polygon: np.ndarray) -> tuple[int, np.ndarray]:
    points = np.column_stack([np.full(len(polygon), index), polygon])
    return index, scan.reference.geometry.index_to_lps(points)


def test_hole_of_a_region_is_not_lesion(axial: Scan, tmp_path: Path) -> None:
    contours = [in_slice(axial, 9, box(4.5, 4.5, 14.5, 14.5)), in_slice(axial, 9, box(7.5, 7.5, 10.5, 10.5))]
    rtstruct(tmp_path / "rt.dcm", axial, lung_and(axial, Roi("solid", contours)))
    mask = read_mask(tmp_path / "rt.dcm", axial.reference)
    assert int(mask.label_map.solid.sum()) == 100 - 9
    assert mask.segments[1].voxels == 91


def test_contours_that_cross_are_refused(axial: Scan, tmp_path: Path) -> None:
    contours = [in_slice(axial, 9, box(4.5, 4.5, 14.5, 14.5)), in_slice(axial, 9, box(9.5, 9.5, 18.5, 18.5))]
    rtstruct(tmp_path / "rt.dcm", axial, lung_and(axial, Roi("solid", contours)))
    with pytest.raises(MaskMismatchError, match=r"crosses another one.*25 of 81 voxels shared on slice 9"):
        read_mask(tmp_path / "rt.dcm", axial.reference)


def test_gap_between_contours_is_noted(axial: Scan, tmp_path: Path) -> None:
    contours = [in_slice(axial, index, box(4.5, 4.5, 9.5, 9.5)) for index in (4, 5, 6, 8, 9)]
    rtstruct(tmp_path / "rt.dcm", axial, lung_and(axial, Roi("solid", contours)))
    notes = {note.code: note.text for note in read_mask(tmp_path / "rt.dcm", axial.reference).notes}
    assert "from slice 7 on" in notes["slice-gap"]


@pytest.mark.parametrize("kind", ["POINT", "OPEN_PLANAR"])
def test_contour_that_is_not_closed_is_refused(axial: Scan, tmp_path: Path, kind: str) -> None:
    roi = Roi("solid", [in_slice(axial, 5, box(4.5, 4.5, 9.5, 9.5))], kind)
    rtstruct(tmp_path / "rt.dcm", axial, lung_and(axial, roi))
    with pytest.raises(MaskMismatchError, match=f"no closed planar contour.*{kind}") as caught:
        read_mask(tmp_path / "rt.dcm", axial.reference)
    assert caught.value.reason == Misfit.AMBIGUOUS


def test_region_without_contours_is_empty(axial: Scan, tmp_path: Path) -> None:
    rtstruct(tmp_path / "rt.dcm", axial, lung_and(axial, Roi("solid", [])))
    mask = read_mask(tmp_path / "rt.dcm", axial.reference)
    assert mask.segments[1].voxels == 0
    assert not mask.label_map.solid.any()


def test_coordinates_that_are_no_points_are_damage(axial: Scan, tmp_path: Path) -> None:
    dataset = rtstruct(tmp_path / "rt.dcm", axial, lung_and(axial))
    contour = dataset.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = list(contour.ContourData)[:-1]
    dataset.save_as(tmp_path / "rt.dcm", enforce_file_format=True)
    with pytest.raises(UnreadableFileError, match="are no points"):
        read_mask(tmp_path / "rt.dcm", axial.reference)


def test_contours_without_image_references_are_matched_by_geometry(axial: Scan, tmp_path: Path) -> None:
    rois = lung_and(axial)
    rtstruct(tmp_path / "rt.dcm", axial, [replace(roi, name="both lungs") for roi in rois], images=False)
    mask = read_mask(tmp_path / "rt.dcm", axial.reference)
    np.testing.assert_array_equal(mask.label_map.lung, axial.labels.lung)
