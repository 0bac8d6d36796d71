"""Geometric phantoms: analytic truth on any grid."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from lesionseg.core.errors import ConfigurationError
from lesionseg.phantoms import Ellipsoid, GeometricPhantomSettings, geometric_phantom, sphere
from lesionseg.volume import VolumeGeometry

RIGHT = Ellipsoid((-60.0, 0.0, 0.0), (45.0, 50.0, 70.0))
LEFT = Ellipsoid((60.0, 5.0, 0.0), (40.0, 45.0, 65.0))
LESION, SOLID = sphere((-60.0, 0.0, -10.0), 25.0), sphere((-62.0, 2.0, -10.0), 12.0)
AXIAL = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
OBLIQUE = Rotation.from_euler("xyz", (20, -15, 10), degrees=True).as_matrix() @ AXIAL
REVERSED = AXIAL * [-1, 1, -1]


def geometry(direction: np.ndarray, spacing_mm: tuple[float, float, float]) -> VolumeGeometry:
    """Grid of 260 mm each way, its middle at the LPS origin."""
    shape = tuple(round(260 / step) for step in spacing_mm)
    middle = direction @ ((np.array(shape) - 1) / 2 * spacing_mm)
    return VolumeGeometry.from_axes(shape, spacing_mm, tuple(-middle), direction)


def settings(direction: np.ndarray, spacing_mm: tuple[float, float, float]) -> GeometricPhantomSettings:
    return GeometricPhantomSettings(geometry(direction, spacing_mm), (RIGHT, LEFT), (LESION,), (SOLID,))


@pytest.mark.parametrize("direction", [AXIAL, OBLIQUE, REVERSED], ids=["axial", "oblique", "reversed"])
@pytest.mark.parametrize("spacing_mm", [(2.0, 2.0, 2.0), (4.0, 1.5, 1.5)], ids=["even", "thick"])
def test_counted_voxels_agree_with_the_analytic_volumes(direction, spacing_mm):
    phantom = geometric_phantom(settings(direction, spacing_mm))
    voxel_ml = phantom.volume.geometry.voxel_volume_ml
    assert phantom.labels.lung.sum() * voxel_ml == pytest.approx(phantom.truth.lung_ml, rel=0.005)
    assert phantom.labels.lesion.sum() * voxel_ml == pytest.approx(phantom.truth.lesion_ml, rel=0.01)
    assert phantom.labels.solid.sum() * voxel_ml == pytest.approx(phantom.truth.solid_ml, rel=0.05)


def test_truth_is_four_thirds_pi_abc_and_names_the_sides():
    truth = geometric_phantom(settings(AXIAL, (4.0, 4.0, 4.0))).truth
    assert truth.right_lung_ml == pytest.approx(4 / 3 * np.pi * 4.5 * 5.0 * 7.0)
    assert truth.lung_ml == pytest.approx(truth.right_lung_ml + truth.left_lung_ml)
    assert truth.lesion_proportion_pct == pytest.approx(100 * truth.lesion_ml / truth.lung_ml)
    assert truth.solid_ml < truth.lesion_ml < truth.lung_ml


@pytest.mark.parametrize("direction", [AXIAL, OBLIQUE, REVERSED], ids=["axial", "oblique", "reversed"])
def test_the_right_lung_lies_at_low_x_on_every_grid(direction):
    phantom = geometric_phantom(GeometricPhantomSettings(geometry(direction, (4.0, 4.0, 4.0)), (RIGHT,)))
    centre = phantom.volume.geometry.index_to_lps(np.argwhere(phantom.labels.lung)).mean(axis=0)
    assert centre == pytest.approx(RIGHT.centre_lps_mm, abs=1.0)


def test_tissue_follows_the_labels_and_air_surrounds_the_body():
    body = Ellipsoid((0.0, 0.0, 0.0), (120.0, 80.0, 110.0))
    made = settings(AXIAL, (4.0, 4.0, 4.0))
    phantom = geometric_phantom(
        GeometricPhantomSettings(made.geometry, made.lungs, made.lesions, made.solids, body)
    )
    hu, labels = phantom.volume.hu, phantom.labels.labels
    assert [set(hu[labels == label].tolist()) for label in (1, 2, 3)] == [{-860}, {-600}, {0}]
    assert set(hu[labels == 0].tolist()) == {-1000, 40}
    assert hu[0, 0, 0] == -1000


@pytest.mark.parametrize(
    ("lungs", "lesions", "message"),
    [
        ((RIGHT, sphere((-50.0, 0.0, 0.0), 20.0)), (), "overlap"),
        ((RIGHT,), (sphere((60.0, 0.0, 0.0), 10.0),), "not nested"),
        ((sphere((-120.0, 0.0, 0.0), 30.0),), (), "touches the border"),
    ],
)
def test_shapes_whose_volume_would_not_be_known_are_refused(lungs, lesions, message):
    with pytest.raises(ConfigurationError, match=message):
        geometric_phantom(GeometricPhantomSettings(geometry(AXIAL, (4.0, 4.0, 4.0)), lungs, lesions))


def test_an_ellipsoid_without_extent_is_refused():
    with pytest.raises(ConfigurationError, match="positive radii"):
        Ellipsoid((0.0, 0.0, 0.0), (10.0, 0.0, 10.0))


def test_no_lung_has_no_proportion():
    truth = geometric_phantom(GeometricPhantomSettings(geometry(AXIAL, (8.0, 8.0, 8.0)), ())).truth
    assert truth.lung_ml == 0
    assert truth.lesion_proportion_pct is None
    assert truth.solid_proportion_pct is None
