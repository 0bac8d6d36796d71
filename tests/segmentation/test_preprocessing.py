from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lesionseg.core.errors import SegmentationError
from lesionseg.segmentation import Box, PreprocessingSpec, prepare, prepare_labels, restore, working_hu
from lesionseg.segmentation.resampling import axis_weights, resample
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, standard_axis_order
from tests.segmentation.builders import SPEC, ball_volume, centred_geometry, rotation, threshold_logits

AXIAL = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
SAGITTAL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
CORONAL = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


def round_trip(volume: CTVolume, threshold_hu: float = -425.0) -> np.ndarray:
    prepared = prepare(volume, SPEC)
    return restore(threshold_logits(prepared.intensity, threshold_hu), prepared)


def assert_same_mask(found: np.ndarray, expected: np.ndarray, geometry: VolumeGeometry) -> None:
    """Volumes within 1 %, centroids within a tenth of a voxel along every axis."""
    assert found.shape == expected.shape
    assert np.count_nonzero(found) == pytest.approx(np.count_nonzero(expected), rel=0.01)
    shift = np.argwhere(found).mean(axis=0) - np.argwhere(expected).mean(axis=0)
    assert np.abs(shift).max() < 0.1


@pytest.mark.parametrize("slice_mm", [0.6, 1.0, 1.25, 2.0, 3.0, 5.0])
@pytest.mark.parametrize("in_plane_mm", [0.6, 0.93, 1.5, 2.0])
def test_mask_keeps_volume_and_place_at_any_spacing(slice_mm: float, in_plane_mm: float) -> None:
    geometry = centred_geometry(66, (slice_mm, in_plane_mm, in_plane_mm), AXIAL)
    volume = ball_volume(geometry, (5.7, -6.1, 11.4), 25)
    assert_same_mask(round_trip(volume), volume.hu < -425, geometry)


@pytest.mark.parametrize(
    "direction",
    [
        AXIAL * [-1, 1, 1],
        AXIAL * [1, -1, -1],
        SAGITTAL,
        CORONAL * [-1, 1, 1],
        rotation((1, 2, 3), 17) @ AXIAL,
        rotation((3, -1, 1), 25) @ SAGITTAL,
    ],
    ids=["reversed", "prone", "sagittal", "coronal", "oblique", "oblique-sagittal"],
)
@pytest.mark.parametrize("spacing_mm", [(3.0, 0.8, 0.8), (1.0, 0.8, 0.7)])
def test_mask_keeps_volume_and_place_in_any_orientation(
    direction: np.ndarray, spacing_mm: tuple[float, float, float]
) -> None:
    geometry = centred_geometry(66, spacing_mm, direction)
    volume = ball_volume(geometry, (6.2, -8.0, 12.1), 25)
    assert_same_mask(round_trip(volume), volume.hu < -425, geometry)


@settings(max_examples=25)
@given(
    spacing_mm=st.tuples(*[st.floats(0.6, 5.0)] * 3),
    turn=st.floats(0, 44),
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda a: np.linalg.norm(a) > 0.1),
    flips=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3),
    offset_mm=st.tuples(*[st.floats(-3, 3)] * 3),
)
def test_mask_keeps_volume_and_place_on_any_grid(
    spacing_mm: tuple[float, float, float],
    turn: float,
    axis: tuple[float, float, float],
    flips: tuple[float, float, float],
    offset_mm: tuple[float, float, float],
) -> None:
    geometry = centred_geometry(66, spacing_mm, rotation(axis, turn) @ (AXIAL * flips))
    volume = ball_volume(geometry, np.array([5.0, -7.0, 11.0]) + offset_mm, 25)
    found = round_trip(volume)
    expected = volume.hu < -425
    shift = np.argwhere(found).mean(axis=0) - np.argwhere(expected).mean(axis=0)
    assert np.abs(shift).max() < 0.1
    assert np.count_nonzero(found) == pytest.approx(np.count_nonzero(expected), rel=0.02)


