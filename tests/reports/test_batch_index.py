from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lesionseg.reports.batch_index import BatchIndex, render_batch_index, write_batch_index


def row(case: str, state: str, **changes: str) -> dict[str, str]:
    names = ("reason", "reason_text", "warnings", "path", "flags", "worst_flag")
    figures = ("lung_ml", "lesion_ml", "solid_ml", "lesion_proportion_pct", "solid_proportion_pct")
    return {"case": case, "state": state, **dict.fromkeys((*names, *figures), ""), **changes}


GOOD = row(
    "A1",
    "done",
    lung_ml="5000.4",
    lesion_proportion_pct="12.34",
    flags="coverage=critical",
    worst_flag="critical",
)
BAD = row("Z9", "failed", reason="slices-missing", reason_text="2 slices < missing", path="scans/Z9")
INDEX = BatchIndex(
    "tiny 1",
    "0.1.0",
    [GOOD, BAD],
    {"A1": {"page": "cases/A1/case.html", "overview": "cases/A1/overview.png"}},
)


def test_failures_come_first_with_code_and_sentence() -> None:
    page = render_batch_index(INDEX)
    assert page.index("slices-missing") < page.index("A1")
    assert "2 slices &lt; missing" in page
    assert "1 done, 1 failed" in page


def test_a_case_links_its_page_and_its_picture() -> None:
    assert 'href="cases/A1/case.html"' in (page := render_batch_index(INDEX))
    assert 'href="cases/A1/overview.png"' in page
    alone = render_batch_index(replace(INDEX, links={"A1": {"overview": "cases/A1/overview.png"}}))
    assert alone.count('href="cases/A1/overview.png"') == 2


def test_figures_flags_and_what_was_not_taken_are_shown() -> None:
    page = render_batch_index(replace(INDEX, left_over=[("study", "scans/mr", "no CT")]))
    assert all(words in page for words in ("5000", "12.3", "coverage (critical)", "scans/mr", "no CT"))


def test_cases_that_wait_are_told_only_where_there_are_any() -> None:
    assert "Not done yet" not in render_batch_index(INDEX)
    page = render_batch_index(replace(INDEX, rows=[GOOD, row("B2", "pending", reason_text="stopped")]))
    assert "Not done yet" in page
    assert "1 not begun" in page


def test_same_index_same_bytes_and_nothing_from_elsewhere(tmp_path: Path) -> None:
    write_batch_index(INDEX, tmp_path / "index.html")
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == render_batch_index(INDEX)
    assert "http" not in (tmp_path / "index.html").read_text(encoding="utf-8").replace("http-equiv", "")
