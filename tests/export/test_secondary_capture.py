"""The overview as a Secondary Capture image."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread

from lesionseg.core.errors import OutputError, UnreadableFileError
from lesionseg.export.secondary_capture import write_secondary_capture
from lesionseg.export.sr import write_sr
from tests.export.conformance import dciodvfy_remarks, run_tool
from tests.export.measured import MeasuredScan, measured_scan, phantom, small_chest
from tests.support.ct_series import save
from tests.support.enhanced_series import enhanced_dataset

SOURCE_WARNINGS = ("Retired Person Name form", "needed to build DICOMDIR")
"""Of a patient's name without carets, and of study attributes that the source leaves empty."""


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> MeasuredScan:
    return measured_scan(phantom(tmp_path_factory.mktemp("ct")))


def picture(path: Path, shape: tuple[int, ...] = (31, 45, 4), *, opacity: int = 255) -> Path:
    """A PNG of noise; an odd number of bytes in RGB."""
    values = np.random.default_rng(7).integers(0, 255, shape, dtype=np.uint8)
    if shape[-1] == 4:
        values[..., 3] = opacity
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(values, isVector=len(shape) == 3), str(path))
    return path


def pixels_of(png: Path) -> np.ndarray:
    return SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(png)))


@pytest.mark.parametrize("shape", [(31, 45, 4), (31, 45, 3), (20, 11)])
def test_pixels_are_those_of_the_picture(scan: MeasuredScan, tmp_path: Path, shape: tuple[int, ...]) -> None:
    png = picture(tmp_path / "overview.png", shape)
    write_secondary_capture(png, scan.source, scan.origin, tmp_path / "sc.dcm")
    stored = dcmread(tmp_path / "sc.dcm").pixel_array
    expected = pixels_of(png)
    if expected.ndim == 2:
        expected = np.repeat(expected[..., np.newaxis], 3, axis=2)
    np.testing.assert_array_equal(stored, expected[..., :3])


def test_it_says_that_text_is_burned_in_and_what_it_was_made_from(scan: MeasuredScan, tmp_path: Path) -> None:
    png = picture(tmp_path / "overview.png")
    result = write_secondary_capture(png, scan.source, scan.origin, tmp_path / "sc.dcm")
    dataset = dcmread(result.path)
    assert dataset.BurnedInAnnotation == "YES"
    assert dataset.ImageType == ["DERIVED", "SECONDARY"]
    assert "lung-lesion 9.9.9" in dataset.DerivationDescription
    uids = [part.sop_instance_uid for part in scan.source.instances]
    assert [item.ReferencedSOPInstanceUID for item in dataset.SourceImageSequence] == uids
    (series,) = dataset.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == scan.source.series_uid
    assert [item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence] == uids
    assert dataset.StudyInstanceUID == scan.source.study_uid
    assert dataset.PatientID == scan.source.header.PatientID
    assert (result.sop_instance_uid, result.series_uid) == (dataset.SOPInstanceUID, dataset.SeriesInstanceUID)


def test_a_reader_s_labels_are_named_as_such(scan: MeasuredScan, tmp_path: Path) -> None:
    png = picture(tmp_path / "overview.png")
    write_secondary_capture(png, scan.source, scan.by("Łęcka^Ana"), tmp_path / "sc.dcm")
    assert dcmread(tmp_path / "sc.dcm").DerivationDescription.endswith("Labels: reader Łęcka^Ana")


def test_loss_in_the_source_stays_on_record(scan: MeasuredScan, tmp_path: Path) -> None:
    header = deepcopy(scan.source.header)
    header.LossyImageCompression, header.LossyImageCompressionRatio = "01", "12.5"
    header.LossyImageCompressionMethod = "ISO_15444_1"
    png = picture(tmp_path / "overview.png")
    lossy = replace(scan.source, header=header)
    write_secondary_capture(png, lossy, scan.origin, tmp_path / "lossy.dcm")
    write_secondary_capture(png, scan.source, scan.origin, tmp_path / "sc.dcm")
    dataset = dcmread(tmp_path / "lossy.dcm")
    assert dataset.LossyImageCompression == "01"
    assert float(dataset.LossyImageCompressionRatio) == 12.5
    assert dcmread(tmp_path / "sc.dcm").LossyImageCompression == "00"
    assert dciodvfy_remarks(tmp_path / "lossy.dcm") == (set(), set())


