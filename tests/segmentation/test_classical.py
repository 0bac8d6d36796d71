from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from lesionseg.core.errors import ConfigurationError, GeometryError
from lesionseg.core.labels import Label
from lesionseg.phantoms import ChestPhantom, add_lesions
from lesionseg.segmentation.classical import (
    FIVE_CLASSES,
    ClassicalSettings,
    class_weights,
    mixture_label_map,
    mixture_labels,
    threshold_label_map,
    threshold_labels,
)
from lesionseg.volume import CTVolume, VolumeGeometry

Method = Callable[..., npt.NDArray[np.uint8]]
METHODS = [threshold_labels, mixture_labels]
MAP_METHODS = [threshold_label_map, mixture_label_map]
BARE = ClassicalSettings(vessel_radius_mm=0, vessel_halo_mm=0, thinnest_radius_mm=0, smallest_mm3=0)
"""Nothing but the look of each voxel."""
LUNG_HU, GLASS_HU, SOLID_HU, BLOOD_HU = -850.0, -550.0, -50.0, 30.0


def dice(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> float:
    return 2 * int((first & second).sum()) / int(first.sum() + second.sum())


@pytest.fixture(scope="module")
def diseased(chest: ChestPhantom) -> ChestPhantom:
    return add_lesions(chest, 15.0, 0.3, np.random.default_rng(5))


@pytest.mark.parametrize("method", MAP_METHODS)
def test_healthy_chest_has_next_to_no_lesion_once_vessels_are_out(chest: ChestPhantom, method) -> None:
    cleaned, bare = (method(chest.volume, chest.labels, settings) for settings in (None, BARE))
    lung = int(chest.labels.lung.sum())
    assert cleaned.lesion.sum() < 0.01 * lung
    assert bare.lesion.sum() > 0.04 * lung


@pytest.mark.parametrize("method", MAP_METHODS)
def test_lesions_of_a_phantom_are_found_on_its_grid(diseased: ChestPhantom, method) -> None:
    found = method(diseased.volume, diseased.labels)
    assert found.geometry is diseased.volume.geometry
    assert dice(found.lesion, diseased.labels.lesion) > 0.85
    assert np.array_equal(found.lung, diseased.labels.lung)


def test_thresholds_find_the_solid_component(diseased: ChestPhantom) -> None:
    found = threshold_label_map(diseased.volume, diseased.labels)
    assert dice(found.solid, diseased.labels.solid) > 0.8


@pytest.mark.parametrize("method", METHODS)
def test_flipped_scan_gives_flipped_labels(diseased: ChestPhantom, method: Method) -> None:
    hu, lung = diseased.volume.hu[:14], diseased.labels.lung[:14]
    spacing_mm = diseased.volume.geometry.spacing_mm
    flipped = method(np.flip(hu), np.flip(lung), spacing_mm)
    # Sums in another order may differ in the last bit and tip a voxel.
    assert (np.flip(flipped) != method(hu, lung, spacing_mm)).mean() < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_plane_is_labelled_as_a_scan_of_one_slice_whatever_its_thickness(
    diseased: ChestPhantom, method: Method
) -> None:
    settings = ClassicalSettings(smallest_mm3=0, smallest_mm2=0)
    index = diseased.labels.lesion.sum(axis=(1, 2)).argmax()
    hu, lung = diseased.volume.hu[index].astype(float), diseased.labels.lung[index]
    row_mm, column_mm = diseased.volume.geometry.spacing_mm[1:]
    plane = method(hu, lung, (row_mm, column_mm), settings)
    assert plane.shape == hu.shape
    assert dice(plane > 1, diseased.labels.lesion[index]) > 0.75
    for slice_mm in (0.5, 8.0):
        scan = method(hu[None], lung[None], (slice_mm, row_mm, column_mm), settings)
        assert np.array_equal(scan[0], plane)


def slab(spacing_mm: tuple[float, float, float], size_mm: float = 60.0):
    """A cube of lung in its middle, and each voxel's offset from the centre in mm."""
    shape = [round(size_mm / step) for step in spacing_mm]
    z, y, x = ((np.arange(n) - (n - 1) / 2) * step for n, step in zip(shape, spacing_mm, strict=True))
    z, y, x = np.meshgrid(z, y, x, indexing="ij", sparse=True)
    lung = np.maximum(np.maximum(abs(z), abs(y)), abs(x)) < size_mm / 2 - 4
    hu = np.where(lung, LUNG_HU, BLOOD_HU)
    return hu, lung, (z, y, x)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("spacing_mm", [(1.5, 1.5, 1.5), (5.0, 1.0, 1.0), (2.0, 3.0, 1.0)])
def test_vessel_is_no_lesion_whatever_the_voxels_and_a_ball_of_that_density_is(
    method: Method, spacing_mm: tuple[float, float, float]
) -> None:
    hu, lung, (z, y, x) = slab(spacing_mm)
    vessel, ball = hu.copy(), hu.copy()
    vessel[(y**2 + x**2 < 3**2) & lung] = BLOOD_HU
    ball[z**2 + y**2 + x**2 < 12**2] = SOLID_HU
    assert (method(vessel, lung, spacing_mm) <= Label.LUNG).all()
    found = method(ball, lung, spacing_mm)
    assert dice(found == Label.SOLID, ball == SOLID_HU) > 0.9


@pytest.mark.parametrize("method", METHODS)
def test_vessel_that_runs_through_ground_glass_belongs_to_it(method: Method) -> None:
    hu, lung, (_, y, x) = slab((1.5, 1.5, 1.5))
    glass = lung & (x < 0)
    vessel = lung & ((y**2 + (x + 12) ** 2 < 3**2) | (y**2 + (x - 14) ** 2 < 3**2))
    hu[glass] = GLASS_HU
    hu[vessel] = BLOOD_HU
    found = method(hu, lung, (1.5, 1.5, 1.5))
    assert (found[vessel & glass] == Label.NON_SOLID).mean() > 0.95
    assert (found[vessel & ~glass] == Label.LUNG).all()


def test_chest_wall_does_not_bleed_into_the_lung() -> None:
    hu, lung, _ = slab((1.5, 1.5, 1.5))
    assert (threshold_labels(hu, lung, (1.5, 1.5, 1.5), BARE)[lung] == Label.LUNG).all()


@pytest.mark.parametrize("method", METHODS)
def test_speck_under_the_smallest_volume_goes(method: Method) -> None:
    hu, lung, (z, y, x) = slab((1.5, 1.5, 1.5))
    speck = z**2 + y**2 + x**2 < 4**2
    hu[speck] = SOLID_HU
    volume_mm3 = speck.sum() * 1.5**3
    for smallest_mm3, stays in ((0.5 * volume_mm3, True), (3 * volume_mm3, False)):
        settings = replace(BARE, smallest_mm3=smallest_mm3)
        assert (method(hu, lung, (1.5, 1.5, 1.5), settings) > Label.LUNG).any() == stays


def test_weights_of_a_drawn_mixture_are_recovered() -> None:
    random = np.random.default_rng(0)
    true = np.array([0.1, 0.6, 0.15, 0.1, 0.05])
    kinds = random.choice(5, 60_000, p=true)
    means, deviations = (
        np.array([getattr(kind, of) for kind in FIVE_CLASSES]) for of in ("mean_hu", "sd_hu")
    )
    found = class_weights(random.normal(means[kinds], deviations[kinds]))
    assert found.sum() == pytest.approx(1)
    assert found == pytest.approx(true, abs=0.02)


def test_weights_without_a_voxel_are_equal() -> None:
    assert class_weights(np.zeros(0)) == pytest.approx(np.full(5, 0.2))


def test_mixture_cuts_where_the_scan_as_a_whole_puts_the_boundary() -> None:
    """Tissue between the classes counts as lesion in a sick lung, as lung in a healthy one."""
    answers = []
    for rest_hu in (LUNG_HU, GLASS_HU):
        hu, lung, (_, _, x) = slab((1.5, 1.5, 1.5))
        hu[lung & (x > 0)] = rest_hu
        doubtful = lung & (x < -14)
        hu[doubtful] = -740.0
        answers.append((mixture_labels(hu, lung, (1.5, 1.5, 1.5), BARE)[doubtful] > Label.LUNG).mean())
    assert answers[0] < 0.05
    assert answers[1] > 0.9


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(5, 6, 7), (6, 7), (0, 6, 7)])
def test_no_lung_gives_no_label(method: Method, shape: tuple[int, ...]) -> None:
    found = method(np.zeros(shape, np.int16), np.zeros(shape, np.bool_), (2.0,) * len(shape))
    assert found.shape == shape
    assert not found.any()


