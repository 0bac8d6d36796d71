"""Appending: one at a time, on disk before it is said, and never onto a log that is not sound at its end."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lesionseg.core.audit import AuditEvent, append_record, read_key, read_log, recover_log, verify_log
from lesionseg.core.audit.head import head_path
from lesionseg.core.audit.locked import locked_log
from lesionseg.core.errors import AuditError, InputNotFoundError, OutputError
from tests.core.audit_builders import KEY, OTHER_KEY, clock, lines_of, write_log

EVENT = AuditEvent("reading-added", {"n": 1})
DYING_WRITER = """
import os, signal, sys
from pathlib import Path
from lesionseg.core.audit import AuditEvent, append
from lesionseg.core.audit.append import append_record

def half(descriptor, line):
    if b"fatal" in line:
        os.write(descriptor, line[: int(sys.argv[2])] if sys.argv[2] != "all" else line)
        os.kill(os.getpid(), signal.SIGKILL)
    os.write(descriptor, line)

append.write_all = half
append_record(Path(sys.argv[1]), AuditEvent("fatal", {"n": 7}))
"""


def killed_while_appending(log: Path, written: int | str) -> None:
    """Have a process killed after so many bytes of its record."""
    done = subprocess.run([sys.executable, "-c", DYING_WRITER, str(log), str(written)], check=False)
    assert done.returncode == -signal.SIGKILL


def append_many(path: str, writer: int, count: int) -> None:
    for number in range(count):
        append_record(Path(path), AuditEvent("added", {"writer": writer, "number": number}))


def test_the_first_record_is_that_of_the_opening(tmp_path: Path) -> None:
    log = tmp_path / "new" / "audit.jsonl"
    record = append_record(log, EVENT, now=lambda: datetime(2024, 5, 1, 12, tzinfo=UTC))
    opened, added = read_log(log)
    assert added == record
    assert (opened.number, opened.kind, opened.facts["key"]) == (1, "opened", "")
    assert (added.number, added.kind, added.facts) == (2, "reading-added", {"n": 1})
    assert added.time == "2024-05-01T12:00:00.000000+00:00"
    assert added.previous == opened.sha256
    assert [json.loads(line)["number"] for line in lines_of(log)] == [1, 2]


def test_a_record_is_on_disk_before_the_call_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write_log(tmp_path / "audit.jsonl", 1)
    synced: list[bytes] = []
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        fsync(descriptor)
        synced.append(log.read_bytes())

    monkeypatch.setattr(os, "fsync", watch)
    record = append_record(log, EVENT, now=clock)
    assert record.line in synced[-1]
    first = next(number for number, content in enumerate(synced) if record.line in content)
    assert first < len(synced) - 1  # the log itself, and then the head file


def test_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    log = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=append_many, args=(str(log), number, 10)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    records = read_log(log)
    assert len(records) == 41
    for number in range(4):
        mine = [record.facts["number"] for record in records if record.facts.get("writer") == number]
        assert mine == list(range(10))


def test_a_log_that_is_held_by_another_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.jsonl", 1)
    with (
        locked_log(log, writing=True),
        pytest.raises(AuditError, match="locked"),
        locked_log(log, writing=True, patience_seconds=0.02),
    ):
        pass


@pytest.mark.parametrize("written", [1, 40, 200])
def test_a_line_torn_by_a_crash_is_told_and_can_be_recovered_from(tmp_path: Path, written: int) -> None:
    log = write_log(tmp_path / "audit.jsonl", 2)
    whole = log.read_bytes()
    killed_while_appending(log, written)
    report = verify_log(log)
    assert not report.sound
    assert report.fault is None
    assert report.torn is not None
    assert report.torn.is_beginning
    assert len(report.torn.content) == written
    for refused in (lambda: append_record(log, EVENT), lambda: read_log(log)):
        with pytest.raises(AuditError, match="torn"):
            refused()

    record = recover_log(log, by="Admin", why="power cut", now=clock)
    assert log.read_bytes().startswith(whole)
    assert verify_log(log).sound
    assert record.kind == "recovered"
    assert (record.facts["by"], record.facts["why"]) == ("Admin", "power cut")
    assert record.facts["torn_bytes"] == written
    assert json.loads(record.facts["under_way"])["facts"] == {"n": 7}
    assert append_record(log, EVENT).number == record.number + 1
    with pytest.raises(AuditError, match="no torn last line"):
        recover_log(log, by="Admin", why="again")


def test_a_crash_before_the_first_byte_leaves_a_sound_log(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.jsonl", 2)
    killed_while_appending(log, 0)
    report = verify_log(log)
    assert report.sound
    assert "broken off before anything of record 4" in report.notes[0]
    assert append_record(log, EVENT).number == 4
    assert verify_log(log).notes == ()


@pytest.mark.parametrize("announced", [False, True])
def test_a_crash_at_the_very_beginning_leaves_an_empty_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    log = tmp_path / "audit.jsonl"

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"lesionseg.core.audit.append.{'write_all' if announced else 'write_head'}", crash)
        with pytest.raises(KeyboardInterrupt):
            append_record(log, EVENT)
    assert log.read_bytes() == b""
    assert read_log(log) == ()
    append_record(log, EVENT)
    assert [record.kind for record in read_log(log)] == ["opened", "reading-added"]


def test_a_crash_behind_the_last_byte_keeps_the_record(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.jsonl", 2)
    killed_while_appending(log, "all")
    report = verify_log(log)
    assert report.sound
    assert report.records[-1].kind == "fatal"
    assert "record 4 is whole" in report.notes[0]
    assert append_record(log, EVENT).number == 5
    assert [record.kind for record in read_log(log)][-2:] == ["fatal", "reading-added"]


def test_a_line_that_somebody_cut_is_not_taken_for_torn(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.jsonl", 2)
    log.write_bytes(log.read_bytes()[:-20])
    report = verify_log(log)
    assert report.torn is None
    assert report.fault is not None
    assert (report.fault.code, report.fault.line) == ("cut-off", 3)
    with pytest.raises(AuditError, match="no torn last line"):
        recover_log(log, by="Admin", why="looks torn")


def test_a_recovery_that_is_itself_broken_off_is_still_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = write_log(tmp_path / "audit.jsonl", 2)
    killed_while_appending(log, 30)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lesionseg.core.audit.append.write_all", fail)
        with pytest.raises(KeyboardInterrupt):
            recover_log(log, by="Admin", why="power cut")
    append_record(log, EVENT)
    assert [record.kind for record in read_log(log)][-2:] == ["recovered", "reading-added"]


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write_log(tmp_path / "audit.jsonl", 2)
    before = log.read_bytes()

    def fill(descriptor: int, line: bytes) -> None:
        os.write(descriptor, line[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("lesionseg.core.audit.append.write_all", fill)
        with pytest.raises(OutputError, match="No space left"):
            append_record(log, EVENT)
    assert log.read_bytes() == before
    assert verify_log(log).sound
    assert append_record(log, EVENT).number == 4


@pytest.mark.parametrize("harm", ["longer", "shorter", "headless", "other"])
def test_nothing_is_added_to_a_log_whose_end_is_not_sound(tmp_path: Path, harm: str) -> None:
    log = write_log(tmp_path / "audit.jsonl", 2)
    lines = lines_of(log)
    if harm == "longer":
        log.write_bytes(b"".join([*lines, lines[-1]]))
    elif harm == "shorter":
        log.write_bytes(b"".join(lines[:-1]))
    elif harm == "headless":
        head_path(log).unlink()
    else:
        log.write_bytes(b"".join([*lines[:-1], lines[-1].replace(b"10.5", b"10.6")]))
    before = log.read_bytes()
    with pytest.raises(AuditError, match="not as it was last written"):
        append_record(log, EVENT)
    assert log.read_bytes() == before


def test_a_log_keeps_the_key_that_it_was_opened_with(tmp_path: Path) -> None:
    keyed, plain = write_log(tmp_path / "keyed.jsonl", 1, KEY), write_log(tmp_path / "plain.jsonl", 1)
    for log, key in ((keyed, None), (keyed, OTHER_KEY), (plain, KEY)):
        with pytest.raises(AuditError, match="key"):
            append_record(log, EVENT, key=key)
    assert append_record(keyed, EVENT, key=KEY).mac
    assert verify_log(keyed, key=KEY).sound


def test_a_key_file_holds_a_secret_long_enough(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    with pytest.raises(InputNotFoundError):
        read_key(path)
    path.write_text("short\n")
    with pytest.raises(AuditError, match="32 bytes"):
        read_key(path)
    path.write_bytes(KEY.secret + b"\r\n")
    assert read_key(path) == KEY
    assert KEY.secret.decode() not in repr(read_key(path))


def test_what_is_no_json_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.jsonl", 1)
    before = log.read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        append_record(log, AuditEvent("x", {"ml": float("nan")}))
    assert log.read_bytes() == before
    assert verify_log(log).sound
