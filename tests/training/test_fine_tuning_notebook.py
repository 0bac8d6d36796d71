from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOK = "notebooks/fine_tuning.ipynb"


def test_notebook_is_kept_without_outputs(repository: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    cells = nbformat.read(repository / NOTEBOOK, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert code
    assert not any(cell.outputs or cell.execution_count for cell in code)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_notebook_runs_to_its_end(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(repository / NOTEBOOK, as_version=4)
    client.NotebookClient(notebook, timeout=1500, resources={"metadata": {"path": str(tmp_path)}}).execute()
    folder = next(tmp_path.glob("lesionseg-fine-tuning-*"))
    assert (folder / "fine-tuned" / "SHA256SUMS").is_file()
    assert (folder / "run" / "stage-01" / "log.csv").read_text().count("\n") == 7
