"""Whatever is done to a log is found, and the first bad line is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lesionseg.core.audit import AuditReport, read_log, verify_log
from lesionseg.core.audit.head import Head, head_path, read_head, write_head
from lesionseg.core.audit.record import AuditEvent, make_record
from lesionseg.core.audit.verify import verify_content
from lesionseg.core.errors import AuditError, InputNotFoundError
from tests.core.audit_builders import KEY, OTHER_KEY, START, lines_of, write_log

RECORDS = 3
LINES = RECORDS + 1


@pytest.fixture(scope="module", params=[None, KEY], ids=["plain", "keyed"])
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_log(tmp_path_factory.mktemp("log") / "audit.jsonl", RECORDS, request.param)


def altered(log: Path, content: bytes) -> AuditReport:
    """Verify other content behind the same head file, without the key."""
    head = read_head(log)
    assert head is not None
    return verify_content(log, content, head, None)


def code_and_line(report: AuditReport) -> tuple[str, int]:
    assert report.fault is not None
    return report.fault.code, report.fault.line


def test_a_log_that_nobody_touched_is_sound(log: Path) -> None:
    report = verify_log(log)
    assert report.sound
    assert [record.number for record in report.records] == [1, 2, 3, 4]
    assert report.last_sha256 == report.records[-1].sha256
    assert [record.facts["ml"] for record in read_log(log)[1:]] == [0.0, 10.5, 21.0]


def test_every_single_byte_is_guarded(log: Path) -> None:
    content = log.read_bytes()
    line = 1
    for place, byte in enumerate(content):
        for other in {byte ^ (1 << place % 8), ord("\n")} - {byte}:
            report = altered(log, content[:place] + bytes([other]) + content[place + 1 :])
            assert not report.sound, f"byte {place} became {other}"
            assert report.fault is not None
            assert report.fault.line == line, f"byte {place} became {other}: {report.fault}"
        line += byte == ord("\n")


def test_every_byte_of_the_head_file_is_guarded(log: Path) -> None:
    place = log.parent / "headed.jsonl"
    place.write_bytes(log.read_bytes())
    content = head_path(log).read_bytes()
    for number, byte in enumerate(content):
        head_path(place).write_bytes(content[:number] + bytes([byte ^ 1]) + content[number + 1 :])
        report = verify_log(place, key=KEY if report_is_keyed(log) else None)
        assert not report.sound, f"byte {number}"


def report_is_keyed(log: Path) -> bool:
    return verify_log(log).keyed


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_removed_line_is_found(log: Path, data: st.DataObject) -> None:
    lines = lines_of(log)
    first = data.draw(st.integers(0, LINES - 1))
    last = data.draw(st.integers(first, LINES - 1))
    report = altered(log, b"".join(lines[:first] + lines[last + 1 :]))
    expected = "removed-at-end" if last == LINES - 1 else "removed"
    assert code_and_line(report) == (expected, first + 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(LINES)))
def test_reordered_lines_are_found(log: Path, order: list[int]) -> None:
    lines = lines_of(log)
    report = altered(log, b"".join(lines[number] for number in order))
    wrong = [place for place, number in enumerate(order) if place != number]
    if wrong:
        assert code_and_line(report) == ("reordered", wrong[0] + 1)
    else:
        assert report.sound


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(copied=st.integers(0, LINES - 1), after=st.integers(0, LINES - 1))
def test_a_line_that_stands_twice_is_found(log: Path, copied: int, after: int) -> None:
    lines = lines_of(log)
    report = altered(log, b"".join([*lines[: after + 1], lines[copied], *lines[after + 1 :]]))
    if copied <= after:
        assert code_and_line(report) == ("repeated", after + 2)
    else:
        place = after + 2 if copied > after + 1 else after + 3
        assert code_and_line(report) == ("reordered" if copied > after + 1 else "repeated", place)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_other_content_is_found(log: Path, data: st.DataObject) -> None:
    content = log.read_bytes()
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    inserted = data.draw(st.binary(max_size=20))
    changed = content[:start] + inserted + content[end:]
    assert altered(log, changed).sound == (changed == content)


def test_a_record_rewritten_with_a_right_hash_breaks_the_chain_behind_it(log: Path) -> None:
    lines, second = lines_of(log), read_log(log)[1]
    forged = make_record(
        AuditEvent(second.kind, {**second.facts, "ml": 99}),
        number=2, previous=second.previous, moment=START, key=None,
    )  # fmt: skip
    assert code_and_line(altered(log, b"".join([lines[0], forged.line, *lines[2:]]))) == ("replaced", 3)
    last = read_log(log)[-1]
    forged = make_record(AuditEvent("x", {}), number=4, previous=last.previous, moment=START, key=None)
    assert code_and_line(altered(log, b"".join([*lines[:3], forged.line])))[0] == "replaced"


def test_a_lost_log_and_a_lost_head_file_are_told(log: Path, tmp_path: Path) -> None:
    place = tmp_path / "audit.jsonl"
    with pytest.raises(InputNotFoundError):
        verify_log(place)
    head_path(place).write_bytes(head_path(log).read_bytes())
    assert code_and_line(verify_log(place)) == ("log-missing", 1)
    head_path(place).unlink()
    place.write_bytes(log.read_bytes())
    assert code_and_line(verify_log(place))[0] == "head-missing"
    with pytest.raises(AuditError, match="head file"):
        read_log(place)


def test_without_the_key_a_whole_new_log_can_be_written_but_does_not_verify_with_it(tmp_path: Path) -> None:
    real = write_log(tmp_path / "real.jsonl", 3, KEY)
    assert verify_log(real).sound
    assert not verify_log(real).key_checked
    assert verify_log(real, key=KEY).key_checked
    unsigned = write_log(tmp_path / "unsigned.jsonl", 3)
    assert verify_log(unsigned).sound
    assert code_and_line(verify_log(unsigned, key=KEY)) == ("other-key", 1)
    signed = write_log(tmp_path / "signed.jsonl", 3, OTHER_KEY)
    assert code_and_line(verify_log(signed, key=KEY)) == ("other-key", 1)


def test_with_a_head_file_that_claims_the_key_the_forger_is_found_at_the_first_line(tmp_path: Path) -> None:
    forged = write_log(tmp_path / "forged.jsonl", 2, OTHER_KEY)
    head = json.loads(head_path(forged).read_text())
    names = ("count", "last_bytes", "sha256", "size_bytes")
    write_head(forged, Head(key=KEY.identifier, **{name: head[name] for name in names}), OTHER_KEY)
    assert verify_log(forged).sound
    assert code_and_line(verify_log(forged, key=KEY)) == ("forged", 1)


def test_a_keyed_log_cut_short_with_a_head_file_to_match_is_found(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.jsonl", 3, KEY)
    lines, records = lines_of(log), read_log(log)
    log.write_bytes(b"".join(lines[:3]))
    head = Head(3, sum(map(len, lines[:3])), len(lines[2]), records[2].sha256, KEY.identifier)
    write_head(log, head, OTHER_KEY)
    assert verify_log(log).sound  # without the key nobody can tell
    assert code_and_line(verify_log(log, key=KEY)) == ("head-forged", 0)
