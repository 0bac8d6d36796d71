"""dicom3tools' dciodvfy finds no error in what is written as SEG, and no warning that we cannot explain.

It is of 2022 and knows no label map SEG, so that it is asked about binary ones only.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from lesionseg.dicom import LoaderSettings, load_series
from lesionseg.export.seg import SegSettings, write_seg
from lesionseg.export.source import read_source
from lesionseg.volume import LabelMap
from tests.export.asymmetric import ACQUISITIONS, AXIAL, labelled, masks_by_dcmqi, origin_of, phantom
from tests.export.conformance import dciodvfy_remarks
from tests.support.ct_series import save, write_series
from tests.support.enhanced_series import enhanced_dataset

WITH_LESION = SegSettings(whole_lesion=True)
EXPLAINED = ("Retired Person Name form", "needed to build DICOMDIR")
"""A name of the source's without caret, and what its study does not say: copied, not invented."""


def is_clean(path: Path) -> None:
    errors, found = dciodvfy_remarks(path)
    assert errors == set()
    assert {one for one in found if not any(words in one for words in EXPLAINED)} == set()


@pytest.mark.parametrize("acquisition", ACQUISITIONS)
def test_phantoms_of_every_acquisition(acquisition: str, tmp_path: Path) -> None:
    scan = labelled(ACQUISITIONS[acquisition](tmp_path))
    write_seg(scan.label_map, scan.source, scan.origin, tmp_path / "seg.dcm", settings=WITH_LESION)
    is_clean(tmp_path / "seg.dcm")


@pytest.mark.parametrize("bundle", ["", "lung-lesion 9.9.9"])
def test_labels_of_a_reader(bundle: str, tmp_path: Path) -> None:
    scan = labelled(ACQUISITIONS["axial"](tmp_path))
    origin = replace(scan.origin, reader="Zoë Müller", bundle=bundle)
    write_seg(scan.label_map, scan.source, origin, tmp_path / "seg.dcm")
    is_clean(tmp_path / "seg.dcm")


def test_one_segment_in_frames_of_odd_size(tmp_path: Path) -> None:
    volume = phantom(AXIAL)
    cut = replace(
        volume, hu=volume.hu[:, :23, :19], geometry=replace(volume.geometry, shape=(len(volume.hu), 23, 19))
    )
    loaded = load_series(write_series(tmp_path / "ct", cut).folder)
    labels = np.zeros(loaded.volume.hu.shape, np.uint8)
    labels[3, 5, 7] = 3
    label_map = LabelMap(labels, loaded.volume.geometry)
    write_seg(label_map, read_source(loaded.series), origin_of(labels), tmp_path / "seg.dcm")
    is_clean(tmp_path / "seg.dcm")
    masks = masks_by_dcmqi(tmp_path / "seg.dcm", loaded.volume.geometry, tmp_path / "itk")
    assert np.argwhere(masks[1]).tolist() == [[3, 5, 7]]


def nothing(dataset: Dataset) -> None:
    for keyword in ("PatientID", "PatientName", "StudyDate", "StudyTime", "StudyID", "PatientSex"):
        del dataset[keyword]
    dataset.FrameOfReferenceUID = dataset.SOPInstanceUID = ""


def invalid_uids(dataset: Dataset) -> None:
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "4bae1d63-1eeb", "1.02.3"
    dataset.FrameOfReferenceUID = "9" * 70


def bad_values(dataset: Dataset) -> None:
    dataset.PatientID, dataset.AccessionNumber, dataset.StudyID = "7" * 80, "A" * 40, "toolongforashortstring"
    dataset.PatientName, dataset.StudyDescription = "Long" * 30 + "^Name", "described " * 20
    dataset.StudyDate, dataset.StudyTime, dataset.PatientSex = "2020.01.01", "25:00", "male"
    dataset.PatientAge, dataset.PatientWeight, dataset.PatientBirthDate = (
        "39 years",
        "1e400000000000001",
        "1900",
    )
    dataset.PatientIdentityRemoved, dataset.ClinicalTrialProtocolID = "YES", "P"
    dataset.ClinicalTrialTimePointDescription = "baseline"
    item = Dataset()
    item.PatientID = "other"
    dataset.OtherPatientIDsSequence = [item]


