"""The command with the model that ships: on phantoms, and on a real scan where there is one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lesionseg.workflow.request import CASE_FILES
from tests.cli.conftest import Cli


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_doctor_finds_this_installation_ready(cli: Cli) -> None:
    done = cli("doctor", "--json")
    assert [finding for finding in done.json["findings"] if finding["kind"] == "bad"] == []
    assert done.code == 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_demo_ranks_patients_by_disease_and_sees_them_improve(cli: Cli, output: Path) -> None:
    done = cli("demo", "-o", output, "--json")
    assert done.code == 0
    for scan in done.json["scans"]:
        assert scan["measured"]["lung_ml"] == pytest.approx(scan["true"]["lung_ml"], rel=0.12)
        assert 0.3 < scan["measured"]["lesion_ml"] / scan["true"]["lesion_ml"] < 1.5
    assert all(change["measured_change_pct"] < 0 for change in done.json["changes"])
    (primary,) = [
        row
        for row in done.json["trial"]["estimates"]
        if row["analysis"] == "primary" and row["role"] == "primary"
    ]
    assert primary["effect"] == pytest.approx(done.json["true_effect"], abs=15.0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.real_data
def test_real_scan_gives_plausible_figures_twice_the_same(cli: Cli, real_data: Path, tmp_path: Path) -> None:
    for name in ("first", "second"):
        assert cli("segment", real_data / "ct" / "P001", "-o", tmp_path / name, "--quiet").code == 0
    for name in CASE_FILES:
        if name != "manifest.json":
            assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    measured = json.loads((tmp_path / "first" / "measurements.json").read_text(encoding="utf-8"))
    whole = measured["regions"]["whole"]
    assert 5000 < whole["lung_ml"] < 7000
    assert (
        0.3 < whole["lesion_proportion_pct"] < 10
    )  # diseased by eye; the share itself has no reference here
    assert not [flag for flag in measured["flags"] if flag["severity"] == "critical"]
