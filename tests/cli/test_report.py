from __future__ import annotations

import json
from pathlib import Path

import pytest

from lesionseg.core.errors import MissingFeatureError
from tests.cli.conftest import Cli
from tests.cli.test_startup import HEAVY, loaded_after
from tests.reports.trial_fixture import TrialOnDisk, write_trial


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> TrialOnDisk:
    return write_trial(tmp_path_factory.mktemp("cli") / "trial", 5, 4, rules="")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


def test_a_trial_is_reported_with_its_arms(cli: Cli, trial: TrialOnDisk, page: Path) -> None:
    done = cli("report", trial.root, "-o", page)
    assert done.code == 0, done.err
    assert str(page) in done.out
    assert "Research use only." in done.out
    html = page.read_text()
    assert "Hodges-Lehmann difference" in html
    assert "Scans found:" in html  # the table of scans was found beside it


def test_a_trial_can_be_left_blinded(cli: Cli, trial: TrialOnDisk, page: Path) -> None:
    done = cli("report", trial.root, "-o", page, "--blinded", "--plan", trial.root / "plan.yaml", "--json")
    assert (done.code, done.json["kind"]) == (0, "blinded")
    html = page.read_text()
    assert "The arms are closed" in html
    assert "placebo" not in html


def test_results_of_change_are_reported_blinded(cli: Cli, trial: TrialOnDisk, page: Path) -> None:
    done = cli("report", trial.changes, "-o", page)
    assert done.code == 0
    assert "arms are closed" in done.out
    assert "No list of scans was given" in page.read_text()


def test_results_of_analyze_are_reported_with_those_of_change_beside_them(
    cli: Cli, trial: TrialOnDisk, page: Path
) -> None:
    words = ("--changes", trial.changes, "--scans", trial.scans, "--json")
    done = cli("report", trial.analysis, "-o", page, *words)
    assert done.json == {"command": "report", "ok": True, "kind": "trial", "page": str(page), "pdf": None}
    assert "Scans without figures" in page.read_text()
    blinded = cli("report", trial.analysis, "-o", page, *words, "--blinded", "--overwrite")
    assert blinded.json["kind"] == "blinded"
    assert "placebo" not in page.read_text()


def test_pdf_is_written_besides(
    cli: Cli, trial: TrialOnDisk, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed: dict[Path, str] = {}
    monkeypatch.setattr("lesionseg.reports.pdf.load_weasyprint", object)
    monkeypatch.setattr("lesionseg.reports.pdf.write_pdf", lambda html, path: printed.setdefault(path, html))
    done = cli("report", trial.root, "-o", page, "--pdf", page.with_suffix(".pdf"), "--json")
    assert done.json["pdf"] == str(page.with_suffix(".pdf"))
    assert printed == {page.with_suffix(".pdf"): page.read_text()}


def test_without_weasyprint_nothing_is_written(
    cli: Cli, trial: TrialOnDisk, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> None:
        raise MissingFeatureError("PDF needs WeasyPrint", remedy="pip install 'lesionseg[pdf]'")

    monkeypatch.setattr("lesionseg.reports.pdf.load_weasyprint", absent)
    done = cli("report", trial.root, "-o", page, "--pdf", page.with_suffix(".pdf"), "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "feature-missing")
    assert not page.exists()


def test_a_case_is_given_to_the_case_page(
    cli: Cli, tmp_path: Path, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = tmp_path / "case"
    case.mkdir()
    (case / "measurements.json").write_text("{}")
    asked = []
    monkeypatch.setattr(
        "lesionseg.reports.case.page.write_case_page",
        lambda folder, path, *, volume: asked.append((folder, path, volume)),
    )
    assert cli("report", case, "-o", page).code == 0
    assert asked == [(case, page, None)]
    assert cli("report", case, "-o", page, "--pdf", tmp_path / "page.pdf").code == 2


def test_a_patient_is_given_to_the_patient_page_with_his_cases(
    cli: Cli, trial: TrialOnDisk, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (trial.root / "cases" / "P001" / "P001-0").mkdir(parents=True)
    asked = []
    monkeypatch.setattr(
        "lesionseg.reports.patient.page.write_patient_page",
        lambda subject, changes, path, *, scans: asked.append((subject, changes, path, scans)),
    )
    done = cli("report", trial.root, "-o", page, "--patient", "P001", "--json")
    assert done.json["kind"] == "patient"
    ((subject, changes, path, scans),) = asked
    assert (subject, changes, path) == ("P001", trial.changes, page)
    assert [(scan.scan_id, scan.case_folder) for scan in scans] == [
        ("P001-0", trial.root / "cases" / "P001" / "P001-0")
    ]
    assert cli("report", trial.analysis, "-o", page, "--patient", "P001").code == 2


def test_an_earlier_page_is_replaced_on_request_only(cli: Cli, trial: TrialOnDisk, page: Path) -> None:
    page.write_text("mine")
    done = cli("report", trial.changes, "-o", page, "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "output-exists")
    assert page.read_text() == "mine"
    assert cli("report", trial.changes, "-o", page, "--overwrite").code == 0
    assert cli("report", trial.changes, "-o", page.parent, "--overwrite", "--json").code == 1


def test_folders_without_results_are_refused_with_what_is_looked_for(
    cli: Cli, trial: TrialOnDisk, tmp_path: Path, page: Path
) -> None:
    absent = cli("report", tmp_path / "nowhere", "-o", page, "--json")
    assert (absent.code, absent.json["error"]["code"]) == (1, "input-not-found")
    empty = cli("report", tmp_path, "-o", page, "--json")
    assert (empty.code, empty.json["error"]["code"]) == (1, "input")
    assert "analysis.json" in empty.json["error"]["expected"]
    # an analysis alone cannot be reported blinded
    blinded = cli("report", trial.analysis, "-o", page, "--blinded", "--json")
    assert blinded.code == 1
    assert "trial or change" in blinded.json["error"]["remedy"]
    assert not page.exists()


def test_damaged_results_are_refused(cli: Cli, trial: TrialOnDisk, tmp_path: Path, page: Path) -> None:
    folder = tmp_path / "analysis"
    folder.mkdir()
    (folder / "analysis.json").write_text(json.dumps([1]))
    done = cli("report", folder, "-o", page, "--json")
    assert (done.code, done.json["error"]["code"]) == (1, "file-unreadable")


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_after("from lesionseg.cli.run import run; assert run(['report', '--help']) == 0")
    assert loaded.isdisjoint({*HEAVY, "jinja2", "pandas", "pyarrow", "weasyprint"})
