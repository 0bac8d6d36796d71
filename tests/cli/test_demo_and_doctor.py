from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lesionseg.phantoms import ChestSettings
from lesionseg.workflow.demo import run as demo
from lesionseg.workflow.demo.phantoms import PATIENTS
from lesionseg.workflow.demo.run import DemoResult, DemoSettings
from lesionseg.workflow.selftest import SelfTest, SelfTestLine
from tests.cli.conftest import Cli
from tests.workflow.builders import RuleSegmenter
from tests.workflow.trial_builders import hurry

COARSE = ChestSettings(shape=(20, 60, 60), spacing_mm=(15.0, 6.4, 6.4), fine_slice_mm=15.0)


@pytest.fixture
def quick_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first two patients on a coarse scanner, without pictures."""
    real = demo.run_demo

    def run_demo(*arguments: Any, settings: DemoSettings, **others: Any) -> DemoResult:
        return real(*arguments, settings=replace(settings, patients=PATIENTS[:2], scanner=COARSE), **others)

    monkeypatch.setattr(demo, "run_demo", run_demo)
    hurry(monkeypatch)


@pytest.mark.usefixtures("quick_demo")
def test_demo_prints_true_against_measured_and_what_the_trial_says(
    cli: Cli, output: Path, rule: RuleSegmenter
) -> None:
    done = cli("demo", "-o", output)
    assert done.code == 0, done.err
    assert rule.calls == 4
    for word in ("P01 baseline", "P02 day 28", "treatment", "placebo", "synthetic", "true / measured"):
        assert word in done.out
    answer = cli("demo", "-o", output, "--overwrite", "--json").json
    scan = answer["scans"][0]
    assert f"{scan['true']['lung_ml']:.0f} / {scan['measured']['lung_ml']:.0f}" in done.out
    assert len(answer["changes"]) == 2
    assert answer["trial"]["counts"]["measured"] == 4
    assert f"{answer['true_effect']:+.1f} percentage points" in done.out
    assert str(output / "trial" / "report.html") in done.out


def test_demo_refuses_a_filled_folder_at_once(cli: Cli, output: Path, rule: RuleSegmenter) -> None:
    output.mkdir()
    (output / "mine.txt").write_text("keep")
    for more in ((), ("--overwrite",)):
        done = cli("demo", "-o", output, *more, "--json")
        assert (done.code, done.json["error"]["code"]) == (1, "output-exists")
    assert rule.calls == 0
    assert (output / "mine.txt").read_text() == "keep"


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with a bundle whose network finds the phantom's lung."""
    from tests.workflow.builders import threshold_bundle

    threshold_bundle(tmp_path / "models" / "threshold")
    monkeypatch.setenv("LESIONSEG_MODELS", str(tmp_path / "models"))
    good = SelfTest((SelfTestLine("lung", 4000.0, 4010.0, 10.0),), 0.1)
    monkeypatch.setattr("lesionseg.workflow.selftest.network_self_test", lambda segmenter: good)


@pytest.mark.usefixtures("healthy")
def test_doctor_on_a_healthy_machine_is_ready(cli: Cli) -> None:
    done = cli("doctor")
    assert done.code == 0, done.out
    assert "Ready." in done.out
    assert "threshold 1 verified" in done.out
    assert "of 14 readable" in done.out
    assert "network: lung 4010.0 ml, true 4000.0 ml, error +0.25 %" in done.out


def test_doctor_without_bundles_says_what_to_do_and_fails(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESIONSEG_MODELS", str(tmp_path))
    done = cli("doctor", "--json")
    assert done.code == 1
    assert done.json["ok"] is False
    bad = [finding for finding in done.json["findings"] if finding["kind"] == "bad"]
    assert any(finding["topic"] == "Model bundles" and finding["remedy"] for finding in bad)
    assert any(finding["text"].startswith("volumetry: lung") for finding in done.json["findings"])


@pytest.mark.usefixtures("healthy")
def test_doctor_finds_an_altered_bundle(cli: Cli, tmp_path: Path) -> None:
    weights = tmp_path / "models" / "threshold" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    done = cli("doctor")
    assert done.code == 1
    assert "altered" in done.out
    assert "Not ready" in done.out


@pytest.mark.usefixtures("healthy")
def test_doctor_names_the_encodings_it_cannot_read(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from lesionseg.dicom import decoding
    from lesionseg.dicom.transfer_syntaxes import unsupported

    real = decoding.check_decodable

    def without_jpeg_ls(transfer_syntax: str, case: str) -> None:
        if transfer_syntax == "1.2.840.10008.1.2.4.80":
            raise unsupported(transfer_syntax, case, "pyjpegls")
        real(transfer_syntax, case)

    monkeypatch.setattr(decoding, "check_decodable", without_jpeg_ls)
    done = cli("doctor")
    assert done.code == 0  # the rest still works
    assert "not readable here: JPEG-LS Lossless" in done.out
    assert "pip install 'lesionseg[codecs" in done.out
