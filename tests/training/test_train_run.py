from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lesionseg.core.errors import ConfigurationError, LesionSegError, OutputExistsError, UnreadableFileError
from lesionseg.segmentation import load_bundle
from lesionseg.training.checkpoint import done_in
from lesionseg.training.config_file import read_config
from lesionseg.training.rehearsal import rehearse
from lesionseg.training.run import RunOptions, TrainingResult, run_training
from lesionseg.training.sampling import SyntheticBatches
from lesionseg.workflow.selftest import SelfTest, SelfTestLine
from tests.training.tiny_run import tiny_content, write_config

CPU = RunOptions(device="cpu")


@pytest.fixture
def content(tmp_path: Path) -> dict[str, Any]:
    return tiny_content(tmp_path)


@pytest.fixture(autouse=True)
def quick_self_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the phantom, which takes longer than all the rest."""
    lines = (SelfTestLine("lung", 100.0, 50.0, 10.0),)
    if "slow" not in request.keywords:
        monkeypatch.setattr("lesionseg.training.finish.network_self_test", lambda _: SelfTest(lines, 0.0))


def run(tmp_path: Path, content: dict[str, Any], options: RunOptions = CPU, **more: Any) -> TrainingResult:
    config = read_config(write_config(tmp_path, content), data_root=tmp_path / "data")
    return run_training(config, options, **more)


def elsewhere(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    return {**content, "run_folder": str(folder / "run"), "output": str(folder / "tiny")}


def logged_steps(folder: Path) -> list[int]:
    with (folder / "log.csv").open() as stream:
        return [int(row["step"]) for row in csv.DictReader(stream)]


def break_at(monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    original = SyntheticBatches.__getitem__

    def fail_late(self, index):
        if self.first + index >= batch:
            raise RuntimeError("power cut")
        return original(self, index)

    monkeypatch.setattr(SyntheticBatches, "__getitem__", fail_late)


def test_run_ends_with_a_verified_bundle_that_says_what_it_has_seen(tmp_path, content):
    rows, told = [], []
    result = run(
        tmp_path,
        content,
        on_row=rows.append,
        progress=lambda stage, done, total: told.append((stage, done, total)),
    )
    bundle = load_bundle(tmp_path / "tiny")
    assert bundle.sha256 == result.bundle.sha256
    assert [source.name for source in bundle.metadata.training_data] == ["Clear block", "Blocks"]
    assert bundle.metadata.training["chests"] == {"annotated": 2, "scan": 1}
    assert bundle.metadata.training["steps"] == result.steps == 6
    assert "| Blocks | own | lesions outlined |" in bundle.model_card
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert told[-1] == ("train", 6, 6)
    assert ("prepare", 3, 3) in told
    assert logged_steps(tmp_path / "run" / "stage-01") == [1, 2, 3, 4]
    assert json.loads((tmp_path / "run" / "result.json").read_text())["sha256"] == bundle.sha256


def test_bundle_names_no_file_of_the_data(tmp_path, content):
    result = run(tmp_path, content)
    told = result.bundle.metadata.model_dump_json() + result.bundle.model_card
    assert all(name not in told for name in ("ct_001", "clear.nii", "Dataset001", str(tmp_path)))


def test_poor_result_on_the_phantom_is_said(tmp_path, content):
    result = run(tmp_path, content)
    assert any("misses the lungs" in note for note in result.notes)


@pytest.mark.parametrize("batch", [3, 5])
def test_broken_run_goes_on_to_the_same_weights_in_either_stage(tmp_path, content, monkeypatch, batch):
    whole = run(tmp_path, elsewhere(content, tmp_path / "whole"))
    with monkeypatch.context() as patched:
        break_at(patched, batch)
        with pytest.raises(RuntimeError, match="power cut"):
            run(tmp_path, content)
    resumed = run(tmp_path, content)
    assert resumed.bundle.weights_sha256 == whole.bundle.weights_sha256
    assert logged_steps(tmp_path / "run" / "stage-01") == [1, 2, 3, 4]
    assert logged_steps(tmp_path / "run" / "stage-02") == [1, 2]


def test_other_seed_gives_other_weights(tmp_path, content):
    first = run(tmp_path, content)
    other = run(tmp_path, elsewhere({**content, "seed": 4}, tmp_path / "other"))
    assert first.bundle.weights_sha256 != other.bundle.weights_sha256


def test_run_folder_of_another_configuration_is_refused_and_the_key_named(tmp_path, content):
    run(tmp_path, content)
    content["stages"][0]["learning_rate"] = 0.5
    content["output"] = str(tmp_path / "second")
    with pytest.raises(ConfigurationError, match=r"stages\[0\]\.settings\.learning_rate") as caught:
        run(tmp_path, content)
    assert "--restart" in caught.value.remedy


def test_changed_data_are_noticed(tmp_path, content):
    run(tmp_path, content)
    (tmp_path / "data" / "lung.nii.gz").write_bytes((tmp_path / "data" / "clear.nii.gz").read_bytes())
    with pytest.raises(ConfigurationError, match=r"data\[0\]\.key"):
        run(tmp_path, {**content, "output": str(tmp_path / "second")})


def test_stage_can_be_added_to_a_finished_run(tmp_path, content):
    run(tmp_path, content)
    content["stages"].append({**content["stages"][1], "steps": 3})
    seen = []
    result = run(tmp_path, {**content, "output": str(tmp_path / "second")}, on_row=seen.append)
    assert [row["step"] for row in seen] == [7, 8, 9]
    assert result.steps == 9


def test_restart_begins_anew(tmp_path, content):
    run(tmp_path, content)
    content["stages"] = content["stages"][:1]
    seen = []
    result = run(tmp_path, content, RunOptions("cpu", restart=True, overwrite=True), on_row=seen.append)
    assert [row["step"] for row in seen] == [1, 2, 3, 4]
    assert result.steps == 4
    assert not (tmp_path / "run" / "stage-02").exists()


def test_folder_of_somebody_else_is_never_touched(tmp_path, content):
    (tmp_path / "run" / "stage-01").mkdir(parents=True)
    (tmp_path / "run" / "stage-01" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputExistsError):
        run(tmp_path, content, RunOptions("cpu", restart=True))
    assert (tmp_path / "run" / "stage-01" / "thesis.txt").read_text() == "mine"


def test_existing_bundle_stops_the_run_before_any_work(tmp_path, content):
    run(tmp_path, content)
    before = (tmp_path / "tiny" / "SHA256SUMS").read_bytes()
    with pytest.raises(OutputExistsError):
        run(tmp_path, {**content, "run_folder": str(tmp_path / "second")})
    assert not (tmp_path / "second").exists()
    assert (tmp_path / "tiny" / "SHA256SUMS").read_bytes() == before


def test_damaged_checkpoint_is_told_with_its_remedy(tmp_path, content):
    run(tmp_path, content)
    (tmp_path / "run" / "stage-01" / "checkpoint.pt").write_bytes(b"half")
    with pytest.raises(UnreadableFileError, match=r"checkpoint\.pt"):
        run(tmp_path, {**content, "output": str(tmp_path / "second")})


def test_damaged_prepared_scan_is_made_again(tmp_path, content):
    first = run(tmp_path, content)
    for path in (tmp_path / "run" / "scans").iterdir():
        path.write_bytes(b"half")
    again = run(tmp_path, content, RunOptions("cpu", restart=True, overwrite=True))
    assert again.bundle.weights_sha256 == first.bundle.weights_sha256


def test_cases_left_out_are_not_learnt_from(tmp_path, content):
    content["data"]["annotated"][0]["leave_out"] = ["ct_002"]
    assert run(tmp_path, content).bundle.metadata.training["chests"]["annotated"] == 1
    content["data"]["annotated"][0]["leave_out"] = ["ct_009"]
    with pytest.raises(ConfigurationError, match="ct_009"):
        run(tmp_path, elsewhere(content, tmp_path / "second"))


def test_without_tensorboard_the_csv_log_is_written_alone_and_said(tmp_path, content, monkeypatch):
    monkeypatch.setattr("lesionseg.training.run.tensorboard_installed", lambda: False)
    result = run(tmp_path, content)
    assert any("TensorBoard is not installed" in note for note in result.notes)
    assert not (tmp_path / "run" / "tensorboard").exists()
    assert logged_steps(tmp_path / "run" / "stage-02") == [1, 2]


def test_figures_reach_tensorboard_once_where_a_run_was_broken(tmp_path, content, monkeypatch):
    accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with monkeypatch.context() as patched:
        break_at(patched, 3)
        with pytest.raises(RuntimeError, match="power cut"):
            run(tmp_path, content)
    time.sleep(1.1)  # its files are ordered by whole seconds
    run(tmp_path, content)
    events = accumulators.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3, 4, 5, 6]


def test_rehearsal_says_what_would_happen_and_writes_nothing(tmp_path, content):
    path = write_config(tmp_path, content)
    before = sorted(tmp_path.rglob("*"))
    rehearsal = rehearse(read_config(path, data_root=tmp_path / "data"), CPU)
    assert sorted(tmp_path.rglob("*")) == before
    assert rehearsal.chests == {"annotated": 2, "scan": 1}
    assert (rehearsal.steps, rehearsal.steps_done) == (6, 0)
    assert rehearsal.loss > 0


def test_rehearsal_reads_every_case_and_counts_what_is_done(tmp_path, content):
    run(tmp_path, content)
    content["output"] = str(tmp_path / "second")
    config = read_config(write_config(tmp_path, content), data_root=tmp_path / "data")
    assert rehearse(config, CPU).steps_done == 6
    (tmp_path / "data" / "Dataset001_Block" / "labelsTr" / "ct_002.nii.gz").write_bytes(b"no image")
    with pytest.raises(LesionSegError, match="ct_002"):
        rehearse(config, RunOptions("cpu", restart=True))


@pytest.mark.slow
def test_killed_run_goes_on_to_the_same_weights(tmp_path, content):
    content["stages"] = [{**content["stages"][0], "steps": 40}]
    whole = run(tmp_path, elsewhere(content, tmp_path / "whole"))
    path = write_config(tmp_path, content)
    words = ["train", str(path), "--data-root", str(tmp_path / "data"), "--device", "cpu"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lesionseg", *words],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": str(torch_threads())},
    )
    stage = tmp_path / "run" / "stage-01"
    while not (stage / "checkpoint.pt").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert 0 < done_in(stage).steps < 40
    resumed = run(tmp_path, content)
    assert resumed.bundle.weights_sha256 == whole.bundle.weights_sha256
    assert logged_steps(stage) == list(range(1, 41))


def torch_threads() -> int:
    import torch

    return torch.get_num_threads()
