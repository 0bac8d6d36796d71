from __future__ import annotations

from pathlib import Path

import pytest

from tests.batch.builders import damage, name, write_scan, write_scans
from tests.cli.conftest import Cli

pytestmark = pytest.mark.usefixtures("rule", "quick_picture")


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    write_scans(tmp_path / "scans", 2)
    return tmp_path / "scans"


def test_shards_are_measured_one_by_one_and_merged(cli: Cli, scans: Path, output: Path) -> None:
    done = [cli("batch", scans, "-o", output, "--shard", f"{k}/2", "--json").json for k in (1, 2)]
    assert sum(shard["counts"]["done"] for shard in done) == 2
    assert done[0]["folder"] == str(output / "shards" / "1-of-2")
    merged = cli("batch-merge", output)
    assert merged.code == 0
    assert "2 of 2 scans done in 2 shards" in merged.out
    assert str(output / "index.html") in merged.out
    assert (output / "summary.parquet").is_file()


def test_a_missing_shard_is_told_with_exit_code_three(cli: Cli, scans: Path, output: Path) -> None:
    cli("batch", scans, "-o", output, "--shard", "1/2")
    merged = cli("batch-merge", output)
    assert merged.code == 3
    assert "shard 2/2 was not begun" in merged.out
    told = cli("batch-merge", output, "--json").json
    assert told["ok"] is False
    assert [shard["state"] for shard in told["shards"]] == ["finished", "not-begun"]


def test_a_failed_scan_is_told_with_exit_code_three(cli: Cli, scans: Path, output: Path) -> None:
    damage(write_scan(scans, "P003"))
    assert cli("batch", scans, "-o", output, "--shard", "1/1").code == 3
    merged = cli("batch-merge", output)
    assert merged.code == 3
    assert name("P003") in merged.out


@pytest.mark.parametrize("shard", ["3/2", "0/2", "one"])
def test_what_is_no_shard_is_wrong_usage(cli: Cli, scans: Path, output: Path, shard: str) -> None:
    assert cli("batch", scans, "-o", output, "--shard", shard).code == 2
    assert not output.exists()


def test_nothing_to_merge_is_a_failure(cli: Cli, output: Path) -> None:
    merged = cli("batch-merge", output, "--json")
    assert merged.code == 1
    assert merged.json["error"]["code"] == "input-not-found"
    assert not output.exists()
