"""Order, spacing and straightness follow from positions alone."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from lesionseg.core.errors import (
    DuplicatePositionError,
    GantryTiltError,
    MissingSlicesError,
    MixedSliceError,
    TooFewSlicesError,
    UnevenSpacingError,
)
from lesionseg.dicom import LoaderSettings, Repair, load_series
from lesionseg.dicom.file_header import FileHeader, read_file_header
from lesionseg.dicom.headers import Plane, SliceHeader
from lesionseg.dicom.slice_headers import slices_of
from lesionseg.dicom.stack import check_spacing, check_straight, geometry_of, order_slices
from tests.dicom.conftest import SaveSeries
from tests.support.ct_series import Series, save_all, set_z_mm, z_mm

DUPLICATES = LoaderSettings(repairs=frozenset({Repair.DUPLICATES}))


@pytest.fixture(scope="module")
def template(small: Series) -> SliceHeader:
    header = read_file_header(small.paths[0])
    assert isinstance(header, FileHeader)
    return slices_of(header)[0]


def at(template: SliceHeader, positions_mm: list[tuple[float, float, float]]) -> list[SliceHeader]:
    """Axial headers at these positions."""
    return [
        replace(template, plane=Plane(position, (1, 0, 0, 0, 1, 0), (1.0, 1.0))) for position in positions_mm
    ]


def along_z(template: SliceHeader, heights_mm: list[float]) -> list[SliceHeader]:
    return at(template, [(0.0, 0.0, z) for z in heights_mm])


@given(order=st.permutations(range(12)), spacing_mm=st.floats(0.3, 10), start_mm=st.floats(-500, 500))
def test_any_order_of_files_gives_one_ascending_stack(
    template: SliceHeader, order: list[int], spacing_mm: float, start_mm: float
) -> None:
    stack = order_slices(along_z(template, [start_mm + spacing_mm * n for n in order]))
    check_spacing(stack, "series")
    assert (np.diff(stack.along_mm) > 0).all()
    geometry = geometry_of(stack)
    assert geometry.spacing_mm[0] == pytest.approx(spacing_mm)
    assert geometry.origin_lps_mm[2] == pytest.approx(start_mm)


@given(
    count=st.integers(4, 40),
    spacing_mm=st.floats(0.5, 8),
    gap=st.data(),
)
def test_every_inner_gap_is_found_with_its_size(
    template: SliceHeader, count: int, spacing_mm: float, gap: st.DataObject
) -> None:
    missing = gap.draw(st.integers(1, count - 2))
    heights = [spacing_mm * n for n in range(count) if n != missing]
    if len(heights) == 3:
        heights.append(spacing_mm * count)
    with pytest.raises(MissingSlicesError) as caught:
        check_spacing(order_slices(along_z(template, heights)), "series")
    below_mm, above_mm = spacing_mm * (missing - 1), spacing_mm * (missing + 1)
    assert f"1 between z {below_mm:.2f} mm and z {above_mm:.2f} mm" in caught.value.found
    assert caught.value.expected == f"a slice every {spacing_mm:.2f} mm"


def test_many_gaps_are_counted_and_the_first_named(template: SliceHeader) -> None:
    heights = [float(z) for z in range(40) if z not in (5, 10, 15, 16, 20, 25)]
    with pytest.raises(MissingSlicesError, match=r"6 slices are missing.*2 between z 14.*and 2 more gaps"):
        check_spacing(order_slices(along_z(template, heights)), "series")


@pytest.mark.parametrize(
    "heights",
    [
        [0, 1, 2, 3, 4.4, 5.4, 6.4],
        [0, 0.3, 2, 2.3, 4, 4.3, 6, 6.3],
        [0, 1, 2, 3, 4.05, 5.1, 6.15, 7.2, 8.25, 9.3, 10.35],
        [0, 1, 2, 2.5, 3, 4, 5.3],
    ],
)
def test_uneven_spacing_is_refused_with_its_range(template: SliceHeader, heights: list[float]) -> None:
    with pytest.raises(UnevenSpacingError, match=r"mm throughout; found .* mm between z"):
        check_spacing(order_slices(along_z(template, heights)), "series")


@given(st.lists(st.floats(-0.05, 0.05), min_size=30, max_size=30))
def test_positions_rounded_to_a_tenth_of_a_millimetre_pass(
    template: SliceHeader, errors: list[float]
) -> None:
    heights = [2.5 * n + error for n, error in enumerate(errors)]
    check_spacing(order_slices(along_z(template, heights)), "series")


def test_a_sideways_step_is_told_from_a_tilt(template: SliceHeader) -> None:
    stepped = at(template, [(0.0 if z < 20 else 12.0, 0.0, float(z)) for z in range(40)])
    with pytest.raises(MixedSliceError, match=r"a step of 12\.0 mm at z 20\.00 mm"):
        check_straight(order_slices(stepped), "series")
    tilted = at(template, [(0.0, 0.2 * z, float(z)) for z in range(40)])
    with pytest.raises(GantryTiltError, match=r"a tilt of 11\.3 degrees"):
        check_straight(order_slices(tilted), "series")


def test_oblique_slices_lie_along_their_own_normal(template: SliceHeader) -> None:
    cosine, sine = np.cos(0.3), np.sin(0.3)
    orientation = (1.0, 0.0, 0.0, 0.0, cosine, sine)
    normal = np.array([0.0, -sine, cosine])
    headers = [
        replace(template, plane=Plane(tuple((normal * 3.0 * n).tolist()), orientation, (0.7, 0.8)))
        for n in range(9)
    ]
    stack = order_slices(headers[::-1])
    check_straight(stack, "series")
    geometry = geometry_of(stack)
    assert geometry.spacing_mm == pytest.approx((3.0, 0.7, 0.8))
    np.testing.assert_allclose(geometry.direction[:, 0], normal, atol=1e-12)


def test_alternating_acquisitions_are_refused(slices: list[Dataset], save_series: SaveSeries) -> None:
    for number, dataset in enumerate(slices):
        dataset.AcquisitionNumber = 1 + number % 2
    with pytest.raises(MixedSliceError, match="acquisition numbers 1, 2 in 6 stretches"):
        load_series(save_series(slices))


def test_acquisitions_one_after_the_other_are_one_series(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    for number, dataset in enumerate(slices):
        dataset.AcquisitionNumber = 1 + number // 3
    assert len(load_series(save_series(slices)).series.slices) == 6


@pytest.mark.parametrize("kept", [1, 2])
def test_too_few_slices_are_refused(kept: int, slices: list[Dataset], save_series: SaveSeries) -> None:
    with pytest.raises(TooFewSlicesError, match=f"at least 3; found {kept}: IM00001"):
        load_series(save_series(slices[:kept]))


def test_a_single_slice_may_be_asked_for(slices: list[Dataset], save_series: SaveSeries) -> None:
    loaded = load_series(save_series(slices[2:3]), settings=LoaderSettings(minimum_slices=1))
    assert loaded.volume.hu.shape == (1, 32, 32)
    assert loaded.volume.geometry.spacing_mm[0] == 40.0


def duplicate(slices: list[Dataset], source: int = 2) -> Dataset:
    copy = deepcopy(slices[source])
    copy.SOPInstanceUID = "1.2.3.4.5"
    return copy


def test_duplicates_are_told_equal_from_unequal(slices: list[Dataset], save_series: SaveSeries) -> None:
    copy = duplicate(slices)
    folder = save_series([*slices, copy])
    with pytest.raises(DuplicatePositionError, match=r"first at z -20\.00 mm: .* with equal pixels"):
        load_series(folder)
    copy.PixelData = slices[3].PixelData
    with pytest.raises(DuplicatePositionError, match="with unequal pixels"):
        load_series(save_series([*slices, copy], "unequal"))
    copy.RescaleIntercept = "-1000"
    copy.AcquisitionNumber = 7
    with pytest.raises(DuplicatePositionError, match=r"with unequal pixels; they are of acquisitions"):
        load_series(save_series([*slices, copy], "rescaled"))


def test_duplicates_that_cannot_be_decoded_are_called_so(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    copy = duplicate(slices)
    copy.PixelData = slices[2].PixelData[:100]
    with pytest.raises(DuplicatePositionError, match="undecodable pixels"):
        load_series(save_series([*slices, copy]))


def test_equal_duplicates_are_dropped_when_asked_for(
    small: Series, slices: list[Dataset], save_series: SaveSeries
) -> None:
    loaded = load_series(save_series([*slices, duplicate(slices)]), settings=DUPLICATES)
    np.testing.assert_array_equal(loaded.volume.hu, small.volume.hu)
    assert "repaired-duplicates" in {note.code for note in loaded.notes}


def test_unequal_duplicates_are_never_dropped(slices: list[Dataset], save_series: SaveSeries) -> None:
    copy = duplicate(slices)
    copy.PixelData = slices[3].PixelData
    with pytest.raises(DuplicatePositionError, match="unequal"):
        load_series(save_series([*slices, copy]), settings=DUPLICATES)


def test_slices_that_touch_no_more_are_noted(slices: list[Dataset], save_series: SaveSeries) -> None:
    for dataset in slices:
        dataset.SliceThickness = "1"
    notes = {note.code: note.text for note in load_series(save_series(slices)).notes}
    assert "slices of 1 mm lie 40.00 mm apart" in notes["slices-apart"]


def test_missing_slices_are_named_along_the_stack_where_it_is_not_axial(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    for dataset in slices:
        dataset.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        dataset.ImagePositionPatient = [0, z_mm(dataset), 0]
    del slices[2]
    with pytest.raises(MissingSlicesError, match=r"1 between \(0\.00, -60\.00, 0\.00\) mm"):
        load_series(save_series(slices))


def test_positions_on_file_are_kept_in_order(
    slices: list[Dataset], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("reversed")
    for number, dataset in enumerate(slices):
        set_z_mm(dataset, 100 - 40 * number)
    save_all(slices, folder)
    loaded = load_series(folder)
    assert [one.position_mm[2] for one in loaded.series.slices] == [-100, -60, -20, 20, 60, 100]
    assert loaded.series.slices[0].file.name == "IM00006.dcm"
