"""Gantry tilt is refused; straightened on request, every structure keeps its place and volume."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from lesionseg.core.errors import GantryTiltError, MissingSlicesError, MixedSliceError
from lesionseg.dicom import LoadedSeries, LoaderSettings, Repair, load_series
from tests.dicom.conftest import SaveSeries
from tests.support.ct_series import Series, save

REPAIR = LoaderSettings(repairs=frozenset({Repair.TILT}))
BALL_CENTRE_MM, BALL_RADIUS_MM = np.array([4.0, -6.0, 30.0]), 22.0
ROWS, COLUMNS, SLICES, PIXEL_MM, STEP_MM, LOWEST_MM = 96, 80, 55, 1.0, 2.0, -10.0


def tilted_series(folder: Path, template: Dataset, tilt_deg: float) -> None:
    """A soft ball in air, scanned with planes turned about x, table moving along z."""
    cosine, sine = np.cos(np.radians(tilt_deg)), np.sin(np.radians(tilt_deg))
    down = np.array([0.0, cosine, -sine])
    row, column = np.mgrid[0:ROWS, 0:COLUMNS].astype(float)
    for number in range(SLICES):
        corner = np.array([-COLUMNS / 2 * PIXEL_MM, -ROWS / 2 * PIXEL_MM, LOWEST_MM + number * STEP_MM])
        place = (
            corner + column[..., None] * PIXEL_MM * np.array([1.0, 0, 0]) + row[..., None] * PIXEL_MM * down
        )
        inside = np.linalg.norm(place - BALL_CENTRE_MM, axis=-1) < BALL_RADIUS_MM
        template.PixelData = np.where(inside, 40, -1000).astype("<i2").tobytes()
        template.Rows, template.Columns, template.PixelSpacing = ROWS, COLUMNS, [PIXEL_MM, PIXEL_MM]
        template.RescaleIntercept, template.PixelRepresentation = "0", 1
        template.ImageOrientationPatient = [1, 0, 0, 0, round(cosine, 9), round(-sine, 9)]
        template.ImagePositionPatient = corner.tolist()
        template.SliceThickness = STEP_MM
        template.SOPInstanceUID = f"1.2.3.{number}"
        save(template, folder / f"{number:03d}.dcm")


def ball(loaded: LoadedSeries) -> tuple[float, np.ndarray]:
    """Volume in ml and centre in LPS mm of what is soft."""
    soft = np.clip((loaded.volume.hu.astype(float) + 1000) / 1040, 0, 1)
    centre = np.average(np.argwhere(soft > 0), axis=0, weights=soft[soft > 0])
    return float(soft.sum() * loaded.volume.geometry.voxel_volume_ml), loaded.volume.geometry.index_to_lps(
        centre
    )


@pytest.mark.parametrize("tilt_deg", [20.0, -12.5, 7.3])
def test_a_straightened_ball_keeps_its_volume_and_place(
    tilt_deg: float, slices: list[Dataset], tmp_path: Path
) -> None:
    tilted_series(tmp_path, slices[0], tilt_deg)
    with pytest.raises(GantryTiltError, match=rf"a tilt of {abs(tilt_deg)} degrees.*--repair tilt"):
        load_series(tmp_path)
    loaded = load_series(tmp_path, settings=REPAIR)
    volume_ml, centre = ball(loaded)
    assert volume_ml == pytest.approx(4 / 3 * np.pi * (BALL_RADIUS_MM / 10) ** 3, rel=0.01)
    np.testing.assert_allclose(centre, BALL_CENTRE_MM, atol=0.15)
    assert loaded.volume.geometry.spacing_mm[0] == pytest.approx(STEP_MM * np.cos(np.radians(tilt_deg)))
    assert "repaired-tilt" in {note.code for note in loaded.notes}
    assert "straight stack" not in loaded.series.checks_passed


def test_a_straight_stack_is_left_alone_by_the_repair(small: Series) -> None:
    loaded = load_series(small.folder, settings=REPAIR)
    np.testing.assert_array_equal(loaded.volume.hu, small.volume.hu)
    assert "repaired-tilt" not in {note.code for note in loaded.notes}
    assert "straight stack" in loaded.series.checks_passed


def test_a_sideways_step_is_not_repaired_as_if_it_were_a_tilt(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    for dataset in slices[3:]:
        x_mm, y_mm, z_mm = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x_mm + 30, y_mm, z_mm]
    with pytest.raises(MixedSliceError, match="displaced sideways"):
        load_series(save_series(slices), settings=REPAIR)


def test_missing_slices_are_found_in_a_tilted_stack_too(slices: list[Dataset], tmp_path: Path) -> None:
    tilted_series(tmp_path, slices[0], 15.0)
    (tmp_path / "011.dcm").unlink()
    with pytest.raises(MissingSlicesError):
        load_series(tmp_path, settings=REPAIR)


def test_a_fractional_volume_is_straightened_as_float(slices: list[Dataset], tmp_path: Path) -> None:
    slices[0].RescaleSlope = "1.0001"
    tilted_series(tmp_path, slices[0], 10.0)
    loaded = load_series(tmp_path, settings=REPAIR)
    assert loaded.volume.hu.dtype == np.float32
    assert ball(loaded)[0] == pytest.approx(4 / 3 * np.pi * (BALL_RADIUS_MM / 10) ** 3, rel=0.01)
