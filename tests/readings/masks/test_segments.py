"""What segments mean: by the user, by codes, names and values; overlaps; what is refused as unclear."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.sr.coding import Code
from scipy import ndimage

from lesionseg.core.errors import ConfigurationError
from lesionseg.core.labels import Label, LabelScheme
from lesionseg.readings.masks import (
    LungSource,
    MaskMismatchError,
    Misfit,
    ReferenceScan,
    Region,
    SegmentMapping,
    read_mask,
)
from lesionseg.readings.masks.mapping import plain_name
from lesionseg.readings.masks.vocabulary import CODES, NAMES, region_of_code, region_of_name
from lesionseg.volume import LabelMap, write_label_map
from tests.readings.masks.builders import Scan, highdicom_seg, segment_fields, slicer_nrrd


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("Solid", Region.SOLID),
        ("non-solid", Region.NON_SOLID),
        ("Non_Solid lesion", Region.NON_SOLID),
        ("Ground-Glass  Opacity", Region.NON_SOLID),
        ("GGO 3", Region.NON_SOLID),
        ("lesion_12", Region.LESION),
        ("COVID-19 lesion", Region.LESION),
        ("Lung without lesion", Region.LUNG),
        ("Left Lung", Region.LUNG),
        ("Consolidation (2)", Region.SOLID),
        ("Segment_1", None),
        ("not solid at all", None),
        ("", None),
        ("7", None),
    ],
)
def test_names(name: str, region: Region | None) -> None:
    assert region_of_name(name) == region


def test_the_table_of_names_is_plain_and_unique() -> None:
    names = [name for group in NAMES.values() for name in group]
    assert len(names) == len(set(names))
    assert all(plain_name(name) == name for name in names)


def test_every_name_and_code_is_documented(repository: Path) -> None:
    text = (repository / "docs" / "reader-masks.md").read_text()
    for names in NAMES.values():
        for name in names:
            assert name in text
    for scheme, value in CODES:
        assert f"{value} ({scheme})" in text


def test_codes_in_old_and_new_spelling() -> None:
    assert region_of_code("SRT", "T-28000") == region_of_code("SCT", "39607008") == Region.LUNG
    assert region_of_code("SNM3", "M-01000") == Region.LESION
    assert region_of_code("SCT", "85756007") is None
    assert region_of_code("99LOCAL", "39607008") is None


def test_mapping_is_read_from_text() -> None:
    mapping = SegmentMapping.parse(("GGO (left)=non solid", "a=b=solid", "4=background"))
    assert mapping.regions == {
        "ggo left": Region.NON_SOLID, "a=b": Region.SOLID, "4": Region.BACKGROUND,
    }  # fmt: skip
    assert mapping.region_of(4, "anything") is Region.BACKGROUND
    assert mapping.region_of(9, "GGO-left") is Region.NON_SOLID
    assert mapping.region_of(9, "other") is None


@pytest.mark.parametrize("texts", [("GGO",), ("GGO=heart",), ("=lung",), ("a=lung", "A=solid")])
def test_mapping_that_is_not_understood(texts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="meaning of a segment"):
        SegmentMapping.parse(texts)


def test_fraction_out_of_range() -> None:
    with pytest.raises(ConfigurationError, match="fraction"):
        SegmentMapping(fraction=0)


# --- unclear files --------------------------------------------------------------------------------------


def written(scan: Scan, tmp_path: Path, layers: list[np.ndarray], segments: list[dict[str, str]]) -> Path:
    values = np.stack([np.asarray(layer, np.uint8) for layer in layers])
    return slicer_nrrd(tmp_path / "mask.seg.nrrd", values, scan.reference.geometry, segments)


def test_unknown_segments_are_refused_and_listed(axial: Scan, tmp_path: Path) -> None:
    fields = [segment_fields("lung", 1), segment_fields("Segment_2", 2), segment_fields("tissue", 3)]
    path = written(axial, tmp_path, [axial.labels.labels], fields)
    with pytest.raises(MaskMismatchError, match=r"'Segment_2' \(2\), 'tissue' \(3\)") as caught:
        read_mask(path, axial.reference)
    assert caught.value.reason == Misfit.SEGMENTS
    mask = read_mask(path, axial.reference, mapping=SegmentMapping.parse(("Segment 2=solid", "3=background")))
    np.testing.assert_array_equal(mask.label_map.solid, axial.labels.labels == 2)
    np.testing.assert_array_equal(mask.label_map.labels[axial.labels.labels == 3], Label.BACKGROUND)


def test_code_tells_a_segment_without_a_telling_name(axial: Scan, tmp_path: Path) -> None:
    fields = [segment_fields("Segment_1", 1, code="39607008"), segment_fields("x", 2, code="1217294009")]
    path = written(axial, tmp_path, [np.minimum(axial.labels.labels, 2)], fields)
    mask = read_mask(path, axial.reference)
    assert [segment.told_by for segment in mask.segments] == ["code", "code"]
    np.testing.assert_array_equal(mask.label_map.labels, np.minimum(axial.labels.labels, 2))


def test_kind_of_a_lesion_may_stand_in_its_name_alone(axial: Scan, tmp_path: Path) -> None:
    fields = [segment_fields("lung", 1), segment_fields("ground glass", 2, code="52988006"),
              segment_fields("consolidation", 3, code="52988006")]  # fmt: skip
    mask = read_mask(written(axial, tmp_path, [axial.labels.labels], fields), axial.reference)
    np.testing.assert_array_equal(mask.label_map.labels, axial.labels.labels)


def test_code_and_name_that_contradict_each_other(axial: Scan, tmp_path: Path) -> None:
    fields = [
        segment_fields("lung", 1),
        segment_fields("GGO", 2, code="39607008"),
        segment_fields("solid", 3),
    ]
    path = written(axial, tmp_path, [axial.labels.labels], fields)
    with pytest.raises(MaskMismatchError, match="lung by its code, non_solid by its name") as caught:
        read_mask(path, axial.reference)
    assert caught.value.reason == Misfit.AMBIGUOUS


def test_unknown_label_values_are_refused(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "mask.nii.gz"
    labels = np.where(axial.labels.solid, 7, axial.labels.labels).astype(np.uint8)
    any_values = LabelScheme(names=tuple(map(str, range(256))), colours=())
    write_label_map(LabelMap(labels, axial.reference.geometry, any_values), path)
    with pytest.raises(
        MaskMismatchError, match=r"expected 1 lung, 2 non_solid, 3 solid; found segment 7"
    ) as caught:
        read_mask(path, axial.reference)
    assert caught.value.reason == Misfit.SEGMENTS
    mask = read_mask(
        path, axial.reference, mapping=SegmentMapping.parse(("1=lung", "2=non_solid", "7=solid"))
    )
    np.testing.assert_array_equal(mask.label_map.labels, axial.labels.labels)


def test_mapping_of_one_value_takes_the_meaning_from_all_others(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "mask.nii.gz"
    write_label_map(axial.labels, path)
    assert "values-assumed" in {note.code for note in read_mask(path, axial.reference).notes}
    with pytest.raises(MaskMismatchError, match="values of the mapping; found segment 3"):
        read_mask(path, axial.reference, mapping=SegmentMapping.parse(("1=lung", "2=lesion")))


def test_single_value_may_be_lung_or_lesion(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "mask.nii.gz"
    lesion = axial.labels.lesion.astype(np.uint8)
    write_label_map(LabelMap(lesion, axial.reference.geometry), path)
    with pytest.raises(MaskMismatchError, match="lung as well as lesion") as caught:
        read_mask(path, axial.reference)
    assert caught.value.reason == Misfit.AMBIGUOUS
    with_model = ReferenceScan(axial.reference.geometry, axial.reference.series, axial.labels)
    with pytest.raises(MaskMismatchError, match="covers little of the lung"):
        read_mask(path, with_model)
    mask = read_mask(path, with_model, mapping=SegmentMapping.parse(("1=lesion",)))
    assert mask.lung_from is LungSource.MODEL
    assert not mask.solid_told
    np.testing.assert_array_equal(mask.label_map.lesion, axial.labels.lesion)
    np.testing.assert_array_equal(mask.label_map.lung, axial.labels.lung)


def test_lung_that_is_nowhere_is_asked_for(axial: Scan, tmp_path: Path) -> None:
    fields = [segment_fields("GGO", 2), segment_fields("solid", 3)]
    labels = np.where(axial.labels.lesion, axial.labels.labels, 0)
    path = written(axial, tmp_path, [labels], fields)
    with pytest.raises(MaskMismatchError, match=r"holds no lung.*model's label map"):
        read_mask(path, axial.reference)
    mask = read_mask(path, ReferenceScan(axial.reference.geometry, None, axial.labels))
    assert mask.lung_from is LungSource.MODEL
    np.testing.assert_array_equal(mask.label_map.labels, axial.labels.labels)


def test_empty_mask_is_refused(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "mask.nii.gz"
    write_label_map(LabelMap(np.zeros_like(axial.labels.labels), axial.reference.geometry), path)
    with pytest.raises(MaskMismatchError, match="empty") as caught:
        read_mask(path, axial.reference)
    assert caught.value.reason == Misfit.EMPTY


# --- overlaps -------------------------------------------------------------------------------------------


def test_solid_lies_over_non_solid_over_lung_and_the_overlap_is_noted(axial: Scan, tmp_path: Path) -> None:
    labels = axial.labels.labels
    fields = [segment_fields("lung", 1, 0), segment_fields("GGO", 1, 1), segment_fields("solid", 1, 2)]
    path = written(axial, tmp_path, [labels > 0, labels >= 2, labels == 3], fields)
    mask = read_mask(path, axial.reference)
    np.testing.assert_array_equal(mask.label_map.labels, labels)
    notes = {note.code: note.text for note in mask.notes}
    assert f"{int((labels == 3).sum())} voxels are both" in notes["overlap"]


def test_whole_lesion_and_solid_give_the_non_solid_rest(axial: Scan, tmp_path: Path) -> None:
    labels = axial.labels.labels
    fields = [segment_fields("lung", 1), segment_fields("whole lesion", 1, 1), segment_fields("solid", 1, 2)]
    mask = read_mask(
        written(axial, tmp_path, [labels == 1, labels >= 2, labels == 3], fields), axial.reference
    )
    np.testing.assert_array_equal(mask.label_map.labels, labels)
    assert mask.solid_told


def test_solid_outside_the_whole_lesion_is_noted(axial: Scan, tmp_path: Path) -> None:
    labels = axial.labels.labels
    fields = [segment_fields("lung", 1), segment_fields("lesion", 1, 1), segment_fields("solid", 1, 2)]
    mask = read_mask(
        written(axial, tmp_path, [labels == 1, labels == 2, labels == 3], fields), axial.reference
    )
    np.testing.assert_array_equal(mask.label_map.labels, labels)
    assert "kind-outside-lesion" in {note.code for note in mask.notes}


def test_whole_lesion_beside_non_solid_does_not_tell_the_rest(axial: Scan, tmp_path: Path) -> None:
    labels = axial.labels.labels
    fields = [segment_fields("lung", 1), segment_fields("lesion", 1, 1), segment_fields("GGO", 1, 2)]
    path = written(axial, tmp_path, [labels == 1, labels >= 2, labels == 2], fields)
    with pytest.raises(MaskMismatchError, match="what the rest of the lesion is"):
        read_mask(path, axial.reference)


def test_lesion_alone_leaves_the_solid_component_unknown(axial: Scan, tmp_path: Path) -> None:
    labels = axial.labels.labels
    fields = [segment_fields("lung", 1), segment_fields("lesion", 2)]
    mask = read_mask(written(axial, tmp_path, [np.minimum(labels, 2)], fields), axial.reference)
    assert not mask.solid_told
    assert "solid-untold" in {note.code for note in mask.notes}


def test_lesion_erased_within_the_lung_is_lung_and_that_is_noted(axial: Scan, tmp_path: Path) -> None:
    erased = np.where(axial.labels.solid, 0, axial.labels.labels).astype(np.uint8)
    path = tmp_path / "mask.nii.gz"
    write_label_map(LabelMap(erased, axial.reference.geometry), path)
    scan = ReferenceScan(axial.reference.geometry, axial.reference.series, axial.labels)
    mask = read_mask(path, scan)
    erased_ml = axial.labels.solid.sum() * axial.reference.geometry.voxel_volume_ml
    notes = {note.code: note.text for note in mask.notes}
    assert f"{erased_ml:.2f} ml" in notes["lesion-erased"]
    assert np.array_equal(mask.label_map.lung, axial.labels.lung)
    assert not mask.label_map.solid.any()


def test_lesion_cut_off_with_the_lung_around_it_is_no_lung(axial: Scan, tmp_path: Path) -> None:
    around = ndimage.binary_dilation(axial.labels.solid, iterations=2)
    path = tmp_path / "mask.nii.gz"
    cut = np.where(around, 0, axial.labels.labels).astype(np.uint8)
    write_label_map(LabelMap(cut, axial.reference.geometry), path)
    lesion_only = np.where(axial.labels.solid, 3, np.minimum(axial.labels.labels, 1)).astype(np.uint8)
    model = LabelMap(lesion_only, axial.reference.geometry)
    mask = read_mask(path, ReferenceScan(axial.reference.geometry, axial.reference.series, model))
    assert np.array_equal(mask.label_map.labels, cut)
    assert "lesion-cut-off" in {note.code for note in mask.notes}


# --- fractional SEG -------------------------------------------------------------------------------------


def fractional(scan: Scan, path: Path, solid: np.ndarray) -> Path:
    lung = scan.labels.lung.astype(float)
    highdicom_seg(
        path, scan.headers(), np.stack([lung, solid], axis=-1), kind="FRACTIONAL", names=("Lung", "Solid"),
        fractional_type="PROBABILITY", max_fractional_value=200,
    )  # fmt: skip
    return path


def test_fractional_seg_of_whole_voxels_is_binary(axial: Scan, tmp_path: Path) -> None:
    path = fractional(axial, tmp_path / "seg.dcm", axial.labels.solid.astype(float))
    mask = read_mask(path, axial.reference)
    np.testing.assert_array_equal(mask.label_map.solid, axial.labels.solid)
    assert "fractional" in {note.code for note in mask.notes}


def test_fractional_seg_needs_a_threshold(axial: Scan, tmp_path: Path) -> None:
    parts = np.where(axial.labels.solid, 0.75, np.where(axial.labels.lesion, 0.25, 0.0))
    path = fractional(axial, tmp_path / "seg.dcm", parts)
    with pytest.raises(MaskMismatchError, match="partly inside"):
        read_mask(path, axial.reference)
    for fraction, expected in ((0.5, axial.labels.solid), (0.25, axial.labels.lesion)):
        mask = read_mask(path, axial.reference, mapping=SegmentMapping(fraction=fraction))
        np.testing.assert_array_equal(mask.label_map.solid, expected)


def test_old_snomed_codes_of_a_seg(axial: Scan, tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    dataset = highdicom_seg(path, axial.headers(), axial.labels.lung.astype(np.uint8), names=("Segment_1",))
    code = dataset.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0]
    old = Code("T-28000", "SRT", "Lung")
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = (
        old.value,
        old.scheme_designator,
        old.meaning,
    )
    dataset.save_as(path)
    mask = read_mask(path, axial.reference)
    np.testing.assert_array_equal(mask.label_map.lung, axial.labels.lung)