@settings(max_examples=50)
@given(
    shape=st.tuples(*[st.integers(1, 40)] * 3),
    spacing_mm=st.tuples(*[st.floats(0.3, 12.0)] * 3),
    turn=st.floats(0, 180),
)
def test_working_grid_covers_exactly_the_scan(
    shape: tuple[int, int, int], spacing_mm: tuple[float, float, float], turn: float
) -> None:
    source = VolumeGeometry.from_axes(shape, spacing_mm, (1, 2, 3), rotation((1, 1, 0), turn) @ AXIAL, "9.8")
    prepared = prepare(CTVolume(np.zeros(shape, np.int16), source), SPEC)
    standard = standard_axis_order(source).apply_to_geometry(source)
    for corner in (0.0, 1.0):  # outer faces, half a voxel beyond the outermost centres
        faces = [np.asarray(grid.shape) * corner - 0.5 for grid in (standard, prepared.geometry)]
        assert np.allclose(
            standard.index_to_lps(faces[0]), prepared.geometry.index_to_lps(faces[1]), atol=1e-6
        )
    assert prepared.geometry.frame_of_reference_uid == "9.8"
    assert prepared.intensity.shape == prepared.geometry.shape
    assert prepared.source is source
    labels = restore(np.zeros((4, *prepared.geometry.shape), np.float16), prepared)
    assert labels.shape == shape
    assert not labels.any()


@pytest.mark.parametrize(
    ("count", "spacing_mm", "expected_mm"),
    [(100, 2.0, 2.0), (30, 8.0, 8.0), (100, 1.5, 1.5), (100, 1.499, 1.499), (300, 0.5, 1.5), (40, 10.0, 8.0)],
)
def test_slice_spacing_is_kept_where_the_bundle_allows_it(
    count: int, spacing_mm: float, expected_mm: float
) -> None:
    geometry = VolumeGeometry.from_axes((count, 8, 8), (spacing_mm, 1.5, 1.5))
    prepared = prepare(CTVolume(np.zeros((count, 8, 8), np.int16), geometry), SPEC)
    assert prepared.geometry.spacing_mm[0] == pytest.approx(expected_mm)


@pytest.mark.parametrize("spacing_mm", [0.6, 0.7, 1.0, 1.25, 1.4])
def test_thin_slices_never_become_thinner_than_the_bundle_allows(spacing_mm: float) -> None:
    geometry = VolumeGeometry.from_axes((101, 4, 4), (spacing_mm, 1.5, 1.5))
    prepared = prepare(CTVolume(np.zeros((101, 4, 4), np.int16), geometry), SPEC)
    assert prepared.geometry.spacing_mm[0] >= 1.5


def test_window_is_clipped_and_scaled() -> None:
    hu = np.array([-3024, -1000, -300, 400, 3071], np.int16).reshape(5, 1, 1) + np.zeros((1, 3, 3), np.int16)
    prepared = prepare(CTVolume(hu, VolumeGeometry.from_axes(hu.shape, (2, 1.5, 1.5))), SPEC)
    assert prepared.intensity[:, 1, 1] == pytest.approx([-1, -1, 0, 1, 1])
    assert working_hu(prepared, SPEC)[:, 1, 1] == pytest.approx([-1000, -1000, -300, 400, 400], abs=1e-3)


def test_scaling_follows_the_bundle() -> None:
    spec = PreprocessingSpec(
        window_hu=(-1350, 150), scaled_to=(0, 1), in_plane_spacing_mm=2, slice_spacing_mm=(1, 3)
    )
    hu = np.full((4, 4, 4), -600, np.int16)
    prepared = prepare(CTVolume(hu, VolumeGeometry.from_axes(hu.shape, (2, 2, 2))), spec)
    assert np.allclose(prepared.intensity, 0.5)


def test_fine_stripes_are_averaged_not_aliased() -> None:
    hu = np.zeros((60, 40, 40), np.int16)
    hu[::2] = -800
    hu[:, ::2] += 200
    prepared = prepare(CTVolume(hu, VolumeGeometry.from_axes(hu.shape, (0.5, 0.5, 0.5))), SPEC)
    inner = working_hu(prepared, SPEC)[2:-2, 2:-2, 2:-2]
    amplitude = 400 + 100  # of the two stripe patterns; a triangle three samples wide leaves a ninth
    assert np.abs(inner + 300).max() < 1.05 * amplitude / 9


