from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionseg.core.errors import BundleError
from lesionseg.phantoms import ChestPhantom
from lesionseg.segmentation import (
    ModelBundle,
    NetworkSegmenter,
    Segmenter,
    available_runtimes,
    list_bundles,
    load_bundle,
    open_segmenter,
)
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry
from tests.segmentation.builders import SimpleChest, ThresholdRuntime, simple_chest

needs_openvino = pytest.mark.skipif(
    "openvino" not in available_runtimes(), reason="openvino is not installed"
)


@pytest.fixture(scope="module")
def simple() -> SimpleChest:
    return simple_chest((4.0, 2.0, 2.0))


def threshold_segmenter(bundle: ModelBundle) -> NetworkSegmenter:
    return NetworkSegmenter(bundle, ThresholdRuntime(lung_below_hu=-420.0))


def body_only(chest: SimpleChest) -> CTVolume:
    """The chest with soft tissue in place of the air around it, which a threshold would take for lung."""
    inside = np.cumsum(chest.hu > -500, axis=2).astype(bool) & np.cumsum(chest.hu[:, :, ::-1] > -500, axis=2)[
        :, :, ::-1
    ].astype(bool)
    hu = np.where(inside, chest.hu, 0).astype(np.float32)
    return CTVolume(hu, VolumeGeometry.from_axes(hu.shape, chest.spacing_mm), "body")


def test_whole_way_finds_the_lungs_without_the_windpipe(
    tiny_bundle: ModelBundle, simple: SimpleChest
) -> None:
    volume = body_only(simple)
    result = threshold_segmenter(tiny_bundle).segment(volume)
    overlap = 2 * np.count_nonzero(result.lung & simple.lung) / (result.lung.sum() + simple.lung.sum())
    assert overlap > 0.98
    assert np.count_nonzero(result.lung & simple.airways) < 0.15 * simple.airways.sum()
    assert result.geometry is volume.geometry


@pytest.mark.parametrize(
    ("axes", "flips"), [((0, 1, 2), (0,)), ((0, 1, 2), (0, 1, 2)), ((2, 0, 1), (1,)), ((1, 2, 0), ())]
)
def test_axis_order_of_the_scan_does_not_change_a_voxel(
    tiny_bundle: ModelBundle, simple: SimpleChest, axes: tuple[int, int, int], flips: tuple[int, ...]
) -> None:
    volume = body_only(simple)
    expected = threshold_segmenter(tiny_bundle).segment(volume).labels
    affine = np.array(volume.geometry.affine)
    shape = volume.hu.shape
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
        affine[:3, axis] *= -1
    affine[:3, :3] = affine[:3, list(axes)]
    hu = np.ascontiguousarray(np.flip(volume.hu, flips).transpose(axes))
    turned = CTVolume(hu, VolumeGeometry(hu.shape, affine))
    found = threshold_segmenter(tiny_bundle).segment(turned)
    assert np.array_equal(found.labels, np.flip(expected, flips).transpose(axes))
    assert found.labels.flags.c_contiguous


@pytest.mark.parametrize("runtime", available_runtimes())
def test_same_scan_gives_the_same_bytes(tiny_bundle: ModelBundle, chest: ChestPhantom, runtime: str) -> None:
    results = [
        open_segmenter(tiny_bundle, runtime=runtime, device="cpu", threads=1).segment(chest.volume).labels
        for _ in range(2)
    ]
    assert results[0].any()
    assert results[0].tobytes() == results[1].tobytes()


@needs_openvino
def test_runtimes_agree_on_the_labels(tiny_bundle: ModelBundle, chest: ChestPhantom) -> None:
    how: dict[str, Any] = {"device": "cpu", "threads": 1, "deterministic": True}  # its logits nearly tie
    first, second = (
        open_segmenter(tiny_bundle, runtime=runtime, **how).segment(chest.volume).labels
        for runtime in ("torch", "openvino")
    )
    assert len(np.unique(first)) > 1
    lung = chest.labels.lung
    assert np.mean(first[lung] == second[lung]) >= 0.999
    assert np.mean(first == second) >= 0.999


def test_segmenter_says_what_it_is(tiny_bundle: ModelBundle) -> None:
    segmenter = open_segmenter(tiny_bundle.folder, runtime="torch", device="cpu")
    assert isinstance(segmenter, Segmenter)
    assert segmenter.bundle_name == "tiny 1"
    assert segmenter.runtime.startswith("torch ")
    assert segmenter.device == "cpu"


def test_progress_runs_to_the_end(tiny_bundle: ModelBundle, simple: SimpleChest) -> None:
    reports: list[tuple[int, int]] = []
    segmenter = threshold_segmenter(tiny_bundle)
    segmenter.segment(simple.volume, progress=lambda done, total: reports.append((done, total)))
    total = reports[0][1]
    assert total > 1
    assert [done for done, _ in reports] == list(range(total + 1))


@pytest.mark.parametrize("hu", [-1000, 0], ids=["air", "soft tissue"])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 40, 40), (12, 5, 70)])
def test_scan_of_any_size_without_a_chest_gives_a_label_map(
    tiny_bundle: ModelBundle, shape: tuple[int, int, int], hu: int
) -> None:
    volume = CTVolume(np.full(shape, hu, np.int16), VolumeGeometry.from_axes(shape, (2.0, 1.0, 1.0)))
    result = open_segmenter(tiny_bundle, runtime="torch", device="cpu").segment(volume)
    assert isinstance(result, LabelMap)
    assert result.labels.shape == shape


def test_scan_without_lung_gives_zeros(tiny_bundle: ModelBundle) -> None:
    shape = (10, 60, 60)
    volume = CTVolume(np.full(shape, 40, np.int16), VolumeGeometry.from_axes(shape, (5.0, 3.0, 3.0)))
    assert not threshold_segmenter(tiny_bundle).segment(volume).labels.any()


@pytest.fixture(scope="module")
def shipped_bundle() -> ModelBundle:
    try:
        if not list_bundles():
            pytest.skip("no bundle is shipped")
        return load_bundle()
    except BundleError as error:
        if error.problem.startswith("there is no"):
            pytest.skip(str(error))
        raise


@pytest.mark.slow
@needs_openvino
def test_shipped_weights_give_the_same_labels_in_both_runtimes(
    shipped_bundle: ModelBundle, chest: ChestPhantom
) -> None:
    first, second = (
        open_segmenter(shipped_bundle, runtime=runtime, device="cpu").segment(chest.volume).labels
        for runtime in ("torch", "openvino")
    )
    lung = (first > 0) | (second > 0)
    assert lung.any()
    assert np.mean(first[lung] == second[lung]) >= 0.999


@pytest.mark.slow
@pytest.mark.real_data
@needs_openvino
def test_shipped_weights_give_the_same_labels_on_a_real_scan(
    shipped_bundle: ModelBundle, real_data: Path
) -> None:
    import SimpleITK as sitk

    image = sitk.ReadImage(str(real_data / "ct-1p5mm" / "normal001_ct.nii.gz"))
    hu = sitk.GetArrayFromImage(image)[20:100].astype(np.int16)
    volume = CTVolume(hu, VolumeGeometry.from_axes(hu.shape, image.GetSpacing()[::-1]))
    first, second = (
        open_segmenter(shipped_bundle, runtime=runtime, device="cpu").segment(volume).labels
        for runtime in ("torch", "openvino")
    )
    lung = (first > 0) | (second > 0)
    assert lung.any()
    assert np.mean(first[lung] == second[lung]) >= 0.999
