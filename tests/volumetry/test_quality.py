"""Every flag is raised where it should be, and only there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lesionseg.dicom import load_series
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry, check_hounsfield, read_volume_file
from lesionseg.volumetry import Measurements, Severity, measure
from tests.volumetry.chest import GRID, LEFT_LUNG, RIGHT_LUNG, Chest, Ellipsoid, chest
from tests.volumetry.real_lungs import threshold_lungs


def flags(result: Measurements) -> dict[str, Severity]:
    return {flag.code: flag.severity for flag in result.flags if flag.code != "coarse-pixels"}


def measured(scan: Chest) -> Measurements:
    return measure(scan.volume, scan.label_map)


def part_of_chest(first_mm: float, last_mm: float) -> Chest:
    """A scan from one LPS z to another."""
    slices = round((last_mm - first_mm) / 4.0) + 1
    return chest(VolumeGeometry.from_axes((slices, 60, 84), (4.0, 4.0, 4.0), (-166.0, -118.0, first_mm)))


def test_a_whole_chest_raises_no_flag():
    assert flags(measured(chest())) == {}


@pytest.mark.parametrize(
    ("first_mm", "last_mm", "expected"),
    [
        (-142, 142, {}),
        (-114, 142, {}),
        (-100, 142, {"cut-off-bottom": Severity.WARNING}),
        (-60, 142, {"cut-off-bottom": Severity.CRITICAL}),
        (0, 142, {"cut-off-bottom": Severity.CRITICAL}),
        (-142, 100, {"cut-off-top": Severity.WARNING}),
        (-142, 0, {"cut-off-top": Severity.CRITICAL}),
        (-60, 60, {"cut-off-bottom": Severity.CRITICAL, "cut-off-top": Severity.CRITICAL}),
    ],
)
def test_lung_cut_at_the_ends_is_flagged_by_how_much_is_missing(first_mm, last_mm, expected):
    found = flags(measured(part_of_chest(first_mm, last_mm)))
    assert {code: level for code, level in found.items() if code.startswith("cut-off")} == expected


def test_the_estimate_of_what_is_missing_is_of_the_right_order():
    whole_ml = measured(chest()).whole.lung_ml
    for first_mm in (-100, -90, -80):
        result = measured(part_of_chest(first_mm, 142))
        flag = next(flag for flag in result.flags if flag.code == "cut-off-bottom")
        true_pct = 100 * (whole_ml - result.whole.lung_ml) / result.whole.lung_ml
        assert flag.value == pytest.approx(true_pct, rel=0.5)
        assert flag.unit == "%"


def test_a_scan_of_one_slice_is_flagged_at_both_ends():
    found = flags(measured(part_of_chest(0, 0)))
    assert found["cut-off-bottom"] == found["cut-off-top"] == Severity.CRITICAL


def test_the_ends_are_judged_in_the_patient_and_not_in_the_array():
    scan = part_of_chest(0, 142)
    order = (slice(None, None, -1),)
    affine = np.array(scan.volume.geometry.affine)
    affine[:3, 3] += affine[:3, 0] * (scan.volume.geometry.shape[0] - 1)
    affine[:3, 0] *= -1
    geometry = VolumeGeometry(scan.volume.geometry.shape, affine)
    upside_down = Chest(
        CTVolume(scan.volume.hu[order], geometry), LabelMap(scan.label_map.labels[order], geometry)
    )
    assert "cut-off-bottom" in flags(measured(upside_down))
    assert "cut-off-top" not in flags(measured(upside_down))


@pytest.mark.parametrize("keep", [(slice(None), slice(None), slice(20, None)), (slice(None), slice(14, 46))])
def test_lung_beyond_the_field_of_view_is_flagged(keep):
    scan = chest()
    start = [part.start or 0 for part in keep] + [0] * (3 - len(keep))
    affine = np.array(GRID.affine)
    affine[:3, 3] = GRID.index_to_lps(start)
    hu = scan.volume.hu[keep]
    geometry = VolumeGeometry(hu.shape, affine)
    result = measure(CTVolume(hu, geometry), LabelMap(scan.label_map.labels[keep], geometry))
    assert flags(result)["cut-off-side"] == Severity.CRITICAL


def test_lung_cut_by_the_reconstruction_circle_is_flagged():
    square = VolumeGeometry.from_axes((60, 64, 64), (4.0, 4.0, 4.0), (-126.0, -126.0, -118.0))
    row, column = np.ogrid[:64, :64]
    outside = np.hypot(row - 31.5, column - 31.5) > 26
    scan = chest(square)
    inside_image = np.s_[:, 6:58, 6:58]
    hu, labels = scan.volume.hu.copy(), scan.label_map.labels.copy()
    hu[:, outside], labels[:, outside] = -1024, 0
    affine = np.array(square.affine)
    affine[:3, 3] = square.index_to_lps((0, 6, 6))
    geometry = VolumeGeometry((60, 52, 52), affine)
    cut = measure(CTVolume(hu[inside_image], geometry), LabelMap(labels[inside_image], geometry))
    assert "cut-off-side" in flags(cut)
    assert "cut-off-side" not in flags(measured(scan))


@pytest.mark.parametrize(
    ("scale", "expected"),
    [(0.55, {"lung-volume-low": Severity.CRITICAL}), (0.75, {"lung-volume-low": Severity.WARNING}),
     (1.0, {}), (1.55, {"lung-volume-high": Severity.WARNING})],
)  # fmt: skip
def test_an_implausible_lung_volume_is_flagged(scale, expected):
    spacing = 4.0 * scale
    geometry = VolumeGeometry.from_axes(
        GRID.shape, (spacing,) * 3, (-166.0 * scale, -118.0 * scale, -142.0 * scale)
    )
    scan = chest()
    result = measure(CTVolume(scan.volume.hu, geometry), LabelMap(scan.label_map.labels, geometry))
    found = {code: level for code, level in flags(result).items() if code.startswith("lung-volume")}
    assert found == expected


@pytest.mark.parametrize(
    ("lungs", "expected"),
    [
        ((RIGHT_LUNG,), "left-lung-missing"),
        ((LEFT_LUNG,), "right-lung-missing"),
        ((RIGHT_LUNG, Ellipsoid((70, 0, 60), (40, 55, 50))), "left-right-imbalance"),
        ((Ellipsoid((-70, 0, 60), (40, 55, 50)), LEFT_LUNG), "left-right-imbalance"),
    ],
)
def test_unequal_lungs_are_flagged(lungs, expected):
    found = [
        flag
        for flag in measured(chest(lungs=lungs)).flags
        if "lung-" in flag.code or "left-right" in flag.code
    ]
    assert expected in {flag.code for flag in found}
    assert ("left-right-imbalance" in {flag.code for flag in found}) == (expected == "left-right-imbalance")


@pytest.mark.parametrize(
    ("acquisition", "expected"),
    [
        (None, set()),
        ({}, set()),
        ({"kernel": "B70f"}, {"sharp-kernel"}),
        ({"kernel": "B31f", "contrast": "no"}, set()),
        ({"contrast": "Omnipaque 300"}, {"contrast"}),
        ({"contrast": "WITHOUT CONTRAST"}, set()),
        ({"contrast": " "}, set()),
        ({"slice_thickness_mm": "4"}, set()),
        ({"slice_thickness_mm": "1.25"}, {"slice-gap"}),
        ({"slice_thickness_mm": "thin"}, set()),
        ({"slice_spacing_deviation_mm": "0.4"}, {"uneven-slices"}),
        ({"slice_spacing_deviation_mm": "0.01"}, set()),
    ],
)
def test_how_the_scan_was_taken_is_flagged(acquisition, expected):
    assert set(flags(measured(chest(acquisition=acquisition)))) == expected


def test_thick_slices_and_coarse_pixels_are_flagged():
    thick = VolumeGeometry.from_axes((58, 120, 168), (5.0, 2.0, 1.99), (-166.0, -118.0, -142.0))
    result = measured(chest(thick))
    assert {flag.code for flag in result.flags} == {"thick-slices", "coarse-pixels"}
    thin = VolumeGeometry.from_axes((60, 120, 168), (4.9, 1.9, 1.9), (-158.0, -112.0, -144.0))
    assert measured(chest(thin)).flags == ()


def test_flags_come_worst_first_and_travel_with_the_result():
    result = measured(chest(part_of_chest(0, 142).volume.geometry, acquisition={"contrast": "yes"}))
    levels = [list(Severity).index(flag.severity) for flag in result.flags]
    assert levels == sorted(levels, reverse=True)
    assert len(levels) > 1
    nested = result.as_dict()["flags"]
    assert [entry["code"] for entry in nested] == [flag.code for flag in result.flags]
    assert all(entry["sentence"].endswith(".") for entry in nested)
    assert result.as_row()["worst_flag"] == "critical"
    assert "cut-off-bottom=critical" in str(result.as_row()["flags"])


@pytest.mark.real_data
def test_real_scans_are_flagged_for_what_is_wrong_with_them(real_data: Path):
    expected = {
        "lungfcp-01-0001": {"cut-off-bottom", "lung-volume-low"},
        "lungdx-A0002_8mm": {"thick-slices"},
        "lidc0314": {"left-right-imbalance"},
        "normal001": set(),
        "nsclcrg-R01-001": set(),
        "cptac-C3N-00247": set(),
        "ricord1A-000082_covid": set(),
        "lung1-001": set(),
        "lung1-002": set(),
        "4dlung-113-p40": set(),
    }
    for name, codes in expected.items():
        volume = read_volume_file(real_data / "ct-1p5mm" / f"{name}_ct.nii.gz")
        label_map = LabelMap(threshold_lungs(volume).astype(np.uint8), volume.geometry)
        assert {flag.code for flag in measure(volume, label_map).flags} == codes, name


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["P001", "cap002"])
def test_whole_chests_that_clip_the_costophrenic_recesses_are_not_flagged(real_data: Path, name):
    volume = load_series(real_data / "ct" / name).volume
    assert check_hounsfield(volume) == ()
    label_map = LabelMap(threshold_lungs(volume).astype(np.uint8), volume.geometry)
    result = measure(volume, label_map)
    assert label_map.lung[[0, -1]].any()
    assert {flag.code for flag in result.flags} <= {"sharp-kernel", "contrast"}
