"""``lesionseg batch`` over a query: a real PACS, and one that fails on command."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from lesionseg.cli.run import run
from tests.batch.builders import DATE, fingerprint, name, write_scan
from tests.pacs.fake_archive import FakeArchive, Held, as_usual, cut_after, status
from tests.pacs.orthanc import Orthanc
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter
from tests.workflow.trial_builders import hurry

A, B, C = (name(f"P00{number}") for number in (1, 2, 3))


@pytest.fixture(autouse=True)
def segmenter(monkeypatch: pytest.MonkeyPatch) -> RuleSegmenter:
    hurry(monkeypatch)
    rule = RuleSegmenter()
    place = "lesionseg.workflow.segmenting.DeferredSegmenter.from_settings"
    monkeypatch.setattr(place, lambda settings: rule)
    return rule


@pytest.fixture
def sent(tmp_path: Path) -> list[Series]:
    return [write_scan(tmp_path / "sent", f"P00{number}") for number in (1, 2, 3)]


def query(folder: Path, url: str, *lines: str) -> Path:
    settings = folder / "pacs.yaml"
    settings.write_text(f"web:\n  url: {url}\n  attempts: 2\n  first_wait_seconds: 0\n")
    path = folder / "query.yaml"
    path.write_text("\n".join(["archive: pacs.yaml", "from: 2020-04-01", "to: 2020-04-01", *lines]) + "\n")
    return path


def states(out: Path) -> dict[str, str]:
    with (out / "summary.csv").open(encoding="utf-8", newline="") as stream:
        return {row["case"]: row["reason"] or row["state"] for row in csv.DictReader(stream)}


def batch(path: Path, out: Path, *options: str) -> int:
    return run(["batch", str(path), "-o", str(out), "--quiet", *options])


def test_studies_of_a_real_archive_are_measured_as_those_on_disk(
    orthanc: Orthanc, sent: list[Series], tmp_path: Path, segmenter: RuleSegmenter
) -> None:
    for series in sent:
        orthanc.store(series.folder)
    path, out = query(tmp_path, orthanc.dicomweb_url), tmp_path / "out"
    assert batch(path, out) == 0
    assert states(out) == {A: "done", B: "done", C: "done"}
    assert segmenter.calls == 3
    assert not (out / "pulled").exists()
    assert batch(tmp_path / "sent", tmp_path / "disk") == 0
    found, wanted = fingerprint(out), fingerprint(tmp_path / "disk")
    same = [place for place in wanted if place.endswith((".csv", ".nii.gz", ".json"))]
    same = [place for place in same if "manifest" not in place and place != "summary.csv"]
    assert len(same) == 9
    assert [found[place] for place in same] == [wanted[place] for place in same]


def test_a_real_archive_is_compared_before_anything_is_fetched_again(
    orthanc: Orthanc, sent: list[Series], tmp_path: Path, segmenter: RuleSegmenter
) -> None:
    for series in sent[:2]:
        orthanc.store(series.folder)
    path, out = query(tmp_path, orthanc.dicomweb_url), tmp_path / "out"
    assert batch(path, out) == 0
    before = fingerprint(out)
    assert batch(path, out) == 0
    assert segmenter.calls == 2
    assert fingerprint(out) == before
    orthanc.store(sent[2].folder)
    middle = str(sent[0].datasets()[6].SOPInstanceUID)
    (instance,) = orthanc.rest(
        "POST", "/tools/find", json={"Level": "Instance", "Query": {"SOPInstanceUID": middle}}
    )
    orthanc.rest("DELETE", f"/instances/{instance}")
    assert batch(path, out) == 3
    assert states(out) == {A: "slices-missing", B: "done", C: "done"}
    assert segmenter.calls == 3


def test_patients_are_those_that_are_named(orthanc: Orthanc, sent: list[Series], tmp_path: Path) -> None:
    for series in sent:
        orthanc.store(series.folder)
    path = query(tmp_path, orthanc.dicomweb_url, "patients: [P003, P001]", "keep: true")
    assert batch(path, tmp_path / "out") == 0
    assert states(tmp_path / "out") == {A: "done", C: "done"}
    kept = {place.name for place in (tmp_path / "out" / "pulled").iterdir()}
    assert kept == {A, C}


@pytest.fixture
def filled(fake: FakeArchive, sent: list[Series]) -> FakeArchive:
    for series in sent:
        settings = series.settings
        for path, dataset in zip(series.paths, series.datasets(), strict=True):
            uids = (settings.study_uid, settings.series_uid, str(dataset.SOPInstanceUID))
            fake.held.append(Held(path.read_bytes(), settings.patient_id, *uids, study_date=DATE))
    return fake


def test_a_study_that_fails_to_come_is_a_row_and_comes_the_next_time(
    filled: FakeArchive, tmp_path: Path, segmenter: RuleSegmenter
) -> None:
    path, out = query(tmp_path, filled.url), tmp_path / "out"
    filled.fail("whole", as_usual, status(403))
    assert batch(path, out) == 3
    failed = [case for case, state in states(out).items() if state == "pacs-refused"]
    assert len(failed) == 1
    assert sorted(states(out).values()) == ["done", "done", "pacs-refused"]
    asked = len(filled.asked("whole"))
    assert batch(path, out) == 0
    assert len(filled.asked("whole")) == asked + 1
    assert segmenter.calls == 3


def test_a_break_in_the_middle_of_a_study_loses_nothing(filled: FakeArchive, tmp_path: Path) -> None:
    filled.fail("whole", as_usual, cut_after(3000))
    assert batch(query(tmp_path, filled.url), tmp_path / "out") == 0
    assert set(states(tmp_path / "out").values()) == {"done"}


def test_an_archive_that_cannot_be_asked_ends_it_before_any_work(
    filled: FakeArchive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.fail("studies", status(401))
    assert batch(query(tmp_path, filled.url), tmp_path / "out", "--json") == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "pacs-refused"
    assert not (tmp_path / "out").exists()
    assert filled.asked("whole") == []


def test_a_query_that_is_wrong_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "query.yml"
    path.write_text("url: http://127.0.0.1:1/x\n")
    assert batch(path, tmp_path / "out", "--json") == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "configuration"
    assert "whole archive" in error["problem"]