@pytest.mark.parametrize("method", METHODS)
def test_lung_that_fills_the_array_and_extreme_values_are_labelled(method: Method) -> None:
    hu = np.full((4, 12, 12), -32768, np.int16)
    hu[:, :, 6:] = 32767
    found = method(hu, np.ones(hu.shape, np.bool_), (2.0, 2.0, 2.0), BARE)
    assert (found[:, :, :4] == Label.LUNG).all()
    assert (found[:, :, 8:] == Label.SOLID).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("shape", "dtype", "spacing_mm"),
    [
        ((4, 5, 7), np.bool_, (1.0, 1.0, 1.0)),
        ((4, 5, 6), np.uint8, (1.0, 1.0, 1.0)),
        ((4, 5, 6), np.bool_, (1.0, 1.0)),
        ((4, 5, 6), np.bool_, (1.0, 0.0, 1.0)),
    ],
)
def test_parts_that_do_not_fit_are_refused(method: Method, shape, dtype, spacing_mm) -> None:
    with pytest.raises(GeometryError, match="do not fit"):
        method(np.zeros((4, 5, 6)), np.ones(shape, dtype), spacing_mm)


@pytest.mark.parametrize("method", MAP_METHODS)
def test_lungs_on_another_grid_are_refused_with_the_scan_named(chest: ChestPhantom, method) -> None:
    affine = chest.volume.geometry.affine.copy()
    affine[0, 3] += 1.0
    moved = CTVolume(chest.volume.hu, VolumeGeometry(chest.volume.geometry.shape, affine), "scan 7")
    with pytest.raises(GeometryError, match="another grid") as caught:
        method(moved, chest.labels)
    assert caught.value.case == "scan 7"


@pytest.mark.parametrize(
    "changes", [{"vessel_radius_mm": -1.0}, {"lesion_hu": -200.0}, {"surroundings_mm": np.nan}]
)
def test_settings_that_make_no_sense_are_refused(changes: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        ClassicalSettings(**changes)
