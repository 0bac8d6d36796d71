from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lesionseg.core.errors import (
    ConfigurationError,
    GeometryError,
    InputError,
    InputNotFoundError,
    LesionSegError,
    UnreadableFileError,
)
from lesionseg.core.labels import Label
from lesionseg.phantoms import ChestSettings, chest_phantom
from lesionseg.training.chests.cutting import PatchSettings
from lesionseg.training.chests.datasets import IGNORED, label_table, load_case, read_dataset
from lesionseg.training.chests.scans import load_training_scan, outlined_scan, save_training_scan
from lesionseg.training.losses import IGNORED_LABEL
from lesionseg.training.sampling import BatchSettings, SyntheticBatches
from lesionseg.training.synthesis.lesions import LesionSettings
from lesionseg.volume import CTVolume, write_volume
from tests.training.tiny_run import (
    DATASET_LABELS,
    MAPPING,
    block_geometry,
    outlined_block,
    write_case,
    write_dataset,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "Dataset001_Block")


def load_first(folder: Path, mapping: dict[str, str] = MAPPING):
    dataset = read_dataset(folder)
    return load_case(dataset.cases[0], label_table(dataset, mapping))


def refusal(folder: Path, kind: type[LesionSegError]) -> LesionSegError:
    with pytest.raises(kind) as caught:
        load_first(folder)
    return caught.value


def test_cases_are_read_with_their_labels_mapped(folder):
    assert [case.name for case in read_dataset(folder).cases] == ["ct_001", "ct_002"]
    volume, truth = load_first(folder)
    hu, own = outlined_block()
    assert np.array_equal(volume.hu, hu)
    assert np.array_equal(truth.lesion, own >= 2)
    assert np.array_equal(truth.solid, own == 5)
    assert np.array_equal(truth.lung, own >= 1)


def test_voxels_mapped_to_ignore_are_marked_as_unknown(folder):
    _, truth = load_first(folder, {**MAPPING, "ggo": "ignore"})
    assert np.array_equal(truth.labels == IGNORED, outlined_block()[1] == 2)


def test_case_without_labels_is_named(folder):
    (folder / "labelsTr" / "ct_002.nii.gz").unlink()
    assert "ct_002" in refusal(folder, InputNotFoundError).found


def test_labels_without_an_image_are_named(folder):
    (folder / "imagesTr" / "ct_001_0000.nii.gz").unlink()
    assert "ct_001" in refusal(folder, InputNotFoundError).found


def test_folder_without_description_is_no_dataset(tmp_path):
    assert "dataset.json" in refusal(tmp_path, InputNotFoundError).case


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"numTraining": 3}, InputError, "numTraining 3"),
        ({"channel_names": {"0": "CT", "1": "PET"}}, InputError, "PET"),
        ({"labels": {"0": "background", "1": "lung"}}, UnreadableFileError, "version 1"),
        ({"labels": {"background": 0, "lesion": [1, 2]}}, UnreadableFileError, "labels.lesion"),
        ({"labels": {"lung": 1}}, InputError, "background"),
        ({"file_ending": ".png"}, InputError, ".png"),
    ],
)
def test_description_that_does_not_fit_is_refused(tmp_path, changes, kind, words):
    error = refusal(write_dataset(tmp_path / "set", **changes), kind)
    assert words in str(error)


def test_damaged_description_is_named(folder):
    (folder / "dataset.json").write_text("{")
    assert refusal(folder, UnreadableFileError).case.endswith("dataset.json")


def test_labels_on_another_grid_are_refused_with_the_case(folder):
    write_case(folder, "ct_001", origin_lps_mm=(0.0, 0.0, 1.0))
    error = refusal(folder, GeometryError)
    assert "ct_001" in error.case
    assert error.remedy


def test_label_that_is_not_listed_is_refused_with_case_and_value(folder):
    values = outlined_block()[1]
    values[0, 0, 0] = 9
    write_case(folder, "ct_001", labels=values)
    error = refusal(folder, InputError)
    assert "ct_001" in error.case
    assert error.found == "9"


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"lung": "lung"}, "nothing for ggo, consolidation"),
        ({**MAPPING, "effusion": "background"}, "effusion"),
    ],
)
def test_every_label_needs_a_meaning_and_none_is_invented(folder, mapping, words):
    with pytest.raises(ConfigurationError) as caught:
        load_first(folder, mapping)
    assert words in caught.value.found


