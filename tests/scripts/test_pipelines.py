"""The workflows under `scripts/pipelines/`, run where their engine is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.batch.builders import damage, times_done, write_scan
from tests.scripts.cluster_scans import rows, write_bundle, write_chests

SNAKEMAKE_VARIABLE = "LESIONSEG_SNAKEMAKE"


@pytest.fixture(scope="module")
def pipelines(repository: Path) -> Path:
    return repository / "scripts" / "pipelines"


@pytest.fixture(scope="module")
def snakemake(repository: Path) -> str:
    """The engine: named in a variable, in .tools/snakemake, or on the path."""
    own = repository / ".tools" / "snakemake" / "bin" / "snakemake"
    found = os.environ.get(SNAKEMAKE_VARIABLE) or (str(own) if own.is_file() else shutil.which("snakemake"))
    if not found:
        pytest.skip("Snakemake is not installed: scripts/pipelines/install_snakemake.sh does it")
    return found


def environment() -> dict[str, str]:
    """Where `lesionseg` is this checkout's."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_snakemake_measures_the_shards_merges_them_and_goes_on(
    pipelines: Path, snakemake: str, tmp_path: Path
) -> None:
    scans, out = tmp_path / "scans", tmp_path / "out"
    write_chests(scans, 3)
    damage(write_scan(scans, "P004"))
    how = f"--model {write_bundle(tmp_path / 'bundle')} --device cpu --runtime torch"

    def run(options: str) -> subprocess.CompletedProcess[str]:
        command = [snakemake, "--snakefile", pipelines / "Snakefile", "--cores", "1", "--config",
                   f"inputs={scans}", f"output={out}", "shards=2", "threads=1",
                   f"options={options}"]  # fmt: skip
        words = [str(word) for word in command]
        return subprocess.run(
            words, env=environment(), cwd=tmp_path, capture_output=True, text=True, check=False
        )

    refused = run("--no-such-option")
    assert refused.returncode == 1
    assert not out.exists()
    done = run(how)
    assert done.returncode == 0, done.stderr
    assert {row["case"]: row["state"] for row in rows(out)} == {
        **{f"P00{number}_20200401": "done" for number in (1, 2, 3)},
        "P004_20200401": "failed",
    }
    counted = [times_done(shard) for shard in sorted((out / "shards").iterdir())]
    assert sorted(times for shard in counted for times in shard.values()) == [0, 1, 1, 1]
    assert "Nothing to be done" in run(how).stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nextflow_measures_the_shards_and_merges_them(pipelines: Path, tmp_path: Path) -> None:
    if shutil.which("nextflow") is None:
        pytest.skip("Nextflow is not installed; main.nf is only looked at, by the next test")
    write_chests(tmp_path / "scans", 2)
    how = f"--model {write_bundle(tmp_path / 'bundle')} --device cpu --runtime torch"
    command = ["nextflow", "run", pipelines / "main.nf", "--inputs", tmp_path / "scans",
               "--output", tmp_path / "out", "--shards", "2", "--options", how]  # fmt: skip
    subprocess.run([str(word) for word in command], env=environment(), cwd=tmp_path, check=True)
    assert {row["state"] for row in rows(tmp_path / "out")} == {"done"}


@pytest.mark.parametrize("name", ["main.nf", "Snakefile"])
def test_workflows_use_options_that_there_are(pipelines: Path, name: str) -> None:
    import typer

    from lesionseg.cli.app import app

    verbs = typer.main.get_command(app).commands
    known = {option for verb in ("batch", "batch-merge") for p in verbs[verb].params for option in p.opts}
    text = (pipelines / name).read_text(encoding="utf-8")
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(("#", "//")))
    used = set(re.findall(r"(?<= )--[a-z-]+", code)) - {"--inputs", "--config"}
    assert {"--output", "--shard", "--threads"} <= used
    assert used <= known
    assert set(re.findall(r"(?:lesionseg|LESIONSEG\}) ([a-z-]+)", code)) >= {"batch", "batch-merge"}


def test_nextflow_blocks_are_closed(pipelines: Path) -> None:
    for name in ("main.nf", "nextflow.config"):
        text = (pipelines / name).read_text(encoding="utf-8")
        assert text.count("{") == text.count("}"), name
        assert text.count('"""') % 2 == 0, name
