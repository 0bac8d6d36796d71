"""The measurements of batches, with few scans: they end, and find what they should."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.bench import batch_faults, batch_kills, batch_memory

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, dict[str, Any]]]:
    def run(main: Callable[[], int], *arguments: str) -> tuple[int, dict[str, Any]]:
        path = tmp_path / "figures.json"
        monkeypatch.setattr(sys, "argv", ["bench", *arguments, "--json", str(path)])
        return main(), json.loads(path.read_text(encoding="utf-8"))

    return run


def test_a_killed_batch_ends_as_an_undisturbed_one(figures: Callable[..., Any]) -> None:
    code, found = figures(batch_kills.main, "--scans", "5", "--kills", "2")
    assert code == 0
    assert found["each_done_once"]
    assert found["same_bytes"]
    assert (found["kills"], found["bundle"], found["exit_codes"]) == (2, "quick", [0, 0])


def test_memory_and_throughput_against_a_loop_that_writes_the_same(figures: Callable[..., Any]) -> None:
    code, found = figures(
        batch_memory.main,
        "--scans",
        "6",
        "--shape",
        "24",
        "64",
        "64",
        "--bundle",
        "quick",
        "--loop-scans",
        "4",
    )
    assert code == 0
    assert found["same_case_files"], found["different"]
    assert (found["loop_scans"], found["process_starts"]) == (4, {"batch": 1, "loop": 1})
    assert found["peak_mib"] > 100
    assert found["throughput_ratio"] > 0


def test_faults_lose_nothing_and_are_named(figures: Callable[..., Any]) -> None:
    code, found = figures(batch_faults.main, "--scans", "10")
    assert code == 0
    assert found["damaged"]["failed"]
    assert all(found[trial].get("good", True) for trial in ("damaged", "disk_full", "read_only"))
