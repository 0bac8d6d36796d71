"""The listener is killed with SIGKILL at the worst moments; after the restart nothing is lost or twice."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from lesionseg.pacs.listener.journal import Journal, State
from lesionseg.pacs.listener.settings import ListenSettings
from tests.pacs.listener.builders import (
    WAIT_SECONDS,
    Archive,
    association,
    received_files,
    running_archive,
    send,
    settings_for,
    sources_of,
    status_of,
    wait_for_states,
    wait_until,
)
from tests.pacs.listener.killable import HOLD, IN_CASE, LISTENING
from tests.support.ct_series import Series

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@dataclass
class Killable:
    """A listener process that is started again and again on the same folder."""

    settings: ListenSettings
    control: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        (self.control / LISTENING).unlink(missing_ok=True)
        path = self.control / "settings.json"
        content = {"settings": self.settings.model_dump(mode="json"), "control": str(self.control)}
        path.write_text(json.dumps(content))
        command = [sys.executable, "-m", "tests.pacs.listener.killable", str(path)]
        with (self.control / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log)
        wait_until(lambda: (self.control / LISTENING).exists() or self.process.poll() is not None)
        assert self.process.poll() is None, (self.control / "log").read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_SECONDS)

    def hold(self) -> None:
        (self.control / IN_CASE).unlink(missing_ok=True)
        (self.control / HOLD).touch()

    def let_go(self) -> None:
        (self.control / HOLD).unlink()

    def wait_in_case(self) -> None:
        wait_until((self.control / IN_CASE).exists)


@pytest.fixture
def archive() -> Iterator[Archive]:
    with running_archive() as running:
        yield running


@pytest.fixture
def listener(place: Path, tmp_path: Path, archive: Archive) -> Iterator[Killable]:
    control = tmp_path / "control"
    control.mkdir()
    # long enough that a study which a busy machine sends slowly is not taken as complete in between
    killable = Killable(settings_for(place, send_to=archive.settings, quiet_seconds=6), control)
    yield killable
    if killable.process is not None and killable.process.poll() is None:
        killable.kill()


def assert_each_once(listener: Killable, archive: Archive, sent: list[Dataset]) -> None:
    """Every object on disk as it was sent, every study segmented, its results stored, all of it once."""
    folder = listener.settings.folder
    kept = {dcmread(path).SOPInstanceUID: dcmread(path) for path in received_files(folder)}
    assert len(received_files(folder)) == len(kept) == len(sent)
    assert all(kept[one.SOPInstanceUID] == one for one in sent)
    assert not list(folder.glob("studies/*/aside/*"))
    studies = {one.StudyInstanceUID for one in sent}
    results = archive.datasets()
    assert sorted(one.StudyInstanceUID for one in results) == sorted([*studies] * 2)
    for result in results:
        of_study = [one.SOPInstanceUID for one in sent if one.StudyInstanceUID == result.StudyInstanceUID]
        assert sources_of(result) == sorted(of_study)
    # what went twice, since its answer was lost, is the same object
    assert all(len(set(versions)) == 1 for versions in archive.objects.values())


def test_killed_between_two_objects(listener: Killable, archive: Archive, slices: list[Dataset]) -> None:
    listener.start()
    with association(listener.settings) as assoc:
        assert [status_of(assoc, one) for one in slices[:3]] == [0, 0, 0]
        listener.kill()
        assert status_of(assoc, slices[3]) == -1
    listener.start()
    assert len(received_files(listener.settings.folder)) == 3
    send(listener.settings, slices)
    wait_for_states(listener.settings.folder, State.SENT)
    assert_each_once(listener, archive, slices)


def test_what_was_acknowledged_needs_no_second_sending(
    listener: Killable, archive: Archive, slices: list[Dataset]
) -> None:
    listener.start()
    send(listener.settings, slices)
    listener.kill()
    listener.start()
    wait_for_states(listener.settings.folder, State.SENT)
    assert_each_once(listener, archive, slices)


def test_killed_in_the_middle_of_an_object(
    listener: Killable, archive: Archive, slices: list[Dataset]
) -> None:
    large = dcmread(slices[0].filename)
    large.PixelData = bytes(60_000_000)
    listener.start()
    statuses: list[int] = []
    sender = threading.Thread(target=lambda: statuses.extend(send(listener.settings, [slices[1], large])))
    sender.start()
    wait_until(lambda: len(received_files(listener.settings.folder)) == 1)
    time.sleep(0.1)
    listener.kill()
    sender.join()
    assert statuses == [0, -1]
    listener.start()
    assert len(list(listener.settings.folder.rglob("*.dcm"))) == 1
    send(listener.settings, slices)
    wait_for_states(listener.settings.folder, State.SENT)
    assert_each_once(listener, archive, slices)


def test_killed_in_the_middle_of_a_case(listener: Killable, archive: Archive, slices: list[Dataset]) -> None:
    listener.hold()
    listener.start()
    send(listener.settings, slices)
    listener.wait_in_case()
    listener.kill()
    listener.let_go()
    listener.start()
    wait_for_states(listener.settings.folder, State.SENT)
    assert_each_once(listener, archive, slices)
    with Journal(listener.settings.folder) as journal:
        assert journal.jobs.all()[0].starts == 2


def test_a_case_in_which_the_process_dies_three_times_stops_no_other(
    listener: Killable, archive: Archive, slices: list[Dataset]
) -> None:
    others = [dcmread(one.filename) for one in slices]
    for one in others:
        one.StudyInstanceUID = generate_uid(entropy_srcs=["other study"])
        one.SOPInstanceUID = generate_uid(entropy_srcs=["other", one.SOPInstanceUID])
    for number in range(3):
        listener.hold()
        listener.start()
        if number == 0:
            send(listener.settings, slices)
        listener.wait_in_case()
        listener.kill()
    listener.let_go()
    listener.start()
    send(listener.settings, others)
    wait_for_states(listener.settings.folder, State.FAILED, State.SENT)
    assert {one.StudyInstanceUID for one in archive.datasets()} == {others[0].StudyInstanceUID}


@pytest.mark.parametrize("stored", [1, 2])
def test_killed_before_the_archives_answer_was_noted(
    listener: Killable, archive: Archive, slices: list[Dataset], stored: int
) -> None:
    def kill() -> None:
        if sum(map(len, archive.objects.values())) == stored and listener.process.poll() is None:
            listener.kill()

    archive.on_stored = kill
    listener.start()
    send(listener.settings, slices)
    wait_until(lambda: listener.process.poll() is not None)
    archive.on_stored = None
    listener.start()
    wait_for_states(listener.settings.folder, State.SENT)
    assert_each_once(listener, archive, slices)
    assert sum(map(len, archive.objects.values())) == 3


def test_killed_at_random_moments(
    listener: Killable, archive: Archive, small_series: Series, slices: list[Dataset]
) -> None:
    studies = [slices]
    for number in range(3):
        copies = [dcmread(path) for path in small_series.paths]
        for one in copies:
            one.StudyInstanceUID = generate_uid(entropy_srcs=[f"study {number}"])
            one.SOPInstanceUID = generate_uid(entropy_srcs=[f"{number}", one.SOPInstanceUID])
        studies.append(copies)
    everything = [one for study in studies for one in study]
    chance = random.Random(5)
    acknowledged: set[str] = set()
    done = threading.Event()

    def send_until_taken() -> None:
        while not done.is_set() and len(acknowledged) < len(everything):
            with association(listener.settings) as assoc:
                for one in everything:
                    if one.SOPInstanceUID in acknowledged:
                        continue
                    if status_of(assoc, one) != 0:
                        break  # the listener is gone; on this association an answer would be awaited in vain
                    acknowledged.add(one.SOPInstanceUID)
            time.sleep(0.05)

    sender = threading.Thread(target=send_until_taken)
    listener.start()
    sender.start()
    try:
        for _ in range(6):
            time.sleep(chance.uniform(0.05, 0.9))
            listener.kill()
            kept = {dcmread(path).SOPInstanceUID for path in received_files(listener.settings.folder)}
            assert acknowledged <= kept
            listener.start()
        sender.join(WAIT_SECONDS)
    finally:
        done.set()
        sender.join()
    assert len(acknowledged) == len(everything)

    def all_sent() -> bool:
        # sent may be a revision made before the last objects came: one of them all is waited for
        with Journal(listener.settings.folder) as journal:
            newest = {job.study_uid: job for job in journal.jobs.all()}
            held = [len(journal.objects.of_study(uid, job.through)) for uid, job in newest.items()]
        is_whole = held == [len(slices)] * len(studies)
        return is_whole and {job.state for job in newest.values()} == {State.SENT}

    wait_until(all_sent)
    # a study whose sender was cut off for longer than it takes to be quiet has an earlier revision too,
    # whose results never come after those of the whole study
    whole = {one.StudyInstanceUID: len(sources_of(one)) for one in archive.datasets()}
    assert set(whole.values()) == {len(slices)}
    assert all(len(set(versions)) == 1 for versions in archive.objects.values())
    assert not list(listener.settings.folder.glob("studies/*/*/.*"))
    kept = [dcmread(path).SOPInstanceUID for path in received_files(listener.settings.folder)]
    assert sorted(kept) == sorted(one.SOPInstanceUID for one in everything)


def test_stopped_by_sigterm_in_the_middle_of_a_case(
    listener: Killable, archive: Archive, slices: list[Dataset]
) -> None:
    listener.hold()
    listener.start()
    send(listener.settings, slices)
    listener.wait_in_case()
    assert listener.stop() == 0
    listener.let_go()
    listener.start()
    wait_for_states(listener.settings.folder, State.SENT)
    assert_each_once(listener, archive, slices)
    with Journal(listener.settings.folder) as journal:
        assert journal.jobs.all()[0].starts == 1
