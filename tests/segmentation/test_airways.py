from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from lesionseg.phantoms import ChestPhantom
from lesionseg.segmentation.airways import airway_mask
from lesionseg.segmentation.postprocessing import exclude_airways
from tests.segmentation.builders import simple_chest


def dice(found: np.ndarray, expected: np.ndarray) -> float:
    return float(2 * np.count_nonzero(found & expected) / (found.sum() + expected.sum()))


@pytest.mark.parametrize("slice_mm", [1.5, 3.0, 5.0])
def test_windpipe_and_main_bronchi_are_found(slice_mm: float) -> None:
    chest = simple_chest((slice_mm, 1.5, 1.5))
    found = airway_mask(chest.hu, chest.spacing_mm)
    assert dice(found, chest.airways) > 0.9
    assert np.count_nonzero(found & chest.lung) < 0.002 * np.count_nonzero(chest.lung)


def test_thick_slices_still_give_the_windpipe() -> None:
    chest = simple_chest((8.0, 1.5, 1.5))
    found = airway_mask(chest.hu, chest.spacing_mm)
    assert np.count_nonzero(found & chest.airways) > 0.6 * np.count_nonzero(chest.airways)


def test_emphysema_as_dark_as_the_windpipe_does_not_leak() -> None:
    chest = simple_chest(lung_hu=-960.0, airway_hu=-990.0)
    found = airway_mask(chest.hu, chest.spacing_mm)
    assert np.count_nonzero(found & chest.lung) < 0.01 * np.count_nonzero(chest.lung)
    assert np.count_nonzero(found & chest.airways) > 0.6 * np.count_nonzero(chest.airways)


@pytest.mark.parametrize("lung_hu", [-850.0, -960.0])
def test_chest_without_windpipe_loses_nothing(lung_hu: float) -> None:
    chest = simple_chest(airway_hu=40.0, lung_hu=lung_hu)
    assert not airway_mask(chest.hu, chest.spacing_mm).any()


def test_short_bubble_of_air_is_no_windpipe() -> None:
    chest = simple_chest(airway_hu=40.0)
    hu = chest.hu.copy()
    rows, columns = (np.arange(n) - n / 2 for n in hu.shape[1:])
    bubble = np.hypot(*np.meshgrid(rows, columns, indexing="ij")) * 1.5 < 9
    hu[85:93, bubble] = -1000  # 24 mm high
    assert not airway_mask(hu, chest.spacing_mm).any()


@pytest.mark.parametrize("hu", [-1000.0, 40.0])
def test_volume_without_anatomy_gives_nothing(hu: float) -> None:
    assert not airway_mask(np.full((20, 30, 30), hu, np.float32), (3.0, 1.5, 1.5)).any()


def test_procedural_chest_keeps_its_lungs(chest: ChestPhantom) -> None:
    found = airway_mask(chest.volume.hu.astype(np.float32), chest.volume.geometry.spacing_mm)
    lung = chest.labels.lung
    assert np.count_nonzero(found & lung) < 0.005 * np.count_nonzero(lung)


def test_airways_become_background_whatever_the_network_said() -> None:
    chest = simple_chest()
    logits = np.zeros((4, *chest.hu.shape), np.float16)
    logits[1][chest.hu < -500] = 7
    logits[2] = 3
    before = logits.copy()
    exclude_airways(logits, chest.hu, chest.spacing_mm)
    winner = logits.argmax(axis=0)
    airways = airway_mask(chest.hu, chest.spacing_mm)
    assert airways.any()
    assert (winner[airways] == 0).all()
    assert np.array_equal(winner[~airways], before.argmax(axis=0)[~airways])


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["lung1-001", "lung1-002"])
def test_airways_do_not_eat_into_lungs_drawn_by_readers(real_data: Path, name: str) -> None:
    image = sitk.ReadImage(str(real_data / "ct-1p5mm" / f"{name}_ct.nii.gz"))
    lung = sitk.GetArrayFromImage(sitk.ReadImage(str(real_data / "ct-1p5mm" / f"{name}_lung.nii.gz"))) > 0
    spacing_mm = image.GetSpacing()[::-1]
    found = airway_mask(sitk.GetArrayFromImage(image).astype(np.float32), spacing_mm)
    volume_ml = np.count_nonzero(found) * np.prod(spacing_mm) / 1000
    assert 15 < volume_ml < 80
    assert np.count_nonzero(found & lung) < 0.003 * np.count_nonzero(lung)
