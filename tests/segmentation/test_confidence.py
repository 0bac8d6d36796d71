"""From a network's run to its confidence; mirrored passes; ranges that belong to other weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lesionseg.segmentation import FigureRange, ModelBundle, NetworkSegmenter, ReferenceRanges
from lesionseg.segmentation.confidence import NO_RANGES, OTHER_WEIGHTS, SENSITIVITY
from lesionseg.segmentation.scan_figures import FIGURES
from lesionseg.volume import CTVolume, VolumeGeometry
from tests.segmentation.builders import ThresholdRuntime, simple_chest
from tests.segmentation.test_segmenter import body_only


@pytest.fixture(scope="module")
def volume() -> CTVolume:
    return body_only(simple_chest((4.0, 3.0, 3.0)))


class OneSided(ThresholdRuntime):
    """Calls the left half of the image's lung lesion, whatever lies there."""

    def __call__(self, window: np.ndarray) -> np.ndarray:
        logits = super().__call__(window)
        middle = window.shape[2] // 2
        logits[2, ..., middle:] = logits[1, ..., middle:] + 2
        return logits


def segmenter(bundle: ModelBundle, **changes: object) -> NetworkSegmenter:
    return replace(NetworkSegmenter(bundle, ThresholdRuntime(lung_below_hu=-420.0)), **changes)


def bundle_with_ranges(bundle: ModelBundle, weights_sha256: str, **changes: object) -> ModelBundle:
    ranges = ReferenceRanges(
        weights_sha256=weights_sha256,
        source="one chest",
        figures={"lung_hu": FigureRange(low=-700, high=-600)},
        margin_basis="stretched",
        **changes,
    )
    return replace(bundle, metadata=bundle.metadata.model_copy(update={"reference_ranges": ranges}))


def test_labels_are_the_same_with_and_without_confidence(tiny_bundle, volume):
    found = segmenter(tiny_bundle).segment_assessed(volume)
    assert found.label_map.labels.tobytes() == segmenter(tiny_bundle).segment(volume).labels.tobytes()
    assert found.confidence == segmenter(tiny_bundle).segment_assessed(volume).confidence


def test_every_figure_is_there_and_none_is_judged_without_ranges(tiny_bundle, volume):
    said = segmenter(tiny_bundle).segment_assessed(volume).confidence
    assert [figure.name for figure in said.figures] == list(FIGURES)
    values = {figure.name: figure.value for figure in said.figures}
    assert values["lung_hu"] == pytest.approx(-850, abs=5)
    assert values["tissue_hu"] == pytest.approx(40, abs=10)
    assert all(type(value) is float for value in values.values())
    assert (said.worst, said.ood_score, said.missing_reason) == (None, None, NO_RANGES)
    assert said.interval_basis == SENSITIVITY


def test_turning_the_scan_s_axes_changes_no_figure(tiny_bundle, volume):
    expected = segmenter(tiny_bundle).segment_assessed(volume).confidence
    affine = np.array(volume.geometry.affine)[:, [2, 0, 1, 3]]
    hu = np.ascontiguousarray(volume.hu.transpose(2, 0, 1))
    turned = CTVolume(hu, VolumeGeometry(hu.shape, affine))
    assert segmenter(tiny_bundle).segment_assessed(turned).confidence == expected


def test_ranges_of_the_bundle_judge_the_scan_and_stretch_the_interval(tiny_bundle, volume):
    plain = segmenter(tiny_bundle).segment_assessed(volume).confidence
    bundle = bundle_with_ranges(tiny_bundle, tiny_bundle.weights_sha256, lesion_margin_factor=3.0)
    said = segmenter(bundle).segment_assessed(volume).confidence
    assert said.worst.name == "lung_hu"
    assert said.ood_score == pytest.approx(200 / 80, abs=0.1)
    assert said.lesion.above_pct == pytest.approx(3 * plain.lesion.above_pct)
    assert said.solid == plain.solid
    assert (said.interval_basis, said.reference, said.missing_reason) == ("stretched", "one chest", "")


def test_ranges_of_other_weights_are_not_used(tiny_bundle, volume):
    said = segmenter(bundle_with_ranges(tiny_bundle, "0" * 64)).segment_assessed(volume).confidence
    assert (said.ood_score, said.missing_reason, said.interval_basis) == (None, OTHER_WEIGHTS, SENSITIVITY)


def test_a_scan_without_lung_has_no_confidence(tiny_bundle):
    shape = (10, 60, 60)
    empty = CTVolume(np.full(shape, 40, np.int16), VolumeGeometry.from_axes(shape, (5.0, 3.0, 3.0)))
    assert segmenter(tiny_bundle).segment_assessed(empty).confidence is None


def test_the_mirrored_pass_evens_out_a_one_sided_network_and_widens_the_interval(tiny_bundle):
    shape = (40, 80, 112)  # symmetric to the voxel, in one window
    hu = np.full(shape, 40.0, np.float32)
    hu[8:32, 20:60, 12:44] = hu[8:32, 20:60, 68:100] = -850
    volume = CTVolume(hu, VolumeGeometry.from_axes(shape, (4.0, 3.0, 3.0)))
    runtime = OneSided(lung_below_hu=-420.0)
    window = tiny_bundle.metadata.window.model_copy(update={"shape": (40, 128, 128)})
    bundle = replace(tiny_bundle, metadata=tiny_bundle.metadata.model_copy(update={"window": window}))
    once, twice = (
        segmenter(bundle, network_runtime=runtime, flips=flips).segment_assessed(volume)
        for flips in (False, True)
    )
    mirrored = twice.label_map.labels[:, :, ::-1]
    assert np.array_equal(twice.label_map.labels > 0, mirrored > 0)
    assert np.array_equal(twice.label_map.labels, mirrored)
    assert not np.array_equal(once.label_map.labels, once.label_map.labels[:, :, ::-1])


def test_flips_run_twice_and_report_progress_once(tiny_bundle, volume):
    reports: list[tuple[int, int]] = []
    runtime = ThresholdRuntime(lung_below_hu=-420.0)
    segmenter(tiny_bundle, network_runtime=runtime, flips=True).segment(
        volume, progress=lambda done, total: reports.append((done, total))
    )
    total = reports[0][1]
    assert runtime.calls == total
    assert reports == [(done, total) for done in range(total + 1)]