def test_source_is_left_as_it_was() -> None:
    hu = np.random.default_rng(0).integers(-2000, 2000, (9, 10, 11)).astype(np.int16)
    before = hu.copy()
    prepare(CTVolume(hu, VolumeGeometry.from_axes(hu.shape, (1, 1, 1))), SPEC)
    assert np.array_equal(hu, before)


def test_box_of_the_working_grid_restores_as_the_whole_does() -> None:
    volume = ball_volume(centred_geometry(66, (1.0, 0.8, 0.9), AXIAL), (3, -9, 12), 16)
    prepared = prepare(volume, SPEC)
    logits = threshold_logits(prepared.intensity, -425)
    whole = restore(logits, prepared)
    box = Box((5, 4, 6), tuple(n - 4 for n in prepared.geometry.shape))  # type: ignore[arg-type]
    assert whole.any()
    assert np.array_equal(restore(np.ascontiguousarray(logits[:, *box.slices]), prepared, box), whole)


def test_nothing_is_labelled_outside_the_box() -> None:
    volume = ball_volume(centred_geometry(40, (1.0, 0.8, 0.9), AXIAL), (5, -7, 11), 10)
    prepared = prepare(volume, SPEC)
    box = Box((3, 4, 5), (9, 14, 15))
    logits = np.zeros((4, *box.shape), np.float16)
    logits[2] = 1
    labels = restore(logits, prepared, box)
    assert set(np.unique(labels)) == {0, 2}
    share = np.count_nonzero(labels) / labels.size
    assert share == pytest.approx(np.prod(box.shape) / np.prod(prepared.geometry.shape), rel=0.2)


def test_logits_that_do_not_cover_their_box_are_refused() -> None:
    volume = ball_volume(centred_geometry(20, (2, 2, 2), AXIAL), (5, -7, 11), 5)
    prepared = prepare(volume, SPEC)
    with pytest.raises(SegmentationError, match="does not cover"):
        restore(np.zeros((4, 1, 2, 3), np.float16), prepared)


def test_reference_labels_go_to_the_same_grid_and_keep_their_shares() -> None:
    geometry = centred_geometry(66, (1.0, 0.75, 0.75), rotation((0, 1, 1), 10) @ CORONAL)
    volume = ball_volume(geometry, (5, -7, 11), 25)
    labels = np.where(volume.hu < -425, 1, 0).astype(np.uint8)
    labels[ball_volume(geometry, (5, -7, 11), 12).hu < -425] = 3
    prepared = prepare(volume, SPEC)
    working = prepare_labels(LabelMap(labels, geometry), SPEC)
    assert working.shape == prepared.intensity.shape
    ratio = prepared.geometry.voxel_volume_ml / geometry.voxel_volume_ml
    for value in (1, 3):
        expected = np.count_nonzero(labels == value)
        assert np.count_nonzero(working == value) * ratio == pytest.approx(expected, rel=0.02)


@given(source=st.integers(1, 60), target=st.integers(1, 60))
def test_weights_are_averages(source: int, target: int) -> None:
    weights = axis_weights(source, target)
    assert weights.shape == (target, source)
    assert (weights >= 0).all()
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(weights, weights[::-1, ::-1], atol=1e-5)  # no preferred direction
    if source == target:
        assert np.array_equal(weights, np.eye(source, dtype=np.float32))


@given(source=st.integers(8, 40), target=st.integers(8, 40))
def test_linear_ramp_stays_a_linear_ramp_away_from_the_ends(source: int, target: int) -> None:
    ramp = np.arange(source, dtype=np.float32) + 0.5
    found = axis_weights(source, target) @ ramp
    expected = (np.arange(target) + 0.5) * source / target
    reach = max(1.0, source / target)
    inner = (expected > reach) & (expected < source - reach)
    # A triangle sampled at few points is not exactly centred; within a tenth of a source voxel it is.
    assert np.abs(found - expected)[inner].max(initial=0) < 0.1


def test_resampling_clips_before_it_averages() -> None:
    source = np.array([-30000, 0, 0, 0], np.int16).reshape(4, 1, 1)
    assert resample(source, (2, 1, 1), limits=(-1024, 3071)).min() >= -1024
