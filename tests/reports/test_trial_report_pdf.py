"""The trial report as PDF: pages, text, nothing fetched; and what is said where it cannot be made."""

from __future__ import annotations

import builtins
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lesionseg.core.errors import MissingFeatureError
from lesionseg.reports.pdf import load_weasyprint, write_pdf
from lesionseg.reports.trial.report import write_trial_report
from tests.reports.trial_fixture import write_trial

needs_poppler = pytest.mark.skipif(
    not (shutil.which("pdftotext") and shutil.which("pdfinfo")), reason="no pdftotext here (poppler-utils)"
)


@pytest.fixture
def failing_import(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    def fail_with(error: Exception) -> None:
        real = builtins.__import__

        def fake(name: str, *rest: Any) -> Any:
            if name == "weasyprint":
                raise error
            return real(name, *rest)

        monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
        monkeypatch.setattr(builtins, "__import__", fake)

    return fail_with


def test_absent_weasyprint_is_told_with_the_extra_to_install(
    failing_import: Callable[[Exception], None], tmp_path: Path
) -> None:
    failing_import(ModuleNotFoundError("No module named 'weasyprint'"))
    with pytest.raises(MissingFeatureError, match="not installed") as caught:
        write_pdf("<p>x</p>", tmp_path / "page.pdf")
    assert "lesionseg[pdf]" in caught.value.remedy
    assert caught.value.code == "feature-missing"
    assert list(tmp_path.iterdir()) == []


def test_absent_pango_is_told_with_the_package_of_the_system(
    failing_import: Callable[[Exception], None],
) -> None:
    failing_import(OSError("cannot load library 'libpango-1.0-0'\nand much more"))
    with pytest.raises(MissingFeatureError, match="Pango") as caught:
        load_weasyprint()
    assert "apt install libpango" in caught.value.remedy
    assert caught.value.found == "cannot load library 'libpango-1.0-0'"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of 65 and 35 patients, as page and as PDF."""
    pytest.importorskip("weasyprint")
    trial = write_trial(tmp_path_factory.mktemp("printed") / "trial", rules="worst-case")
    page = trial.root / "report.html"
    write_trial_report(trial.analysis, trial.changes, page, scans=trial.scans)
    write_pdf(page.read_text(encoding="utf-8"), trial.root / "report.pdf")
    return trial.root / "report.pdf"


@pytest.mark.slow
@needs_poppler
def test_pages_hold_the_answer_and_their_numbers(report: Path) -> None:
    text = _poppler("pdftotext", "-layout", str(report), "-")
    first, *others = text.rstrip("\f").split("\f")
    assert "Lesion proportion fell by" in first
    assert "Hodges-Lehmann difference" in " ".join(first.split())
    assert f"1 / {len(others) + 1}" in first
    assert all("PHANTOM-01, trial report. Research use only." in page for page in others)
    facts = _poppler("pdfinfo", str(report))
    assert "A4" in facts
    assert f"Pages:           {len(others) + 1}" in facts


@pytest.mark.slow
@needs_poppler
def test_no_page_is_empty_and_no_table_is_cut_at_the_edge(report: Path) -> None:
    pages = _poppler("pdftotext", "-layout", str(report), "-").rstrip("\f").split("\f")
    assert all(len(page.split()) > 40 for page in pages)
    words = _poppler("pdftotext", "-bbox", str(report), "-").splitlines()
    right_ends = [float(line.split('xMax="')[1].split('"')[0]) for line in words if "<word" in line]
    assert max(right_ends) < 595 - 35  # the margin is 14 mm, 40 points


@pytest.mark.slow
def test_nothing_is_fetched_for_a_pdf(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint")
    picture = tmp_path / "picture.svg"
    picture.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>SECRET</text></svg>'
    )
    page = f'<html lang="en"><title>t</title><p>words<img src="{picture.as_uri()}"></p></html>'
    write_pdf(page, tmp_path / "a.pdf")
    write_pdf(page.replace(picture.as_uri(), "data:,"), tmp_path / "b.pdf")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()


def _poppler(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
