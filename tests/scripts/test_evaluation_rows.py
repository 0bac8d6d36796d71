"""Each row of the evaluation on small arrays, with a tiny network where one is needed."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lesionseg.core.errors import ConfigurationError, InputError, InputNotFoundError
from lesionseg.segmentation import TrainingSource
from lesionseg.training.evaluation import SyntheticCase
from lesionseg.training.pictures.outlined import OutlinedPicture
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry
from scripts.evaluation import (
    baselines,
    clear_lungs,
    contours,
    expert_slices,
    overlays,
    repeatability,
    slice_labels,
    synthetic,
)
from scripts.evaluation.figures import REAL, Figure
from scripts.evaluation.inputs import Inputs
from scripts.evaluation.methods import Bench
from scripts.evaluation.scores import Overlap
from tests.segmentation.builders import tiny_metadata
from tests.segmentation.conftest import write_tiny_bundle

GEOMETRY = VolumeGeometry.from_axes((8, 20, 30), (2.0, 2.0, 2.0), (-29.0, -19.0, -7.0))


def two_lungs():
    """Right lung at low columns, left lung at high ones."""
    labels = np.zeros(GEOMETRY.shape, np.uint8)
    labels[:, 4:16, 3:13] = 1
    labels[:, 4:16, 17:27] = 1
    return labels


def scan(labels=None, name="scan"):
    labels = two_lungs() if labels is None else labels
    hu = np.where(labels > 0, -850, 40).astype(np.int16)
    return CTVolume(hu, GEOMETRY, name)


class Fixed:
    """A segmenter that knows the answer, and counts how often it is asked."""

    def __init__(self, labels):
        self.labels, self.calls = labels, 0

    def segment(self, volume):
        self.calls += 1
        return LabelMap(self.labels, volume.geometry)


# --- the bench ------------------------------------------------------------------------------------------


def test_a_scan_is_segmented_once_until_the_next_one_comes():
    fixed = Fixed(two_lungs())
    bench = Bench({"default": fixed}, ("default",))
    for name, calls in (("a", 1), ("a", 1), ("b", 2), ("a", 3)):
        list(bench.label_maps(scan(name=name)))
        assert fixed.calls == calls


def test_a_scan_to_keep_outlives_the_next_one():
    fixed = Fixed(two_lungs())
    bench = Bench({"default": fixed}, ("default",))
    list(bench.label_maps(scan(name="a"), keep=True))
    list(bench.label_maps(scan(name="b")))
    list(bench.label_maps(scan(name="a")))
    assert fixed.calls == 2


@pytest.mark.parametrize("chosen", [("guess",), ("research",)])
def test_a_method_that_cannot_run_is_refused(chosen):
    with pytest.raises(ConfigurationError, match=chosen[0]):
        Bench({"default": Fixed(two_lungs())}, chosen)


def test_classical_methods_get_the_lungs_of_the_network_and_run_it_once():
    fixed = Fixed(two_lungs())
    bench = Bench({"default": fixed}, ("threshold", "mixture"))
    labels = two_lungs()
    labels[2:6, 6:13, 4:11] = 2
    hu = np.choose(labels, [40, -850, -500]).astype(np.int16)
    coarse = VolumeGeometry.from_axes(GEOMETRY.shape, (5.0, 5.0, 5.0))
    found = dict(bench.label_maps(CTVolume(hu, coarse, "scan")))
    assert fixed.calls == 1
    for method, label_map in found.items():
        assert np.array_equal(label_map.lung, two_lungs() > 0), method
        assert Overlap.of(label_map.lesion, labels == 2).dice > 0.8, method


@pytest.mark.parametrize("method", ["threshold", "mixture"])
def test_classical_methods_label_pictures_within_their_lungs(method):
    lung = np.zeros((60, 80), bool)
    lung[10:50, 8:36] = lung[10:50, 44:72] = True
    truth = np.zeros_like(lung)
    truth[20:40, 10:30] = True
    grey = np.where(truth, 120, np.where(lung, 40, 200)).astype(np.uint8)
    labels = baselines.label_picture(method, grey, lung)
    assert np.array_equal(labels > 0, lung)
    assert Overlap.of(labels >= 2, truth).dice > 0.8


# --- row 1 ----------------------------------------------------------------------------------------------


def test_scores_look_at_the_judged_part_alone():
    truth, found = two_lungs(), two_lungs()
    truth[:2, 4:16, 3:13] = 2
    found[:1, 4:16, 3:13] = 2
    found[:, 4:16, 17:27] = 3
    judged = np.zeros(GEOMETRY.shape, bool)
    judged[:, :, :15] = True
    case = SyntheticCase(scan(), LabelMap(truth, GEOMETRY), judged)
    scores = synthetic.scores_of(case, LabelMap(found, GEOMETRY))
    assert scores["Dice lung"] == 1.0
    assert scores["Dice lesion"] == pytest.approx(2 / 3)
    assert "Dice solid" not in scores
    assert scores[synthetic.LESION_ERROR] == pytest.approx(12.5 - 25.0)
    assert scores[synthetic.SOLID_ERROR] == 0.0
    assert "Dice lung" not in synthetic.scores_of(case, LabelMap(found, GEOMETRY), lung=False)


def test_the_half_of_a_scan_nearest_to_a_lung_is_judged():
    wanted, other = np.zeros((1, 1, 11), bool), np.zeros((1, 1, 11), bool)
    wanted[..., 0], other[..., 10] = True, True
    assert synthetic.nearest_to(wanted, other, (1.0, 1.0, 1.0))[0, 0].tolist() == [True] * 6 + [False] * 5


# --- rows 2 and 3 ---------------------------------------------------------------------------------------


def test_tumour_and_untrusted_slices_do_not_count():
    contour = two_lungs() > 0
    lung, tumour = contour.copy(), np.zeros_like(contour)
    lung[3], lung[:, :8], tumour[:, :8] = False, False, True
    assert contours.contour_dice(lung, contour, tumour, (3,)) == 1.0
    assert contours.contour_dice(lung, contour, tumour) < 1.0


def test_disease_in_its_box_is_no_false_finding():
    lung = two_lungs() > 0
    lesion = np.zeros_like(lung)
    lesion[:4, 4:16, 3:13] = True
    assert clear_lungs.false_share_pct(lesion, lung) == pytest.approx(25.0)
    assert clear_lungs.false_share_pct(lesion, lung, ((0.0, 1.0), (0.0, 1.0), (0.0, 0.5))) == 0.0


def test_the_note_says_whether_a_bundle_was_trained_on_the_scan():
    source = TrainingSource(name="NSCLC-Radiogenomics R01-001", license="CC BY 3.0")
    metadata = tiny_metadata(training_data=(source,))
    notes = [clear_lungs.trained_note(metadata, one) for one in clear_lungs.SCANS[:2]]
    assert notes == ["not trained on", "trained on"]


# --- row 4 ----------------------------------------------------------------------------------------------


def lobe_labels(**lobes):
    marked = {lobe: np.zeros(8, bool) for lobe in slice_labels.LOBES}
    for lobe, slices in lobes.items():
        marked[lobe][slices] = True
    return slice_labels.LobeLabels(np.any(list(marked.values()), axis=0), marked)


def test_lesions_are_counted_for_each_lung_and_slice():
    labels = two_lungs()
    labels[2, 4:10, 3:6] = 2
    labels[5, 4:6, 20:22] = 3
    cells = slice_labels.cells_of(scan(), LabelMap(labels, GEOMETRY))
    assert cells.lesion["right"].tolist() == [0, 0, 18, 0, 0, 0, 0, 0]
    assert cells.lesion["left"].tolist() == [0, 0, 0, 0, 0, 4, 0, 0]
    assert cells.lung["left"].tolist() == [120] * 8
    assert not cells.found("left").any()
    assert cells.found("right")[2]


def test_a_lesion_on_the_wrong_side_is_not_agreement():
    labels = two_lungs()
    labels[2:4, 4:16, 17:20] = 2
    cells = slice_labels.cells_of(scan(), LabelMap(labels, GEOMETRY))
    scores = {measure: value for measure, value, _, _ in slice_labels.scores(cells, lobe_labels(RLL=[2, 3]))}
    assert scores["area under ROC, slices"] == 1.0
    assert scores["sensitivity, right lung, % of labelled slices"] == 0.0
    assert scores["specificity, left lung, % of other slices"] == pytest.approx(75.0)
    assert scores["lesion on unlabelled slices, left lung, % of lung there"] == pytest.approx(7.5)
    assert scores["lesion on unlabelled slices, right lung, % of lung there"] == 0.0
    assert "area under ROC, left lung" not in scores


def test_labels_are_matched_by_height_and_a_slice_without_one_is_refused(tmp_path):
    path = tmp_path / "labels.csv"
    heights = [7 - 2 * index for index in range(8)]
    lines = [f"{z:.1f},x.dcm,{int(z > 0)},0,0,{int(z > 0)},0,0" for z in heights]
    path.write_text("\n".join(["z_mm,file,lesion,LLL,LUL,RLL,RML,RUL", *lines]))
    labels = slice_labels.read_labels(path, scan())
    assert labels.diseased.tolist() == [False] * 4 + [True] * 4
    assert labels.side("right").tolist() == labels.diseased.tolist()
    assert not labels.side("left").any()
    path.write_text("\n".join(["z_mm,file,lesion,LLL,LUL,RLL,RML,RUL", *lines[1:]]))
    with pytest.raises(InputError, match="first at 7"):
        slice_labels.read_labels(path, scan())


# --- rows 5 and 6 ---------------------------------------------------------------------------------------


def picture(name, labels):
    grey = torch.from_numpy(np.random.default_rng(0).integers(0, 255, labels.shape).astype(np.uint8))
    return OutlinedPicture(name, grey, torch.from_numpy(labels))


def test_slices_are_scored_for_each_class_and_rule():
    first, second = np.full((4, 4), 254, np.uint8), np.full((4, 4), 254, np.uint8)
    first[0], first[1] = 2, 3
    answers = {"a": np.where(first == 254, 1, 2), "b": np.ones((4, 4))}
    found = list(
        expert_slices.figures(
            5, "default", [picture("a", first), picture("b", second)], lambda one: answers[one.name]
        )
    )
    values = {(one.measure, one.case): one.value for one in found}
    assert values["Dice lesion", "a"] == 1.0
    assert ("Dice lesion", "b") not in values
    assert values["Dice ground glass", "a"] == pytest.approx(2 * 4 / (8 + 4))
    assert values["Dice consolidation, mean, both empty left out", ""] == 0.0
    assert values["Dice consolidation, mean, both empty counts 1", ""] == 0.5
    assert values["Dice lesion, all pixels together", ""] == 1.0


def test_outline_of_the_readers_is_split_where_the_density_crosses_the_boundary():
    hu = np.full((60, 80), 40.0)
    hu[10:50, 10:70] = -860.0
    hu[20:26, 60:66] = -1000.0
    hu[20:30, 15:35], hu[30:40, 15:35] = -600.0, -150.0
    labels = np.full(hu.shape, 254, np.uint8)
    labels[20:40, 15:35] = 2
    grey = torch.from_numpy(np.clip((hu + 1100) * 255 / 1200, 0, 255).round().astype(np.uint8))
    split = expert_slices.split_by_density(OutlinedPicture("a", grey, torch.from_numpy(labels)))
    assert set(np.unique(split[labels == 254])) == {0}
    assert (split[20:29, 16:34] == 2).all()
    assert (split[31:40, 16:34] == 3).all()


def test_every_slice_must_be_left_out_by_one_fold(tmp_path):
    path = tmp_path / "folds.json"
    for assignment in ({"a": ["x"], "b": ["x", "y"]}, {"a": ["x"]}, {"a": ["x", "y", "z"]}):
        path.write_text(json.dumps(assignment))
        with pytest.raises(InputError, match="exactly once"):
            expert_slices.read_assignment(path, ["x", "y"])
    path.write_text(json.dumps({"a": ["y"], "b": ["x"]}))
    assert expert_slices.read_assignment(path, ["x", "y"]) == {"a": ["y"], "b": ["x"]}


def test_folds_label_the_slices_they_left_out(tmp_path):
    from skimage.io import imsave

    folder = tmp_path / "data" / "covid-slices-2d" / "train"
    for kind in ("img", "gt"):
        (folder / kind).mkdir(parents=True)
    rng = np.random.default_rng(1)
    for name in ("x", "y"):
        imsave(
            folder / "img" / f"{name}.png",
            rng.integers(0, 255, (24, 32)).astype(np.uint8),
            check_contrast=False,
        )
        imsave(
            folder / "gt" / f"{name}.png", rng.integers(0, 3, (24, 32)).astype(np.uint8), check_contrast=False
        )
    for fold in ("fold-0", "fold-1"):
        write_tiny_bundle(tmp_path / "folds" / fold)
    (tmp_path / "folds" / "folds.json").write_text(json.dumps({"fold-0": ["x"], "fold-1": ["y"]}))
    inputs = Inputs(tmp_path / "data", folds=tmp_path / "folds")
    found = list(expert_slices.cross_validated(SimpleNamespace(), inputs))
    assert {one.case for one in found} == {"", "x", "y"}
    assert {one.row for one in found} == {6}
    assert found[0].source.count("tiny 1") == 2


# --- rows 7 and 8, missing data -------------------------------------------------------------------------


def test_twelve_levels_are_spread_over_the_lung():
    lung = np.zeros((60, 2, 2), bool)
    lung[10:50] = True
    levels = overlays.levels(lung)
    assert len(levels) == 12
    assert levels[0] > 10
    assert levels[-1] < 49
    assert overlays.levels(np.zeros((3, 2, 2), bool))


def test_overlays_are_drawn_for_each_level(tmp_path):
    overlays.draw_overlays(scan(), LabelMap(two_lungs(), GEOMETRY), tmp_path, "default")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"default-{index:03d}.png" for index in overlays.levels(two_lungs() > 0)]


def test_reslicing_keeps_the_extent_and_the_place():
    volume = scan()
    resliced = repeatability.resliced(volume, 4.0)
    assert resliced.hu.shape == (4, 20, 30)
    assert resliced.geometry.spacing_mm == pytest.approx((4.0, 2.0, 2.0))
    lower_face = [one.geometry.index_to_lps((-0.5, 0, 0))[2] for one in (volume, resliced)]
    assert lower_face[0] == pytest.approx(lower_face[1])


def test_alterations_keep_the_air_and_come_back_where_they_say_so():
    labels = two_lungs()
    labels[2:5, 6:12, 5:11] = 2
    hu = np.choose(labels, [40, -850, -500, 0]).astype(np.int16)
    air_ml = {}
    for name, altered in repeatability.alterations(CTVolume(hu, GEOMETRY, "scan")):
        inner = altered.volume.hu[:, 2:18, 2:28].astype(float)
        air_ml[name] = (40 - inner).sum() * altered.volume.geometry.voxel_volume_ml
        assert altered.volume.name != "scan"
        if altered.undo is not None:
            found = np.abs(altered.volume.hu + 500) < 100
            assert np.array_equal(altered.undo(found), labels == 2), name
    original_ml = (40 - hu[:, 2:18, 2:28].astype(float)).sum() * GEOMETRY.voxel_volume_ml
    assert len(air_ml) == 8
    assert list(air_ml.values()) == pytest.approx([original_ml] * 8, rel=0.03)


def test_the_spread_is_that_of_a_sample():
    found = [
        Figure(8, REAL, "default", "P001", "lesion proportion, %", value, case=str(value)) for value in (1, 3)
    ]
    mean, deviation = repeatability.spread(found)
    assert (mean.value, mean.count) == (2.0, 2)
    assert deviation.value == pytest.approx(2**0.5)


def test_data_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputNotFoundError, match="normal001_ct"):
        Inputs(tmp_path).scan("normal001")
