"""A real PACS in the loop: what is pulled is what was sent to it, what is pushed comes back through QIDO."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEGLosslessSV1

from lesionseg.cli.run import run
from lesionseg.dicom import load_series
from lesionseg.pacs.settings_file import loopback_settings
from lesionseg.pacs.web import Archive, Query, find_series, pull, push
from tests.pacs.orthanc import Orthanc
from tests.support.ct_series import Series, chest_volume, write_series
from tests.workflow.builders import RuleSegmenter, filled_chest

LOSSLESS_JPEG, IMPLICIT_LITTLE_ENDIAN = "-xs", "-xi"  # proposed by storescu
STUDY_UID, SERIES_UID, SOP_UID = "0020000D", "0020000E", "00080018"


def connect(orthanc: Orthanc) -> Archive:
    web = loopback_settings(orthanc.dicomweb_url).web
    assert web is not None
    return Archive(web)


@pytest.fixture
def uploaded(orthanc: Orthanc, tmp_path: Path) -> Series:
    """A phantom chest, sent by storescu."""
    series = write_series(tmp_path / "sent", filled_chest())
    orthanc.store(series.folder)
    return series


def test_what_storescu_sent_is_pulled_with_the_same_voxels(
    orthanc: Orthanc, uploaded: Series, tmp_path: Path
) -> None:
    with connect(orthanc) as archive:
        (one,) = pull(archive, Query(patient_id="PHANTOM"), tmp_path / "pulled")
    loaded = load_series(tmp_path / "pulled")
    assert loaded.series.series_uid == uploaded.settings.series_uid
    assert one.folder.name == uploaded.settings.series_uid
    np.testing.assert_array_equal(loaded.volume.hu, uploaded.volume.hu)
    assert loaded.volume.geometry.matches(uploaded.volume.geometry)


def test_pulled_files_are_the_bytes_that_the_archive_keeps(orthanc: Orthanc, tmp_path: Path) -> None:
    series = write_series(tmp_path / "sent", chest_volume((3, 8, 8)))
    orthanc.store(series.folder, IMPLICIT_LITTLE_ENDIAN)  # not what DICOMweb answers unless asked
    with connect(orthanc) as archive:
        (one,) = pull(archive, Query(patient_id="PHANTOM"), tmp_path / "pulled")
    pulled = {hashlib.md5(path.read_bytes()).hexdigest() for path in one.folder.glob("*.dcm")}
    kept = {
        orthanc.text(f"/instances/{name}/attachments/dicom/md5") for name in orthanc.rest("GET", "/instances")
    }
    assert pulled == kept


def test_the_archive_finds_by_patient_date_and_description(orthanc: Orthanc, tmp_path: Path) -> None:
    small = chest_volume((3, 8, 8))
    settings = write_series(tmp_path / "a", small).settings
    later = replace(settings, study_date="20200301", series_description="thin")
    other = replace(settings, patient_id="OTHER")
    for name, one in (("b", later), ("c", other)):
        write_series(tmp_path / name, small, one)
    for name in "abc":
        orthanc.store(tmp_path / name)
    with connect(orthanc) as archive:
        mine = find_series(archive, Query(patient_id="PHANTOM"))
        thin = find_series(archive, Query(first_date=date(2020, 1, 1), series_description="THIN*"))
        early = find_series(archive, Query(patient_id="PHANTOM", last_date=date(2020, 1, 31)))
    assert [one.study_date for one in mine] == ["20200101", "20200301"]
    assert [one.instances for one in mine] == [3, 3]
    assert [one.series_uid for one in thin] == [later.series_uid]
    assert [one.series_uid for one in early] == [settings.series_uid]


def test_what_is_pushed_is_there_and_is_sent_once(orthanc: Orthanc, tmp_path: Path) -> None:
    series = write_series(tmp_path / "series", chest_volume((3, 8, 8)))
    with connect(orthanc) as archive:
        first = push(archive, series.folder)
        again = push(archive, series.folder)
    assert {one.state for one in first} == {"stored"}
    assert {one.state for one in again} == {"already there"}
    held = {row[SOP_UID]["Value"][0] for row in orthanc.qido("instances")}
    assert held == {one.sent.sop_instance_uid for one in first}


@dataclass(frozen=True)
class CameBack:
    """SEG and SR as the archive describes them."""

    seg: dict[str, Any]
    sr: dict[str, Any]


def came_back(orthanc: Orthanc) -> CameBack:
    objects: dict[str, dict[str, Any]] = {}
    for modality in ("SEG", "SR"):
        (series,) = orthanc.qido("series", Modality=modality)
        path = f"studies/{series[STUDY_UID]['Value'][0]}/series/{series[SERIES_UID]['Value'][0]}"
        (objects[modality],) = orthanc.qido(f"{path}/metadata")
    return CameBack(objects["SEG"], objects["SR"])


def items(dataset: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    return list(dataset.get(tag, {}).get("Value", []))


def check_references(back: CameBack, source_uids: set[str], series_uid: str, study_uid: str) -> None:
    """The SEG refers to every slice of its source, the SR to the SEG and to the source."""
    (referenced,) = items(back.seg, "00081115")
    assert referenced[SERIES_UID]["Value"] == [series_uid]
    assert {item["00081155"]["Value"][0] for item in items(referenced, "0008114A")} == source_uids
    seg_uid = back.seg[SOP_UID]["Value"][0]
    evidence = {
        (series[SERIES_UID]["Value"][0], item["00081155"]["Value"][0])
        for study in items(back.sr, "0040A375")
        for series in items(study, "00081115")
        for item in items(series, "00081199")
    }
    assert (back.seg[SERIES_UID]["Value"][0], seg_uid) in evidence
    assert {uid for series, uid in evidence if series == series_uid} == source_uids
    for dataset in (back.seg, back.sr):
        assert dataset[STUDY_UID]["Value"] == [study_uid]
        assert dataset[SERIES_UID]["Value"] != [series_uid]


def whole_way(orthanc: Orthanc, place: Path, patient_id: str, *options: str) -> None:
    """Pull, segment with export, and push, all by the command line."""
    url = ("--url", orthanc.dicomweb_url)
    assert run(["pacs", "pull", *url, "--patient", patient_id, "-o", str(place / "scans")]) == 0
    wanted = ("--export", "seg", "--export", "sr")
    assert run(["segment", str(place / "scans"), "-o", str(place / "case"), *wanted, *options]) == 0
    assert run(["pacs", "push", str(place / "case"), *url]) == 0


def test_a_scan_is_pulled_segmented_and_its_results_pushed_with_the_right_references(
    orthanc: Orthanc, uploaded: Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter = RuleSegmenter()
    monkeypatch.setattr(
        "lesionseg.workflow.segmenting.DeferredSegmenter.from_settings", lambda settings: segmenter
    )
    whole_way(orthanc, tmp_path, "PHANTOM", "--quiet")
    source_uids = {str(dataset.SOPInstanceUID) for dataset in uploaded.datasets()}
    settings = uploaded.settings
    check_references(came_back(orthanc), source_uids, settings.series_uid, settings.study_uid)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.timeout(1800)
def test_a_real_scan_goes_the_whole_way_with_the_shipped_model(
    orthanc: Orthanc, real_data: Path, tmp_path: Path
) -> None:
    scan = real_data / "ct" / "P001"
    orthanc.store(scan, LOSSLESS_JPEG)
    sent = load_series(scan)
    (study,) = orthanc.qido("studies")
    whole_way(orthanc, tmp_path, study["00100020"]["Value"][0], "--threads", "1", "--quiet")
    pulled = load_series(tmp_path / "scans")
    np.testing.assert_array_equal(pulled.volume.hu, sent.volume.hu)
    assert pulled.volume.geometry == sent.volume.geometry
    source_uids = {part.sop_instance_uid for part in sent.series.slices}
    check_references(came_back(orthanc), source_uids, sent.series.series_uid, sent.series.study_uid)


@pytest.mark.slow
@pytest.mark.real_data
def test_a_real_compressed_scan_is_pulled_as_it_is_with_the_same_voxels(
    orthanc: Orthanc, real_data: Path, tmp_path: Path
) -> None:
    scan = real_data / "ct" / "P001"
    orthanc.store(scan, LOSSLESS_JPEG)
    sent = load_series(scan)
    with connect(orthanc) as archive:
        (one,) = pull(archive, Query(study_uids=(sent.series.study_uid,)), tmp_path)
    assert one.error is None, str(one.error)
    assert {dcmread(path).file_meta.TransferSyntaxUID for path in one.folder.glob("*.dcm")} == {
        JPEGLosslessSV1
    }
    pulled = load_series(tmp_path)
    np.testing.assert_array_equal(pulled.volume.hu, sent.volume.hu)
    assert pulled.volume.geometry == sent.volume.geometry
