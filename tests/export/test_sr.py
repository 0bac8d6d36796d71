"""The structured report: what stands in it, read back by highdicom, dcmtk, dcmqi and dicom3tools."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
from highdicom import sr
from pydicom import Dataset, dcmread
from pydicom.sr.codedict import codes

from lesionseg.core.errors import OutputError
from lesionseg.export.codes import ALL_SEGMENTS, LESION_SEGMENT
from lesionseg.export.seg import SegSettings, write_seg
from lesionseg.export.sr import SegReference, SrResult, write_sr
from lesionseg.export.sr.codes import QUALITATIVE_EVALUATIONS
from lesionseg.export.sr.context import person_name
from lesionseg.export.tracking import tracking_uid
from tests.export.conformance import dciodvfy_remarks, run_tool
from tests.export.measured import BUNDLE_SHA256, MeasuredScan, measured_scan, phantom, small_chest
from tests.support.ct_series import save
from tests.support.enhanced_series import enhanced_dataset

SEG = SegReference("2.25.11", "2.25.12", {"lung": 1, "non_solid": 2, "solid": 3, "lesion": 4})
VOLUME, PERCENT_OF_LUNG = "Volume", "in percent of lung volume"
KNOWN_WARNINGS = {
    "Warning - Unrecognized defined term <99LESIONSEG> for value 1 of attribute <Coding Scheme Designator>"
}
"""A private scheme's name is none that dicom3tools knows; PS3.16 8 provides for it."""
LABELMAP_ERRORS = {
    "Error - Shall not be present for Referenced SOP Class that is not segmentation - "
    "attribute <ReferencedSegmentNumber>"
}
"""dicom3tools of 2022 knows no Label Map Segmentation Storage."""
SOURCE_WARNINGS = ("Retired Person Name form", "needed to build DICOMDIR")
"""Of a patient's name without carets, and of study attributes that the source leaves empty."""


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> MeasuredScan:
    return measured_scan(phantom(tmp_path_factory.mktemp("ct")))


