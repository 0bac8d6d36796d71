"""The installed command as a user runs it, with a real bundle whose network is a table of HU thresholds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lesionseg.volume.files import read_label_map, write_volume
from tests.workflow.builders import RuleSegmenter, filled_chest, threshold_bundle


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    threshold_bundle(folder / "threshold")
    return folder


def lesionseg(models: Path, *words: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LESIONSEG_MODELS": str(models), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "lesionseg", *map(str, words)],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip


def test_bundle_named_by_the_environment_is_found_run_and_recorded(models: Path, tmp_path: Path) -> None:
    volume = filled_chest()
    write_volume(volume, tmp_path / "scan.nii.gz")
    done = lesionseg(models, "segment", tmp_path / "scan.nii.gz", "-o", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert answer["model"]["bundle"] == "threshold 1"
    assert len(answer["model"]["bundle_sha256"]) == 64
    labels = read_label_map(tmp_path / "out" / "labels.nii.gz")
    assert (labels.labels == RuleSegmenter().segment(volume).labels).all()
    truth_ml = labels.lesion.sum() * volume.geometry.voxel_volume_ml
    assert answer["measurements"]["lesion_ml"] == pytest.approx(truth_ml)


def test_altered_weights_are_refused(models: Path, tmp_path: Path) -> None:
    write_volume(filled_chest(), tmp_path / "scan.nii.gz")
    bundle = tmp_path / "altered"
    bundle.mkdir()
    for path in (models / "threshold").iterdir():
        (bundle / path.name).write_bytes(path.read_bytes())
    weights = bundle / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    done = lesionseg(
        models, "segment", tmp_path / "scan.nii.gz", "-o", tmp_path / "out", "--model", bundle, "--json"
    )
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "bundle"
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_doctor_fails_where_the_network_misses_the_lung_of_its_phantom(models: Path) -> None:
    done = lesionseg(models, "doctor", "--json")
    findings = json.loads(done.stdout)["findings"]
    by_kind = {
        kind: [entry["text"] for entry in findings if entry["kind"] == kind] for kind in ("good", "bad")
    }
    assert any("threshold 1 verified" in text for text in by_kind["good"])
    assert any(text.startswith("volumetry: lung") for text in by_kind["good"])
    assert any(
        text.startswith("network: lung") for text in by_kind["bad"]
    )  # thresholds take room air for lung
    assert done.returncode == 1
