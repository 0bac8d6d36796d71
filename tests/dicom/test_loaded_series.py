"""What a loaded series tells of itself."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydicom import Dataset

from lesionseg.dicom import load_series
from tests.dicom.conftest import SaveSeries
from tests.support.ct_series import Series, set_z_mm, z_mm


def test_identity_and_acquisition_are_carried(slices: list[Dataset], save_series: SaveSeries) -> None:
    for dataset in slices:
        dataset.PatientID, dataset.StudyDate, dataset.KVP = "P-7", "20260102", "120"
        dataset.ConvolutionKernel, dataset.BodyPartExamined = "B30f", "CHEST"
        dataset.ContrastBolusAgent, dataset.ProtocolName = "iohexol", "Thorax"
        dataset.Manufacturer, dataset.ManufacturerModelName = "ACME", "One"
    loaded = load_series(save_series(slices))
    series = loaded.series
    assert (series.patient_id, series.study_date) == ("P-7", "20260102")
    assert series.study_uid == slices[0].StudyInstanceUID
    assert series.series_uid == loaded.volume.name == slices[0].SeriesInstanceUID
    assert series.frame_of_reference_uid == loaded.volume.geometry.frame_of_reference_uid
    facts = loaded.volume.acquisition
    assert facts is not None
    assert facts["kernel"] == "B30f"
    assert facts["kvp"] == "120"
    assert facts["slice_thickness_mm"] == "40"
    assert facts["contrast"] == "iohexol"
    assert (facts["manufacturer"], facts["model"], facts["protocol"]) == ("ACME", "One", "Thorax")
    assert series.geometry == loaded.volume.geometry


def test_facts_that_the_file_does_not_give_are_left_out(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    for dataset in slices:
        del dataset.SliceThickness, dataset.ConvolutionKernel
    facts = load_series(save_series(slices)).volume.acquisition
    assert facts is not None
    assert "slice_thickness_mm" not in facts
    assert "kernel" not in facts


def test_unevenness_of_the_slices_is_told_in_mm(slices: list[Dataset], save_series: SaveSeries) -> None:
    even = load_series(save_series(slices, "even")).series.modality_facts
    assert float(even["slice_spacing_deviation_mm"]) == 0.0
    set_z_mm(slices[2], z_mm(slices[2]) + 0.08)
    uneven = load_series(save_series(slices, "uneven")).series.modality_facts
    assert float(uneven["slice_spacing_deviation_mm"]) == pytest.approx(0.08, abs=1e-3)


def test_slices_tell_file_frame_position_and_instance(small: Series) -> None:
    first = load_series(small.folder).series.slices[0]
    assert first.file == small.paths[0]
    assert first.frame_number == 1
    assert first.position_mm == (-173.25, -160.5, -100.0)
    assert first.sop_instance_uid == small.datasets()[0].SOPInstanceUID


def test_invalid_uids_are_carried_as_they_are_and_noted(
    slices: list[Dataset], save_series: SaveSeries
) -> None:
    import pydicom

    with pydicom.config.disable_value_validation():
        for dataset in slices:
            dataset.SeriesInstanceUID = "7afb0d48-ec01-4941"
        folder = save_series(slices)
    loaded = load_series(folder)
    assert loaded.series.series_uid == "7afb0d48-ec01-4941"
    notes = {note.code: note.text for note in loaded.notes}
    assert notes["uids-not-standard"] == "UIDs carried as they are; invalid: series"


def test_loading_warns_of_nothing_and_leaves_pydicom_as_it_was(
    slices: list[Dataset], save_series: SaveSeries, recwarn: pytest.WarningsRecorder
) -> None:
    import pydicom

    with pydicom.config.disable_value_validation():
        for dataset in slices:
            dataset.PatientID = "x" * 100
            dataset.StudyDate = "yesterday"
        folder = save_series(slices)
    recwarn.clear()
    mode = pydicom.config.settings.reading_validation_mode
    load_series(folder)
    assert not recwarn.list
    assert pydicom.config.settings.reading_validation_mode == mode


def test_importing_the_loader_loads_no_pydicom() -> None:
    code = "import sys, lesionseg.dicom; print('pydicom' in sys.modules, 'SimpleITK' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]