@pytest.fixture(scope="module")
def report(scan: MeasuredScan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(scan, tmp_path_factory.mktemp("sr")).path


@pytest.fixture(scope="module")
def groups(report: Path) -> dict[str, Any]:
    return groups_of(report)


def written(scan: MeasuredScan, folder: Path, seg: SegReference | None = SEG, **origin: Any) -> SrResult:
    return write_sr(
        scan.measurements, scan.source, replace(scan.origin, **origin), folder / "sr.dcm", seg=seg
    )


def groups_of(path: Path) -> dict[str, Any]:
    """Every measurement group by its tracking identifier."""
    content = sr.srread(path).content
    groups = content.get_volumetric_roi_measurement_groups() + content.get_image_measurement_groups()
    return {group.tracking_identifier: group for group in groups}


def values_of(group: Any) -> dict[str, tuple[float, str]]:
    """Value and unit of every measurement of a group, by what it is called."""
    return {item.name.meaning: (item.value, item.unit.value) for item in group.get_measurements()}


def test_volumes_and_shares_read_back_are_those_measured(scan: MeasuredScan, groups: dict[str, Any]) -> None:
    figures = scan.measurements
    for ending, region in (("", "whole"), (", right lung", "right"), (", left lung", "left")):
        expected = figures.regions[region]
        assert expected.lesion_ml > 0
        lung, lesion, ground, solid = (
            values_of(groups[f"{name}{ending}"])
            for name in ("Lung, lesions included", "Whole lesion", "Non-solid lesion", "Solid component")
        )
        assert lung[VOLUME] == (expected.lung_ml, "ml")
        assert lesion[VOLUME] == (expected.lesion_ml, "ml")
        assert lesion[f"Whole lesion {PERCENT_OF_LUNG}"] == (expected.lesion_proportion_pct, "%")
        assert ground[VOLUME] == (expected.non_solid_ml, "ml")
        assert solid[VOLUME] == (expected.solid_ml, "ml")
        assert solid[f"Solid component {PERCENT_OF_LUNG}"] == (expected.solid_proportion_pct, "%")
        assert solid["Solid component in percent of whole lesion volume"] == (
            expected.solid_fraction_pct,
            "%",
        )
    without = values_of(groups["Lung without lesion"])[VOLUME]
    assert without == (figures.whole.lung_ml - figures.whole.lesion_ml, "ml")


def test_dense_lesion_and_severity_score_are_those_measured(
    scan: MeasuredScan, groups: dict[str, Any]
) -> None:
    figures = scan.measurements
    dense = values_of(groups["Dense lesion by threshold"])
    assert dense[VOLUME] == (figures.dense_lesion.dense_lesion_ml, "ml")
    share = figures.dense_lesion.dense_lesion_proportion_pct
    assert dense[f"Dense lesion {PERCENT_OF_LUNG}"] == (share, "%")
    assert "Threshold -300 HU" in comment_of(groups["Dense lesion by threshold"])
    score = values_of(groups["Lung, lesions included"])["CT severity score of six lung zones, 0 to 24"]
    assert score == (figures.severity.six_zone_score_0_24, "1")


def test_intervals_stand_as_distances_from_the_share(scan: MeasuredScan, groups: dict[str, Any]) -> None:
    certainty = scan.measurements.certainty
    for name, part in (("Whole lesion", "lesion"), ("Solid component", "solid")):
        group = groups[name]
        (share,) = (item for item in group.get_measurements() if PERCENT_OF_LUNG in item.name.meaning)
        distance = {
            item.ConceptNameCodeSequence[0].CodeValue: item.MeasuredValueSequence[0].FloatingPointValue
            for item in share[0].ContentSequence
            if item.ValueType == "NUM"
        }
        low, high = (getattr(certainty, f"{part}_proportion_{end}_pct") for end in ("low", "high"))
        assert share.value + distance["371886008"] == pytest.approx(high, abs=1e-12)
        assert share.value - distance["371885007"] == pytest.approx(low, abs=1e-12)
        assert comment_of(group) == "Interval of the share of the lung: guessed"


def test_a_reader_s_figures_have_no_interval(scan: MeasuredScan, tmp_path: Path) -> None:
    without = replace(scan, measurements=replace(scan.measurements, confidence=None))
    group = groups_of(written(without, tmp_path).path)["Whole lesion"]
    assert comment_of(group) == ""
    assert all(
        item.ValueType != "NUM" for part in group.get_measurements() for item in part[0].ContentSequence
    )


def test_every_figure_names_its_method_and_derivation(groups: dict[str, Any]) -> None:
    measurements = [item for group in groups.values() for item in group.get_measurements()]
    assert len(measurements) > 20
    assert all(item.derivation and item.method for item in measurements)
    volumes = [item for item in measurements if item.name == codes.SCT.Volume]
    assert {item.derivation.meaning for item in volumes} == {"Total"}
    assert codes.DCM.SumOfSegmentedVoxelMethodForVolume in [item.method for item in volumes]


def test_a_lung_without_lesion_states_0_ml(tmp_path: Path) -> None:
    clear = measured_scan(phantom(tmp_path / "ct"), lesions=False)
    seg = SegReference("2.25.11", "2.25.12", {"lung": 1})
    groups = groups_of(written(clear, tmp_path, seg).path)
    for name in ("Whole lesion", "Non-solid lesion", "Solid component", "Dense lesion by threshold"):
        assert values_of(groups[name])[VOLUME] == (0.0, "ml")
        assert not refers_to_a_segment(groups[name])
    assert refers_to_a_segment(groups["Lung without lesion"])
    assert values_of(groups["Whole lesion"])[f"Whole lesion {PERCENT_OF_LUNG}"] == (0.0, "%")
    assert "Solid component in percent of whole lesion volume" not in values_of(groups["Solid component"])


def test_without_any_segment_the_report_stands_alone(tmp_path: Path) -> None:
    empty = measured_scan(phantom(tmp_path / "ct"), lung=False)
    result = written(empty, tmp_path, None)
    groups = groups_of(result.path)
    assert values_of(groups["Lung, lesions included"]) == {VOLUME: (0.0, "ml")}
    assert values_of(groups["Whole lesion"]) == {VOLUME: (0.0, "ml")}
    assert [code for code, _, _ in flags_of(result.path)] == ["no-lung"]
    assert evidence_of(result.path) == {empty.source.series_uid: source_uids(empty)}


def test_groups_refer_to_their_segment_and_to_the_source_series(
    scan: MeasuredScan, groups: dict[str, Any]
) -> None:
    for segment in ALL_SEGMENTS:
        group = groups[segment.label]
        reference = group.referenced_segment
        assert reference.referenced_sop_instance_uid == SEG.sop_instance_uid
        assert reference.referenced_segment_numbers == [SEG.segment_numbers[segment.name]]
        assert reference.source_series_for_segmentation.value == scan.source.series_uid
        assert group.finding_type == segment.type.as_code()
    written_segments = {segment.label for segment in ALL_SEGMENTS}
    assert not any(refers_to_a_segment(groups[name]) for name in groups.keys() - written_segments)


def test_a_segment_that_the_seg_lacks_is_not_referred_to(scan: MeasuredScan, tmp_path: Path) -> None:
    labelmap = SegReference(
        "2.25.11", "2.25.12", {"lung": 1, "non_solid": 2, "solid": 3}, "1.2.840.10008.5.1.4.1.1.66.7"
    )
    groups = groups_of(written(scan, tmp_path, labelmap).path)
    assert not refers_to_a_segment(groups[LESION_SEGMENT.label])
    assert groups["Solid component"].referenced_segment.referenced_sop_class_uid == labelmap.sop_class_uid


@pytest.mark.parametrize("encoding", ["binary", "labelmap"])
def test_report_and_segmentation_beside_it_agree(
    scan: MeasuredScan, tmp_path: Path, encoding: Literal["binary", "labelmap"]
) -> None:
    made = write_seg(
        scan.label_map,
        scan.source,
        scan.origin,
        tmp_path / "seg.dcm",
        settings=SegSettings(encoding=encoding),
    )
    seg = SegReference(made.sop_instance_uid, made.series_uid, made.segment_numbers, made.sop_class_uid)
    result = written(scan, tmp_path, seg)
    groups, segmentation = groups_of(result.path), dcmread(tmp_path / "seg.dcm")
    told = 0
    for segment in segmentation.SegmentSequence:
        if segment.SegmentNumber == 0:
            continue  # the background of a label map
        group = groups[segment.SegmentLabel]
        assert group.tracking_uid == segment.TrackingUID
        assert group.tracking_identifier == segment.TrackingID
        assert group.finding_type.value == segment.SegmentedPropertyTypeCodeSequence[0].CodeValue
        assert group.referenced_segment.referenced_segment_numbers == [segment.SegmentNumber]
        assert group.referenced_segment.referenced_sop_instance_uid == segmentation.SOPInstanceUID
        told += 1
    assert told == 3
    assert segmentation.StudyInstanceUID == dcmread(result.path).StudyInstanceUID
    errors, _ = dciodvfy_remarks(result.path)
    assert errors <= (LABELMAP_ERRORS if encoding == "labelmap" else set())


def test_evidence_and_library_list_every_source_image_once(scan: MeasuredScan, report: Path) -> None:
    assert evidence_of(report) == {
        scan.source.series_uid: source_uids(scan),
        SEG.series_uid: [SEG.sop_instance_uid],
    }
    assert len(source_uids(scan)) == 16
    assert library_of(report) == source_uids(scan)


def test_a_multi_frame_source_is_one_image(tmp_path: Path) -> None:
    save(enhanced_dataset(small_chest()), tmp_path / "ct" / "enhanced.dcm")
    scan = measured_scan(tmp_path / "ct")
    result = written(scan, tmp_path)
    assert library_of(result.path) == [scan.source.instances[0].sop_instance_uid]
    assert_conformant(result.path)


def test_regions_are_tracked_as_their_segments_are(scan: MeasuredScan, groups: dict[str, Any]) -> None:
    uids = {name: group.tracking_uid for name, group in groups.items()}
    assert len(set(uids.values())) == len(uids) == 14
    for segment in ALL_SEGMENTS:
        assert uids[segment.label] == tracking_uid(scan.source, segment)


def test_tracking_is_one_over_visits_and_another_for_other_patients(
    scan: MeasuredScan, tmp_path: Path
) -> None:
    uids = {}
    for name, patient, series_uid in (("a", "1", "2.25.1"), ("b", "1", "2.25.2"), ("c", "2", "2.25.1")):
        series = scan.source.series
        series = replace(series, identity=replace(series.identity, patient_id=patient))
        visit = replace(scan, source=replace(scan.source, series=series, series_uid=series_uid))
        uids[name] = tracking_of(written(visit, tmp_path / name).path)
    assert uids["a"] == uids["b"]
    assert not uids["a"] & uids["c"]


def test_every_group_names_program_version_bundle_and_its_hash(groups: dict[str, Any]) -> None:
    for group in groups.values():
        items = group[0].ContentSequence
        said = {item.ConceptNameCodeSequence[0].CodeValue: item for item in items if item.ValueType == "TEXT"}
        assert said["111001"].TextValue == "lesionseg"
        assert said["111003"].TextValue == "0.0.0.test"
        parameters = [item.TextValue for item in items if item.name == codes.DCM.AlgorithmParameters]
        assert "model bundle: lung-lesion 9.9.9" in parameters
        assert f"model bundle SHA-256: {BUNDLE_SHA256}" in parameters
        assert "solid component: at or above -300 HU" in parameters


def test_the_program_observes_as_a_device(report: Path) -> None:
    (observer,) = sr.srread(report).content.get_observer_contexts()
    assert observer.observer_type == codes.DCM.Device
    assert observer.observer_identifying_attributes.name == "lesionseg"


def test_a_reader_observes_as_a_person(scan: MeasuredScan, tmp_path: Path) -> None:
    origin = scan.by("Müller-Łęcka^Ana")
    result = write_sr(scan.measurements, scan.source, origin, tmp_path / "sr.dcm", seg=None)
    content = sr.srread(result.path).content
    (person,) = content.get_observer_contexts(codes.DCM.Person)
    assert str(person.observer_identifying_attributes.name) == "Müller-Łęcka^Ana"
    assert len(content.get_observer_contexts(codes.DCM.Device)) == 1
    text = result.path.read_bytes()
    assert b"model bundle" not in text
    assert b"Manual Processing" in text
    assert b"Artificial Intelligence" not in text
    assert dciodvfy_remarks(result.path) == (set(), KNOWN_WARNINGS)


@pytest.mark.parametrize(
    ("reader", "name"),
    [("reader 2", "reader 2^"), ("a\\b=c", "a b c^"), ("x" * 80, "x" * 63 + "^"), ("Li^Wei", "Li^Wei")],
)
def test_any_reader_makes_a_valid_name(reader: str, name: str) -> None:
    assert person_name(reader) == name


def test_quality_flags_stand_in_words_with_their_severity(scan: MeasuredScan, report: Path) -> None:
    expected = [(flag.code, str(flag.severity), flag.sentence) for flag in scan.measurements.flags]
    assert len(expected) >= 2
    assert flags_of(report) == expected


def test_that_no_flag_was_raised_is_said(scan: MeasuredScan, tmp_path: Path) -> None:
    calm = replace(scan, measurements=replace(scan.measurements, flags=()))
    assert flags_of(written(calm, tmp_path).path) == [("no-flag", "", "")]


def test_patient_and_study_are_the_source_s_and_the_series_is_new(scan: MeasuredScan, report: Path) -> None:
    dataset = dcmread(report)
    header = scan.source.header
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyDate", "StudyInstanceUID"):
        assert (dataset.get(keyword) or "") == (header.get(keyword) or "")
    assert dataset.Modality == "SR"
    assert dataset.SeriesInstanceUID not in {scan.source.series_uid, SEG.series_uid}
    assert dataset.VerificationFlag == "UNVERIFIED"


def test_the_same_report_has_the_same_bytes(scan: MeasuredScan, report: Path, tmp_path: Path) -> None:
    assert written(scan, tmp_path).path.read_bytes() == report.read_bytes()


def test_other_labels_make_another_report(scan: MeasuredScan, report: Path, tmp_path: Path) -> None:
    other = written(scan, tmp_path, labels_sha256="0" * 64)
    assert other.sop_instance_uid != dcmread(report).SOPInstanceUID


def test_a_folder_that_cannot_be_made_is_refused(scan: MeasuredScan, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError):
        written(scan, tmp_path / "taken")


def test_dicom3tools_finds_no_error(report: Path) -> None:
    assert dciodvfy_remarks(report) == (set(), KNOWN_WARNINGS)


def test_dcmtk_prints_the_report(scan: MeasuredScan, report: Path) -> None:
    printed = run_tool("dsrdump", "+Pl", report)
    assert printed.returncode == 0, printed.stderr
    assert "Imaging Measurement Report" in printed.stdout
    assert f'"{dcmread_volume(report)}" (ml,UCUM,"milliliter")' in printed.stdout
    assert "E:" not in printed.stderr


def test_dcmqi_reads_the_report(scan: MeasuredScan, report: Path, tmp_path: Path) -> None:
    read = run_tool("tid1500reader", "--inputDICOM", report, "--outputMetadata", tmp_path / "out.json")
    assert read.returncode == 0, read.stderr
    groups = json.loads((tmp_path / "out.json").read_text())["Measurements"]
    assert len(groups) == 14
    lesion = next(group for group in groups if group["TrackingIdentifier"] == "Whole lesion")
    assert lesion["ReferencedSegment"] == 4
    assert lesion["segmentationSOPInstanceUID"] == SEG.sop_instance_uid
    assert lesion["SourceSeriesForImageSegmentation"] == scan.source.series_uid
    values = [float(item["value"]) for item in lesion["measurementItems"]]
    whole = scan.measurements.whole
    assert values == pytest.approx([whole.lesion_ml, whole.lesion_proportion_pct])
    assert "range of upper measurement uncertainty" in json.dumps(lesion["measurementItems"][1])


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("name", ["P001", "cap002"])
def test_reports_of_real_scans_are_without_error(real_data: Path, tmp_path: Path, name: str) -> None:
    scan = measured_scan(real_data / "ct" / name)
    result = written(scan, tmp_path)
    assert_conformant(result.path)
    assert run_tool("dsrdump", result.path).returncode == 0
    assert len(library_of(result.path)) == len(scan.source.instances) > 100
    lesion = values_of(groups_of(result.path)["Whole lesion"])[VOLUME]
    assert lesion == (scan.measurements.whole.lesion_ml, "ml")


# --- reading ------------------------------------------------------------------------------------------


def assert_conformant(path: Path) -> None:
    """No error, and no warning but the known ones and those of what the source lacks."""
    errors, warnings = dciodvfy_remarks(path)
    assert not errors
    of_source = {line for line in warnings if any(words in line for words in SOURCE_WARNINGS)}
    assert warnings - of_source == KNOWN_WARNINGS


def refers_to_a_segment(group: Any) -> bool:
    return any(item.name == codes.DCM.ReferencedSegment for item in group[0].ContentSequence)


def comment_of(group: Any) -> str:
    said = [item.TextValue for item in group[0].ContentSequence if item.name == codes.DCM.Comment]
    return said[0] if said else ""


def contained(path: Path, concept: Any) -> Dataset:
    """The container of this name right under the root."""
    for item in dcmread(path).ContentSequence:
        if item.ConceptNameCodeSequence[0].CodeValue == concept.value:
            return item
    raise AssertionError(f"no container {concept.meaning}")


def flags_of(path: Path) -> list[tuple[str, str, str]]:
    """Code, severity and sentence of every quality flag, in order."""
    found = []
    for item in contained(path, QUALITATIVE_EVALUATIONS).ContentSequence:
        code = item.ConceptCodeSequence[0]
        severity = sentence = ""
        for part in item.get("ContentSequence", []):
            if part.ValueType == "CODE":
                severity = part.ConceptCodeSequence[0].CodeValue
            else:
                sentence = part.TextValue
        found.append((code.get("CodeValue") or code.LongCodeValue, severity, sentence))
    return found


def library_of(path: Path) -> list[str]:
    (group,) = contained(path, codes.DCM.ImageLibrary).ContentSequence
    return [
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for item in group.ContentSequence
        if item.ValueType == "IMAGE"
    ]


def tracking_of(path: Path) -> set[str]:
    """Tracking UID of every group."""
    groups = contained(path, codes.DCM.ImagingMeasurements).ContentSequence
    items = [item for group in groups for item in group.ContentSequence]
    uids = {item.UID for item in items if item.ConceptNameCodeSequence[0].CodeValue == "112040"}
    assert len(uids) == len(groups)
    return uids


def evidence_of(path: Path) -> dict[str, list[str]]:
    (study,) = dcmread(path).CurrentRequestedProcedureEvidenceSequence
    return {
        series.SeriesInstanceUID: [item.ReferencedSOPInstanceUID for item in series.ReferencedSOPSequence]
        for series in study.ReferencedSeriesSequence
    }


def source_uids(scan: MeasuredScan) -> list[str]:
    return [part.sop_instance_uid for part in scan.source.instances]


def dcmread_volume(path: Path) -> str:
    """The whole lesion's volume as it stands in the file, in decimal digits."""
    group = groups_of(path)["Whole lesion"]
    return str(group.get_measurements()[0][0].MeasuredValueSequence[0].NumericValue)
