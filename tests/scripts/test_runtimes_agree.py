"""The comparison of runtimes: counted inside the lungs alone, and able to fail."""

import numpy as np
import pytest

from lesionseg.segmentation import available_runtimes, open_segmenter
from lesionseg.volume import LabelMap, VolumeGeometry
from lesionseg.workflow.loading import load_volume
from scripts.runtimes_agree import (
    LEAST_EQUAL_PCT,
    OPENVINO,
    TORCH,
    agree_on,
    compare,
    find_scans,
    main,
    passed,
    table,
)

SHAPE = (10, 20, 20)


def label_map(lung: int = 2000, lesion: int = 0, solid: int = 0) -> LabelMap:
    """As many voxels of each region, the first ones of the array."""
    labels = np.zeros(np.prod(SHAPE), np.uint8)
    labels[:lung], labels[:lesion], labels[:solid] = 1, 2, 3
    return LabelMap(labels.reshape(SHAPE), VolumeGeometry.from_axes(SHAPE, (1.0, 1.0, 1.0)))


def test_equal_label_maps_agree():
    one = compare("scan", label_map(lesion=300, solid=100), label_map(lesion=300, solid=100))
    assert (one.lung_voxels, one.equal_pct, one.difference_points) == (2000, 100.0, 0.0)
    assert one.lesion_pct == (15.0, 15.0)
    assert one.holds


def test_background_does_not_dilute_what_differs_inside_the_lungs():
    one = compare("scan", label_map(lesion=4), label_map(lesion=0))
    assert one.equal_pct == pytest.approx(99.8)
    assert one.equal_pct < LEAST_EQUAL_PCT
    assert not one.holds


def test_lung_that_one_runtime_alone_finds_counts_as_different():
    one = compare("scan", label_map(lung=2000), label_map(lung=1000))
    assert one.equal_pct == pytest.approx(50.0)
    assert not compare("scan", label_map(lung=2000), label_map(lung=0)).holds


def test_a_proportion_can_fail_where_labels_hold():
    one = compare("scan", label_map(lung=4000, lesion=0), label_map(lung=3997, lesion=3))
    assert not one.holds
    solid = compare("scan", label_map(4000, 2000, 0), label_map(4000, 2000, 3))
    assert solid.equal_pct == pytest.approx(99.925)
    assert solid.holds
    assert solid.difference_points == pytest.approx(0.075)


def test_no_lung_in_either_is_not_judged_and_is_no_proof():
    nothing = compare("scan", label_map(lung=0), label_map(lung=0))
    assert nothing.holds
    assert not passed([nothing])
    assert passed([nothing, compare("other", label_map(), label_map())])
    assert "| no lung |" in table([nothing])


def test_every_kind_of_scan_is_found_and_no_mask(tmp_path):
    for name in ("ct/P1", "dicom-traps/cip-ct64-series/ct-64Dicom", "dicom-traps/d2n-failing", "ct-1p5mm"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("ct/P1_slice_labels.csv", "ct-1p5mm/a_ct.nii.gz", "ct-1p5mm/a_lung.nii.gz"):
        (tmp_path / name).touch()
    assert list(find_scans(tmp_path)) == ["P1", "a", "ct-64Dicom"]


def test_a_folder_without_scans_is_a_failure(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["runtimes_agree.py", "--data", str(tmp_path)])
    assert main() == 1
    assert "any scan" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.real_data
def test_both_runtimes_agree_on_a_real_scan(real_data):
    if OPENVINO not in available_runtimes():
        pytest.skip("openvino is not installed")
    name = "ct-64Dicom"
    path = find_scans(real_data)[name]
    segmenters = {runtime: open_segmenter(device="cpu", runtime=runtime) for runtime in (TORCH, OPENVINO)}
    one = agree_on(name, path, segmenters)
    assert one.lung_voxels > 0.01 * load_volume(path).hu.size
    assert one.holds, table([one])
