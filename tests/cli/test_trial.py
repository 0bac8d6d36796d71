"""``lesionseg trial`` as a user runs it; what it computes is tested in the workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from lesionseg.workflow.trial.request import TrialRequest
from tests.cli.conftest import Cli
from tests.workflow.builders import RuleSegmenter
from tests.workflow.trial_builders import good_request, hurry, write_table, write_trial


@pytest.fixture(autouse=True)
def quick_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("trial") / "dicom"
    write_trial(root)
    return root


@pytest.fixture
def trial(written: Path, tmp_path: Path) -> TrialRequest:
    return good_request(written, tmp_path)


def words_of(trial: TrialRequest, *more: object, arms: bool = True) -> list[object]:
    words = ["trial", trial.dicom, "--plan", trial.plan, "--visits", trial.visits, "-o", trial.output, *more]
    return [*words, "--arms", trial.arms] if arms else words


def test_trial_tells_visits_answer_and_where_the_report_is(
    cli: Cli, rule: RuleSegmenter, trial: TrialRequest
) -> None:
    done = cli(*words_of(trial))
    assert done.code == 0, done.err
    assert rule.calls == 8
    for word in ("4 subjects, 8 scans", "baseline", "day 28", "cells", "saline", "report.html"):
        assert word in done.out
    again = cli(*words_of(trial, "--json"))
    assert rule.calls == 8
    answer = again.json
    assert answer["ok"] is True
    assert answer["counts"] == {"measured": 8, "failed": 0, "not-evaluable": 0}
    assert answer["estimates"][0]["analysis"] == "primary"
    assert len(answer["times"]["taken_over"]) == 8


def test_without_arms_the_arms_stay_closed(cli: Cli, rule: RuleSegmenter, trial: TrialRequest) -> None:
    done = cli(*words_of(trial, "--no-pdf", arms=False))
    assert done.code == 0, done.err
    assert "blinded" in done.out
    assert "saline" not in done.out + done.err
    assert not (trial.output / "analysis").exists()
    assert not (trial.output / "report.pdf").exists()


def test_scan_that_fails_is_named_and_the_exit_code_is_3(
    cli: Cli, rule: RuleSegmenter, trial: TrialRequest, tmp_path: Path
) -> None:
    root = tmp_path / "dicom"
    write_trial(root)
    sorted((root / "A1" / "baseline").iterdir())[5].unlink()
    words = words_of(trial)
    words[1] = root
    done = cli(*words)
    assert done.code == 3
    assert "A1_baseline" in done.out
    answer = cli(*words, "--json")
    assert (answer.code, answer.json["ok"]) == (3, False)
    (failed,) = [scan for scan in answer.json["scans"] if scan["status"] == "failed"]
    assert failed["reason"] == "slices-missing"


def test_bad_table_is_explained_and_nothing_is_written(
    cli: Cli, rule: RuleSegmenter, trial: TrialRequest
) -> None:
    write_table(trial.arms or Path(), [{"subject": "A1", "arm": "cells"}, {"subject": "A2", "arm": ""}])
    done = cli(*words_of(trial, "--json"))
    assert done.code == 1
    assert done.json["error"]["code"] == "table"
    assert "row 3, column arm" in done.json["error"]["problem"]
    assert rule.calls == 0
    assert not trial.output.exists()


def test_plan_and_output_must_be_given(cli: Cli, trial: TrialRequest) -> None:
    assert cli("trial", trial.dicom, "-o", trial.output).code == 2
    assert cli("trial", trial.dicom, "--plan", trial.plan).code == 2
    assert cli(*words_of(trial, "--repair", "magic")).code == 2
