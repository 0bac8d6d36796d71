"""A trial with its real pictures, pages and PDF: every file opens, and is the same on a second run."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lesionseg.volume.files import read_label_map
from lesionseg.workflow.trial.request import TrialRequest, TrialResult
from lesionseg.workflow.trial.run import run_trial
from tests.workflow.builders import RuleSegmenter
from tests.workflow.trial_builders import good_request, write_trial

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> TrialResult:
    pytest.importorskip("weasyprint")
    folder = tmp_path_factory.mktemp("whole")
    write_trial(folder / "dicom")
    return run_trial(good_request(folder / "dicom", folder), RuleSegmenter())


def opens_as_page(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.lower().startswith("<!doctype html>")
    assert text.rstrip().endswith("</html>")


def opens_as_table(path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows
    assert {len(row) for row in rows} == {len(rows[0])}


def opens_as_parquet(path: Path) -> None:
    import pandas as pd

    assert len(pd.read_parquet(path)) > 0


def begins_with(magic: bytes) -> Callable[[Path], None]:
    def check(path: Path) -> None:
        assert path.read_bytes().startswith(magic)

    return check


OPENERS: dict[str, Callable[[Path], object]] = {
    ".html": opens_as_page,
    ".csv": opens_as_table,
    ".parquet": opens_as_parquet,
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
    ".gz": read_label_map,
    ".png": begins_with(b"\x89PNG"),
    ".pdf": begins_with(b"%PDF"),
}


def test_nothing_went_wrong(finished: TrialResult) -> None:
    assert finished.warnings == ()
    assert all(outcome.warnings == () for outcome in finished.outcomes)


def test_every_file_opens(finished: TrialResult) -> None:
    kinds = set()
    for path in finished.folder.rglob("*"):
        if path.is_file():
            OPENERS[path.suffix](path)
            kinds.add(path.suffix)
    assert kinds == set(OPENERS)


def test_no_page_of_a_scan_or_patient_holds_an_arm(finished: TrialResult) -> None:
    pages = [*finished.folder.glob("cases/*/*/case.html"), *finished.folder.glob("patients/*.html")]
    assert len(pages) == 8 + 4
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "saline" not in text
        assert ">cells<" not in text


def test_second_run_gives_the_same_bytes(finished: TrialResult) -> None:
    folder = finished.folder.parent
    files = {path.stem: path for path in (folder / "in").iterdir()}
    request = TrialRequest(
        folder / "dicom", files["plan"], folder / "again", visits=files["visits"], arms=files["arms"]
    )
    again = run_trial(request, RuleSegmenter()).manifest["outputs"]
    first = finished.manifest["outputs"]
    differing = [name for name in first if again[name] != first[name] and not name.endswith("manifest.json")]
    assert differing == []
