"""Series of several kinds load after de-identification as before, and a validator finds nothing new."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from lesionseg.dicom import load_series
from lesionseg.dicom.deidentify import Settings, Subjects, clean_file, write_clean
from tests.dicom.deidentify.conftest import KEY
from tests.support.ct_series import chest_volume, save, write_series
from tests.support.enhanced_series import enhanced_dataset

VALIDATOR = shutil.which("dciodvfy")
OBLIQUE = [[0.0, 0.6, 0.8], [0.0, 0.8, -0.6], [1.0, 0.0, 0.0]]


def deidentify_folder(source: Path, target: Path) -> None:
    target.mkdir()
    subjects = Subjects(KEY)
    for number, path in enumerate(sorted(source.iterdir())):
        write_clean(clean_file(path, subjects, Settings(KEY, "0.0")), target / f"{number}.dcm")


def same_volume(source: Path, target: Path) -> None:
    before, after = load_series(source), load_series(target)
    np.testing.assert_array_equal(after.volume.hu, before.volume.hu)
    np.testing.assert_array_equal(after.volume.geometry.affine, before.volume.geometry.affine)
    for fact in ("kernel", "manufacturer", "slice_thickness_mm", "kvp", "patient_position", "body_part"):
        assert after.series.modality_facts.get(fact) == before.series.modality_facts.get(fact)


def errors_in(path: Path) -> set[str]:
    done = subprocess.run([str(VALIDATOR), str(path)], capture_output=True, text=True, check=False)
    return {line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")}


def test_an_oblique_series_loads_to_the_same_volume(tmp_path: Path) -> None:
    volume = chest_volume((5, 24, 32), (8.0, 2.0, 2.5), OBLIQUE)
    write_series(tmp_path / "in", volume)
    deidentify_folder(tmp_path / "in", tmp_path / "out")
    same_volume(tmp_path / "in", tmp_path / "out")


def enhanced(folder: Path) -> Dataset:
    dataset = enhanced_dataset(chest_volume((6, 24, 32), (8.0, 2.0, 2.0)), [3, 1, 5, 0, 2, 4])
    dataset.PatientID, dataset.PatientName = "MRN-20240", "Doe^Jane"
    dataset.Manufacturer, dataset.DeviceSerialNumber = "SIEMENS", "SERIAL-4711"
    for number, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        content = frame.FrameContentSequence[0]
        content.FrameComments = content.FrameLabel = "Doe^Jane"
        content.FrameAcquisitionDateTime = f"20240310{number:02d}0000"
        content.StackID = "Doe"
    save(dataset, folder / "enhanced.dcm")
    return dataset


def test_an_enhanced_image_loads_to_the_same_volume_without_what_its_frames_say(tmp_path: Path) -> None:
    source = enhanced(tmp_path / "in")
    (tmp_path / "out").mkdir()
    write_clean(
        clean_file(tmp_path / "in" / "enhanced.dcm", Subjects(KEY), Settings(KEY, "0.0")),
        tmp_path / "out" / "e.dcm",
    )
    before, after = load_series(tmp_path / "in").volume, load_series(tmp_path / "out").volume
    np.testing.assert_array_equal(after.hu, before.hu)
    np.testing.assert_array_equal(after.geometry.affine, before.geometry.affine)
    content = (tmp_path / "out" / "e.dcm").read_bytes()
    assert not [word for word in (b"Doe", b"MRN", b"4711", b"20240310") if word in content]
    clean = dcmread(tmp_path / "out" / "e.dcm")
    assert clean.DeviceSerialNumber == "REMOVED"
    frames = clean.PerFrameFunctionalGroupsSequence
    assert len(frames) == len(source.PerFrameFunctionalGroupsSequence)
    assert [list(frame.FrameContentSequence[0].DimensionIndexValues) for frame in frames] == [
        list(frame.FrameContentSequence[0].DimensionIndexValues)
        for frame in source.PerFrameFunctionalGroupsSequence
    ]


@pytest.mark.skipif(VALIDATOR is None, reason="dciodvfy (dicom3tools) is not installed")
def test_the_validator_finds_no_new_errors(tmp_path: Path, slices: list[Dataset]) -> None:
    save(slices[0], tmp_path / "in" / "0.dcm")
    deidentify_folder(tmp_path / "in", tmp_path / "out")
    assert errors_in(tmp_path / "out" / "0.dcm") <= errors_in(tmp_path / "in" / "0.dcm")


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["ct/P001", "ct/cap002", "dicom-traps/cip-ct64-series/ct-64Dicom"])
def test_real_series_load_to_the_same_volume(name: str, real_data: Path, tmp_path: Path) -> None:
    deidentify_folder(real_data / name, tmp_path / "out")
    same_volume(real_data / name, tmp_path / "out")
    first = sorted((real_data / name).iterdir())[0]
    if VALIDATOR is not None:
        assert errors_in(tmp_path / "out" / "0.dcm") <= errors_in(first)
    assert dcmread(first).PixelData == dcmread(tmp_path / "out" / "0.dcm").PixelData