def test_lesion_of_unknown_kind_is_refused_unless_it_is_said_what_to_do(tmp_path):
    labels = {"background": 0, "infection": 1}
    folder = write_dataset(tmp_path / "set", labels=labels)
    with pytest.raises(ConfigurationError, match="never split by guess"):
        load_first(folder, {})
    table = label_table(read_dataset(folder), {"infection": "non_solid"})
    assert table[1] == Label.NON_SOLID


def test_own_ignore_label_of_the_layout_needs_no_mapping(tmp_path):
    folder = write_dataset(tmp_path / "set", labels={**DATASET_LABELS, "ignore": 6})
    assert label_table(read_dataset(folder), MAPPING)[6] == IGNORED


def test_scan_that_is_not_in_hounsfield_units_is_refused(folder):
    hu = np.clip(outlined_block()[0] + 1024, 0, None).astype(np.int16)
    write_volume(CTVolume(hu, block_geometry()), folder / "imagesTr" / "ct_001_0000.nii.gz")
    assert "Hounsfield" in refusal(folder, InputError).problem


def block_scan(*, takes_lesions: bool = False, unknown: bool = False):
    hu, own = outlined_block()
    labels = np.array([0, 1, 2, 0, 0, 3], np.uint8)[own]
    if unknown:
        labels[own == 2] = IGNORED
    return outlined_scan(
        CTVolume(hu, block_geometry()), labels, lungs_outlined=True, takes_lesions=takes_lesions
    )


def patches(scan, count: int = 12):
    settings = BatchSettings(
        stacks=1,
        hu_window=(-1000.0, 400.0),
        patches=PatchSettings(slices=2, in_plane=(32, 32), in_plane_spacing_mm=3.0),
        lesions=LesionSettings(clear_probability=0.0),
    )
    batches = SyntheticBatches([scan], settings, count=count, seed=1)
    images, labels = zip(*(batches[index] for index in range(count)), strict=True)
    return torch.cat(images), torch.cat(labels)


def test_patches_carry_the_outlines_to_where_the_lesion_lies():
    images, labels = patches(block_scan())
    hu = (images[:, 0] + 1) * 700 - 1000
    assert (labels == int(Label.SOLID)).any()
    clear, hazy, dense = (
        float(hu[labels == int(label)].median()) for label in (Label.LUNG, Label.NON_SOLID, Label.SOLID)
    )
    assert clear < -700 < hazy < -400 < dense


def test_drawn_lesions_only_add_to_outlined_ones():
    _, plain = patches(block_scan())
    _, more = patches(block_scan(takes_lesions=True))
    assert (more >= plain).all()
    assert (more == int(Label.SOLID)).sum() + (more == int(Label.NON_SOLID)).sum() > (plain > 1).sum()


def test_unknown_voxels_stay_out_of_the_loss_and_nothing_else_does():
    _, labels = patches(block_scan(unknown=True))
    assert (labels == IGNORED_LABEL).any()
    assert not (labels == int(Label.NON_SOLID)).any()
    assert (labels == int(Label.SOLID)).any()
    assert not (patches(block_scan())[1] == IGNORED_LABEL).any()


def test_lungs_that_are_not_outlined_are_found_and_the_lesions_belong_to_them():
    settings = ChestSettings(shape=(50, 100, 126), spacing_mm=(6.0, 3.3, 3.3))
    chest = chest_phantom(settings, np.random.default_rng(3))
    hu, lung = chest.volume.hu.copy(), chest.labels.lung
    rows = np.nonzero(lung.any(axis=(0, 2)))[0]
    back = lung.copy()
    back[:, : rows[-1] - 8] = False  # dense from the wall on: no classical step would find it
    labels = np.zeros(hu.shape, np.uint8)
    labels[back], hu[back] = Label.SOLID, 30
    scan = outlined_scan(CTVolume(hu, chest.volume.geometry), labels, lungs_outlined=False)
    assert (scan.outlined[back] == Label.SOLID).all()
    assert scan.lung[back].all()
    assert (scan.lung & lung).sum() > 0.9 * lung.sum()
    assert (scan.outlined[scan.lung] >= Label.LUNG).all()


def test_outlined_scan_survives_the_disk(tmp_path):
    scan = block_scan(takes_lesions=True)
    save_training_scan(scan, tmp_path / "scan.npz")
    back = load_training_scan(tmp_path / "scan.npz")
    assert np.array_equal(back.outlined, scan.outlined)
    assert back.takes_lesions


def test_description_may_hold_keys_of_others(tmp_path):
    folder = write_dataset(tmp_path / "set", overwrite_image_reader_writer="SimpleITKIO")
    assert json.loads((folder / "dataset.json").read_text())["overwrite_image_reader_writer"]
    assert len(read_dataset(folder).cases) == 2
