"""One row and one state for every case; the folder belongs to one process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.folder import own_folder
from lesionseg.batch.layout import LEDGER
from lesionseg.batch.ledger import LEFT_BEHIND, Ledger
from lesionseg.batch.records import CaseKey, State
from lesionseg.core.database import Database
from lesionseg.core.errors import OutputError, OutputExistsError

KEY = CaseKey("a" * 64, "b" * 64, "c" * 64)


def case(name: str, identity: str = "") -> BatchCase:
    return BatchCase(name, identity or name, Path("scans") / name, patient_id=name)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite")


def test_names_are_unique_whatever_their_case(ledger: Ledger) -> None:
    named = ledger.enlist([case("P1", "one"), case("P1", "two"), case("p1", "three")])
    assert [found.case_id for found in named] == ["P1", "P1_2", "p1_3"]


def test_a_scan_keeps_the_name_it_got_first(ledger: Ledger) -> None:
    ledger.enlist([case("P1", "late")])
    named = ledger.enlist([case("P1", "early"), case("P1", "late")])
    assert [found.case_id for found in named] == ["P1_2", "P1"]


def test_what_a_killed_process_left_waits_again(tmp_path: Path, ledger: Ledger) -> None:
    ledger.enlist([case("P1"), case("P2")])
    ledger.start("P1")
    again = Ledger(tmp_path / "ledger.sqlite")
    again.enlist([case("P1"), case("P2")])
    found = again.record("P1")
    assert (found.state, found.starts, found.reason_text) == (State.PENDING, 1, LEFT_BEHIND)


def test_a_stop_in_good_order_is_not_counted(ledger: Ledger) -> None:
    ledger.enlist([case("P1")])
    ledger.start("P1")
    ledger.put_back("P1", "stopped")
    assert ledger.record("P1").starts == 0


def test_a_done_case_says_what_it_was_made_of(ledger: Ledger) -> None:
    ledger.enlist([case("P1")])
    ledger.start("P1")
    ledger.finish("P1", KEY, {"labels.nii.gz": "d" * 64}, ["odd"])
    found = ledger.record("P1")
    assert (found.state, found.key, found.outputs) == (State.DONE, KEY, {"labels.nii.gz": "d" * 64})
    assert found.warnings == ("odd",)
    assert found.facts["patient_id"] == "P1"
    assert [line.state for line in ledger.history()] == [State.RUNNING, State.DONE]


def test_a_failed_case_has_no_key(ledger: Ledger) -> None:
    ledger.enlist([case("P1")])
    ledger.finish("P1", KEY, {})
    ledger.outdate("P1")
    ledger.fail("P1", "slices-missing", "a slice is missing")
    found = ledger.record("P1")
    assert (found.state, found.key) == (State.FAILED, None)
    assert (found.reason, found.reason_text) == ("slices-missing", "a slice is missing")


def test_cases_of_other_inputs_stay(ledger: Ledger) -> None:
    ledger.enlist([case("P1")])
    ledger.enlist([case("P2")])
    assert [(found.case_id, found.listed) for found in ledger.records()] == [("P1", False), ("P2", True)]


def test_facts_are_those_of_the_last_call(ledger: Ledger) -> None:
    ledger.enlist([case("P1")])
    ledger.enlist([replace(case("P1"), path=Path("moved"))])
    assert ledger.record("P1").facts["path"] == "moved"


def test_a_ledger_of_another_layout_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path / "ledger.sqlite", LEDGER)
    with database.transaction() as connection:
        connection.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(OutputError, match="another version"):
        Ledger(tmp_path / "ledger.sqlite")


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(OutputError, match="ledger"):
        Ledger(tmp_path / "ledger.sqlite")


def test_what_a_killed_process_left_half_written_is_swept_from_our_folder_only(tmp_path: Path) -> None:
    ours, foreign = tmp_path / "ours", tmp_path / "foreign"
    for folder in (ours, foreign):
        (folder / "cases" / ".lesionseg-x").mkdir(parents=True)
        (folder / ".lesionseg-ymanifest.json").write_text("")
    (ours / "manifest.json").write_text('{"format": "lesionseg-batch/1"}')
    (foreign / "manifest.json").write_text('{"format": "lesionseg-manifest/1"}')
    with own_folder(ours):
        assert sorted(path.name for path in ours.rglob("*")) == ["cases", "manifest.json"]
    with pytest.raises(OutputExistsError), own_folder(foreign):
        pass
    assert (foreign / "cases" / ".lesionseg-x").is_dir()


def test_a_process_killed_before_its_first_file_leaves_a_usable_folder(tmp_path: Path) -> None:
    (tmp_path / ".lesionseg-abcmanifest.json").write_text("{")
    with own_folder(tmp_path):
        pass