def test_report_and_picture_are_two_series(scan: MeasuredScan, tmp_path: Path) -> None:
    png = picture(tmp_path / "overview.png")
    shown = write_secondary_capture(png, scan.source, scan.origin, tmp_path / "sc.dcm")
    told = write_sr(scan.measurements, scan.source, scan.origin, tmp_path / "sr.dcm", seg=None)
    assert len({shown.series_uid, told.series_uid, scan.source.series_uid}) == 3


def test_the_same_picture_has_the_same_bytes(scan: MeasuredScan, tmp_path: Path) -> None:
    png = picture(tmp_path / "overview.png")
    for name in ("a.dcm", "b.dcm"):
        write_secondary_capture(png, scan.source, scan.origin, tmp_path / name)
    assert (tmp_path / "a.dcm").read_bytes() == (tmp_path / "b.dcm").read_bytes()


def test_an_absent_damaged_or_transparent_picture_is_refused(scan: MeasuredScan, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(picture(tmp_path / "overview.png").read_bytes()[:60])
    deep = tmp_path / "deep.png"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.ones((4, 5), np.uint16)), str(deep))
    glass = picture(tmp_path / "glass.png", opacity=254)
    for png in (tmp_path / "absent.png", damaged, deep, glass):
        with pytest.raises(UnreadableFileError, match=png.name):
            write_secondary_capture(png, scan.source, scan.origin, tmp_path / "sc.dcm")
    assert not (tmp_path / "sc.dcm").exists()


def test_a_folder_that_cannot_be_made_is_refused(scan: MeasuredScan, tmp_path: Path) -> None:
    png = picture(tmp_path / "overview.png")
    with pytest.raises(OutputError):
        write_secondary_capture(png, scan.source, scan.origin, png / "sc.dcm")


def test_dicom3tools_has_no_remark(scan: MeasuredScan, tmp_path: Path) -> None:
    png = picture(tmp_path / "overview.png")
    write_secondary_capture(png, scan.source, scan.origin, tmp_path / "sc.dcm")
    assert dciodvfy_remarks(tmp_path / "sc.dcm") == (set(), set())


def test_of_a_multi_frame_source_it_is_without_error(tmp_path: Path) -> None:
    save(enhanced_dataset(small_chest()), tmp_path / "ct" / "enhanced.dcm")
    scan = measured_scan(tmp_path / "ct")
    write_secondary_capture(picture(tmp_path / "o.png"), scan.source, scan.origin, tmp_path / "sc.dcm")
    assert_only_the_source_s_warnings(tmp_path / "sc.dcm")
    assert len(dcmread(tmp_path / "sc.dcm").SourceImageSequence) == 1


def test_dcmtk_shows_the_same_pixels(scan: MeasuredScan, tmp_path: Path) -> None:
    png = picture(tmp_path / "overview.png")
    write_secondary_capture(png, scan.source, scan.origin, tmp_path / "sc.dcm")
    shown = run_tool("dcm2pnm", "--write-png", tmp_path / "sc.dcm", tmp_path / "shown.png")
    if "unknown option" in shown.stderr.lower():
        pytest.skip("this dcm2pnm writes no PNG")
    assert shown.returncode == 0, shown.stderr
    np.testing.assert_array_equal(pixels_of(tmp_path / "shown.png"), pixels_of(png)[..., :3])


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["P001", "cap002"])
def test_of_real_scans_it_is_without_error(real_data: Path, tmp_path: Path, name: str) -> None:
    from lesionseg.dicom import load_series
    from lesionseg.reports.overview import draw_overview

    scan = measured_scan(real_data / "ct" / name)
    volume = load_series(real_data / "ct" / name).volume
    draw_overview(volume, scan.label_map, scan.measurements, tmp_path / "overview.png")
    write_secondary_capture(tmp_path / "overview.png", scan.source, scan.origin, tmp_path / "sc.dcm")
    assert_only_the_source_s_warnings(tmp_path / "sc.dcm")
    assert dcmread(tmp_path / "sc.dcm").Columns == 1600


def assert_only_the_source_s_warnings(path: Path) -> None:
    errors, warnings = dciodvfy_remarks(path)
    assert not errors
    assert all(any(words in line for words in SOURCE_WARNINGS) for line in warnings), warnings
