from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lesionseg.segmentation import ModelBundle
from tests.cli.conftest import Cli
from tests.segmentation.archives import zip_folder
from tests.segmentation.builders import tiny_metadata
from tests.segmentation.conftest import write_tiny_bundle
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter


@pytest.fixture(scope="session")
def restricted(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A bundle whose licence forbids commercial use."""
    metadata = tiny_metadata(name="restricted", license="CC BY-NC 4.0", commercial_use=False)
    return write_tiny_bundle(tmp_path_factory.mktemp("restricted") / "restricted", metadata)


@pytest.fixture
def models(tmp_path: Path, restricted: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> Path:
    """LESIONSEG_MODELS with the bundles ``free``, which is the default, and ``restricted``."""
    folder = tmp_path / "models"
    write_tiny_bundle(folder / "free", tiny_metadata(name="free", intended_use="tests only"))
    (folder / "restricted").mkdir()
    for path in restricted.folder.iterdir():
        (folder / "restricted" / path.name).write_bytes(path.read_bytes())
    (folder / "DEFAULT").write_text("free\n")
    monkeypatch.setenv("LESIONSEG_MODELS", str(folder))
    return folder


def damage(folder: Path) -> None:
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")


def test_list_shows_default_licence_use_and_folder(cli: Cli, models: Path) -> None:
    done = cli("models", "list")
    assert done.code == 0
    assert "free 1 (default" in done.out
    assert "Licence: Apache-2.0. Use: tests only" in done.out
    assert "NON-COMMERCIAL: CC BY-NC 4.0" in done.out
    assert str(models / "restricted") in done.out


def test_list_as_json_names_every_bundle(cli: Cli, models: Path) -> None:
    bundles = cli("models", "list", "--json").json["bundles"]
    assert [entry["name"] for entry in bundles] == ["free", "restricted"]
    assert [entry["default"] for entry in bundles] == [True, False]
    assert [entry["commercial_use"] for entry in bundles] == [True, False]
    assert bundles[0]["size_bytes"] == sum(path.stat().st_size for path in (models / "free").iterdir())


def test_list_shows_a_damaged_bundle_as_refused(cli: Cli, models: Path) -> None:
    damage(models / "restricted")
    done = cli("models", "list")
    assert done.code == 0
    assert "refused" in done.out
    assert "altered" in done.out
    assert cli("models", "list", "--json").json["bundles"][1]["error"]["code"] == "bundle"


def test_verify_checks_all_bundles_and_is_content(cli: Cli, models: Path) -> None:
    done = cli("models", "verify", "--json")
    assert done.code == 0
    assert [verdict["ok"] for verdict in done.json["bundles"]] == [True, True]


def test_verify_names_each_failure_and_exits_with_one(cli: Cli, models: Path) -> None:
    damage(models / "free")
    (models / "restricted" / "MODEL_CARD.md").unlink()
    done = cli("models", "verify")
    assert done.code == 1
    assert str(models / "free" / "weights.safetensors") in done.out
    assert str(models / "restricted" / "MODEL_CARD.md") in done.out
    assert [verdict["ok"] for verdict in cli("models", "verify", "--json").json["bundles"]] == [False, False]


def test_verify_takes_names_and_folders_and_goes_on_after_a_failure(cli: Cli, models: Path) -> None:
    done = cli("models", "verify", "nowhere", models / "free", "restricted", "--json")
    assert done.code == 1
    assert done.json["ok"] is False
    assert [verdict["ok"] for verdict in done.json["bundles"]] == [False, True, True]
    assert "no such model bundle" in done.json["bundles"][0]["error"]["problem"]


def test_verify_finds_weights_of_another_network(cli: Cli, models: Path) -> None:
    from tests.segmentation.builders import TINY_ARGUMENTS
    from tests.segmentation.test_bundle import edit_metadata

    arguments = dict(TINY_ARGUMENTS, filters=[4, 8, 16])
    edit_metadata(models / "free", network={"class_name": "DynUNet", "arguments": arguments})
    done = cli("models", "verify", "free")
    assert done.code == 1
    assert "do not belong" in done.out


def test_verify_without_any_bundle_fails(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LESIONSEG_MODELS", str(tmp_path))
    assert cli("models", "verify").code == 1


def test_installed_bundle_is_found_by_its_name(
    cli: Cli, restricted: ModelBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESIONSEG_MODELS", str(tmp_path / "mine"))
    archive = zip_folder(restricted.folder, tmp_path / "a.zip")
    done = cli("models", "install", archive)
    assert done.code == 0
    assert "--model restricted" in done.out
    assert "NON-COMMERCIAL USE ONLY" in done.err
    again = cli("models", "install", archive, "--json").json
    assert again["was_there"] is True
    assert again["folder"] == str(tmp_path / "mine" / "restricted")
    assert cli("models", "verify", "restricted").code == 0


def test_install_elsewhere_tells_the_folder_to_use(cli: Cli, models: Path, tmp_path: Path) -> None:
    archive = zip_folder(models / "free", tmp_path / "a.zip")
    done = cli("models", "install", archive, "--into", tmp_path / "elsewhere")
    assert done.code == 0
    assert f"--model {tmp_path / 'elsewhere' / 'free'}" in done.out
    assert done.err == ""


def test_refused_archive_is_explained(cli: Cli, models: Path, tmp_path: Path) -> None:
    damage(models / "free")
    done = cli("models", "install", zip_folder(models / "free", tmp_path / "a.zip"), "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "bundle")
    assert "weights.safetensors" in done.err
    other = cli("models", "install", zip_folder(models / "restricted", tmp_path / "b.zip"), "--overwrite")
    assert other.code == 0


def test_missing_archive_is_misuse_of_the_command(cli: Cli) -> None:
    assert cli("models", "install").code == 2
    assert cli("models", "no-such-verb").code == 2


@pytest.mark.usefixtures("quick_picture")
def test_segment_says_on_stderr_and_in_the_manifest_that_a_bundle_is_non_commercial(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter, restricted: ModelBundle
) -> None:
    rule.bundle = restricted  # type: ignore[attr-defined]
    done = cli("segment", good_series.folder, "-o", output, "--json")
    assert done.code == 0
    assert "NON-COMMERCIAL USE ONLY" in done.err
    assert "restricted 1" in done.err
    assert done.json["model"]["commercial_use"] is False
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert "Non-commercial use only" in manifest["notice"]
    assert manifest["model"]["license"] == "CC BY-NC 4.0"


@pytest.mark.usefixtures("quick_picture")
def test_segment_keeps_silent_about_a_bundle_that_may_be_used_commercially(
    cli: Cli, good_series: Series, output: Path, rule: RuleSegmenter, models: Path
) -> None:
    from lesionseg.segmentation import load_bundle

    rule.bundle = load_bundle("free")  # type: ignore[attr-defined]
    done = cli("segment", good_series.folder, "-o", output, "--json")
    assert done.err == ""
    assert done.json["model"]["commercial_use"] is True


def test_help_of_models_loads_nothing_heavy() -> None:
    script = (
        "import sys; from lesionseg.cli.run import run; assert run(['models', 'install', '--help']) == 0;"
        "sys.stderr.write(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"numpy", "torch", "lesionseg.segmentation"}.isdisjoint(done.stderr.split())