def lossy(dataset: Dataset) -> None:
    dataset.LossyImageCompression, dataset.LossyImageCompressionMethod = "01", "ISO_10918_1"
    dataset.LossyImageCompressionRatio = "9.5"


def other_alphabet(dataset: Dataset) -> None:
    dataset.SpecificCharacterSet = ["ISO 2022 IR 6", "ISO 2022 IR 87"]
    dataset.PatientName = "Yamada^Tarou=山田^太郎"


@pytest.mark.parametrize("change", [nothing, invalid_uids, bad_values, lossy, other_alphabet])
def test_sources_with_faults_of_their_own(change: Callable[[Dataset], None], tmp_path: Path) -> None:
    series = write_series(tmp_path / "ct", phantom(AXIAL))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, of the faults
        for dataset, path in zip(series.datasets(), series.paths, strict=True):
            change(dataset)
            save(dataset, path)
        scan = labelled(series.folder)
    write_seg(scan.label_map, scan.source, scan.origin, tmp_path / "seg.dcm", settings=WITH_LESION)
    is_clean(tmp_path / "seg.dcm")


def test_an_enhanced_source_that_is_lossy(tmp_path: Path) -> None:
    dataset = enhanced_dataset(phantom(AXIAL))
    lossy(dataset)
    scan = labelled(save(dataset, tmp_path / "ct.dcm"))
    write_seg(scan.label_map, scan.source, scan.origin, tmp_path / "seg.dcm")
    is_clean(tmp_path / "seg.dcm")


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["P001", "cap002"])
def test_real_scans(real_data: Path, name: str, tmp_path: Path) -> None:
    """cap002 has UUIDs for UIDs, and none at all for its slices."""
    loaded = load_series(real_data / "ct" / name)
    labels = np.zeros(loaded.volume.hu.shape, np.uint8)
    labels[40:60] = np.digitize(loaded.volume.hu[40:60], (-950, -800, -650, -400)) % 4
    labels[47:50] = 0
    label_map = LabelMap(labels, loaded.volume.geometry)
    source = read_source(loaded.series)
    for settings in (SegSettings(), WITH_LESION):
        write_seg(label_map, source, origin_of(labels), tmp_path / "seg.dcm", settings=settings)
        is_clean(tmp_path / "seg.dcm")
    for settings in (SegSettings(), SegSettings("labelmap")):
        write_seg(label_map, source, origin_of(labels), tmp_path / "seg.dcm", settings=settings)
        masks = masks_by_dcmqi(tmp_path / "seg.dcm", label_map.geometry, tmp_path / settings.encoding)
        for number in (1, 2, 3):
            np.testing.assert_array_equal(masks[number], labels == number)


@pytest.mark.real_data
def test_an_enhanced_file_of_a_vendor(real_data: Path, tmp_path: Path) -> None:
    """It holds a perfusion map in two frames, which the loader refuses unless it is called a scan."""
    dataset = dcmread(real_data / "dicom-traps" / "enhanced-ct" / "eCT_Supplemental.dcm")
    for groups in (*dataset.SharedFunctionalGroupsSequence, *dataset.PerFrameFunctionalGroupsSequence):
        for transformation in groups.get("PixelValueTransformationSequence", []):
            transformation.RescaleType = "HU"
    file = save(dataset, tmp_path / "ct.dcm")
    loaded = load_series(
        file, series_uid=str(dataset.SeriesInstanceUID), settings=LoaderSettings(minimum_slices=2)
    )
    labels = np.zeros(loaded.volume.hu.shape, np.uint8)
    labels[0, 100:200, 50:90], labels[1, 120:140, 60:70] = 1, 3
    label_map = LabelMap(labels, loaded.volume.geometry)
    write_seg(label_map, read_source(loaded.series), origin_of(labels), tmp_path / "seg.dcm")
    is_clean(tmp_path / "seg.dcm")
    masks = masks_by_dcmqi(tmp_path / "seg.dcm", label_map.geometry, tmp_path / "itk")
    np.testing.assert_array_equal(masks[1], labels == 1)
    np.testing.assert_array_equal(masks[2], labels == 3)
