"""The notebooks run on what is in the repository alone, and are kept without outputs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

NOTEBOOKS = ("one_scan_in_detail", "power_and_measurement_error", "trial_analysis")


def read(repository: Path, name: str):
    nbformat = pytest.importorskip("nbformat")
    return nbformat.read(repository / "notebooks" / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook_is_kept_without_outputs(repository: Path, name: str) -> None:
    code = [cell for cell in read(repository, name).cells if cell.cell_type == "code"]
    assert code
    assert not any(cell.outputs or cell.execution_count for cell in code)


@pytest.fixture
def executed(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a notebook; return everything it printed or showed as text, and its folder."""
    client = pytest.importorskip("nbclient")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))

    def run(name: str) -> str:
        notebook = read(repository, name)
        resources = {"metadata": {"path": str(tmp_path)}}
        client.NotebookClient(notebook, timeout=900, resources=resources).execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        return "\n".join(
            output.get("text", "") + output.get("data", {}).get("text/plain", "")
            + output.get("data", {}).get("image/svg+xml", "")
            for output in outputs
        )  # fmt: skip

    return run


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_trial_notebook_ends_with_the_estimate_of_the_report(executed, tmp_path: Path) -> None:
    shown = executed("trial_analysis")
    folder = next(tmp_path.glob("lesionseg-trial-analysis-*"))
    for path in ("visits/adlesion.csv", "analysis/estimates.csv", "report.html"):
        assert (folder / path).stat().st_size > 0
    assert shown.count("<svg") == 2
    answer = re.search(r"relative change at day 28: (-?\d+\.\d) % \((-?\d+\.\d) to (-?\d+\.\d)\), P", shown)
    assert answer
    effect, low, high = (float(part) for part in answer.groups())
    assert low < effect < high
    assert effect < 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_power_notebook_finds_a_size_and_loses_power_to_noise(executed) -> None:
    shown = executed("power_and_measurement_error")
    size = re.search(r"(\d+) \+ (\d+) patients: power (0\.\d+)", shown)
    assert size
    assert int(size[1]) == 2 * int(size[2])
    assert float(size[3]) >= 0.8
    rows = re.findall(
        r"^\d +(\d\.\d) +(\d\.\d) +(-\d+\.\d+) +(-?\d+\.\d+) +(-?\d+\.\d+) +(0\.\d+)$", shown, re.M
    )
    assert len(rows) == 7
    powers = {(noise, floor): float(power) for noise, floor, *_, power in rows}
    shifts = {(noise, floor): float(shift) for noise, floor, shift, *_ in rows}
    assert powers["4.0", "0.0"] < powers["0.0", "0.0"] - 0.1
    assert abs(shifts["0.0", "3.0"]) < abs(shifts["0.0", "0.0"])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_scan_notebook_measures_the_phantom_and_draws_it(executed, tmp_path: Path) -> None:
    shown = executed("one_scan_in_detail")
    assert "MissingSlicesError" in shown
    dice = {name: float(value) for name, value in re.findall(r"(lung|lesion|solid) Dice (\d\.\d+)", shown)}
    assert dice["lung"] > 0.9
    assert dice["lesion"] > 0.5
    folder = next(tmp_path.glob("lesionseg-one-scan-*"))
    assert (folder / "overview.png").stat().st_size > 10_000
