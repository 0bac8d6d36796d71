from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import generate_uid

from lesionseg.core.errors import AnatomyError, OutputError
from lesionseg.pacs.listener.courier import Courier
from lesionseg.pacs.listener.journal import Journal, ReceivedObject, Result, State
from lesionseg.pacs.listener.send import Outcome
from lesionseg.pacs.listener.study import Checkpoint, StudyTask
from lesionseg.pacs.listener.worker import Worker
from tests.pacs.listener.builders import (
    QuickSegmenter,
    received_files,
    running_archive,
    running_listener,
    send,
    settings_for,
    sources_of,
    wait_for_states,
    wait_until,
)


def in_other_study(datasets: list[Dataset], number: int) -> list[Dataset]:
    others = [dcmread(one.filename) for one in datasets]
    for one in others:
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(one, keyword, generate_uid(entropy_srcs=[one[keyword].value, str(number)]))
    return others


def transitions(folder: Path) -> list[tuple[int, str]]:
    with Journal(folder) as journal:
        return [(change.revision, change.after) for change in journal.transitions.all()]


def test_a_quiet_study_is_segmented_and_sent_once(place: Path, slices: list[Dataset]) -> None:
    with running_archive() as archive:
        settings = settings_for(place, send_to=archive.settings)
        segmenter, audited = QuickSegmenter(), []
        parts = {"segment_study": segmenter, "send": sender(settings), "audit": audited.append}
        with running_listener(settings, **parts):
            send(settings, slices)
            wait_for_states(place, State.SENT)
            time.sleep(1.0)
    assert len(segmenter.tasks) == 1
    assert sorted(one.Modality if "Modality" in one else one.SOPClassUID for one in archive.datasets())
    assert [len(versions) for versions in archive.objects.values()] == [1, 1]
    for result in archive.datasets():
        assert sources_of(result) == sorted(one.SOPInstanceUID for one in slices)
    steps = [(1, "received"), (1, "segmenting"), (1, "done"), (1, "sent")]
    assert transitions(place) == steps
    assert [(change.revision, change.after) for change in audited] == steps


def sender(settings):
    from lesionseg.pacs.listener.send import StoreSender

    return StoreSender(settings.send_to, settings.ae_title)


def test_a_study_that_still_grows_is_left_alone(place: Path, slices: list[Dataset]) -> None:
    clock = Clock()
    with Journal(place, clock=clock) as journal:
        for number in range(4):
            journal.objects.add(received(number))
            clock.seconds += 8
            assert journal.jobs.queue_quiet(10) == ()
        clock.seconds += 2
        assert [job.study_uid for job in journal.jobs.queue_quiet(10)] == ["1.2"]
        journal.objects.add(received(9))  # before the worker had time for it
        assert journal.jobs.claim(10) is None
        clock.seconds += 10
        job = journal.jobs.claim(10)
        assert job is not None
        assert len(journal.objects.of_study("1.2", job.through)) == 5


def test_quiet_is_counted_from_the_last_object_across_restarts(place: Path) -> None:
    clock = Clock()
    with Journal(place, clock=clock) as journal:
        journal.objects.add(received(1))
    clock.seconds += 9
    with Journal(place, clock=clock) as journal:
        assert journal.jobs.queue_quiet(10) == ()
        clock.seconds += 1
        assert len(journal.jobs.queue_quiet(10)) == 1


def test_late_objects_make_the_next_revision_of_the_whole_study(place: Path, slices: list[Dataset]) -> None:
    with running_archive() as archive:
        settings = settings_for(place, send_to=archive.settings)
        with running_listener(settings, send=sender(settings)):
            send(settings, slices[:4])
            wait_for_states(place, State.SENT)
            send(settings, slices[:4])  # nothing new
            time.sleep(1.2)
            send(settings, slices[4:])
            wait_for_states(place, State.SENT, State.SENT)
    assert [len(sources_of(one)) for one in archive.datasets()] == [4, 4, 6, 6]


def test_objects_that_come_during_the_case_supersede_it(place: Path, slices: list[Dataset]) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def hold(task: StudyTask, checkpoint: Checkpoint) -> None:
        begun.set()
        go_on.wait(30)

    with running_archive() as archive:
        settings = settings_for(place, send_to=archive.settings)
        parts = {"segment_study": QuickSegmenter(before=hold), "send": sender(settings)}
        with running_listener(settings, **parts):
            send(settings, slices[:4])
            assert begun.wait(30)
            send(settings, slices[4:])
            go_on.set()
            wait_for_states(place, State.SUPERSEDED, State.SENT)
    assert [len(sources_of(one)) for one in archive.datasets()] == [6, 6]


def test_results_that_wait_are_not_sent_after_those_of_a_later_revision(
    place: Path, slices: list[Dataset]
) -> None:
    refused = 0xA700  # out of resources; the first revision's results wait longer than the second one takes
    with running_archive(answers=[refused, refused]) as archive:
        retries = {"first_seconds": 6.0, "longest_seconds": 6.0}
        settings = settings_for(place, send_to=archive.settings, retries=retries)
        with running_listener(settings, send=sender(settings)):
            send(settings, slices[:4])
            wait_until(lambda: not archive.answers)
            send(settings, slices[4:])
            wait_for_states(place, State.SUPERSEDED, State.SENT)
            with Journal(place, clock=lambda: time.time() + 60) as journal:
                assert "revision 2" in journal.jobs.all()[0].reason
                assert not any(one.sent for one in journal.results.of_job(1))
                assert journal.results.due() == ()
    assert [len(sources_of(one)) for one in archive.datasets()] == [6, 6]


def test_without_a_destination_every_revision_stays_done(place: Path, slices: list[Dataset]) -> None:
    settings = settings_for(place)
    with running_listener(settings):
        send(settings, slices[:4])
        wait_for_states(place, State.DONE)
        send(settings, slices[4:])
        wait_for_states(place, State.DONE, State.DONE)


def test_a_study_that_fails_stops_no_other(place: Path, slices: list[Dataset]) -> None:
    errors = [AnatomyError("no lungs were found", case="scan"), ZeroDivisionError("of the segmenter")]
    settings = settings_for(place)
    with running_listener(settings, segment_study=QuickSegmenter(errors=errors)) as said:
        for study in (slices, in_other_study(slices, 1), in_other_study(slices, 2)):
            send(settings, study)
        wait_for_states(place, State.FAILED, State.FAILED, State.DONE)
    with Journal(place) as journal:
        assert [job.reason for job in journal.jobs.all()] == [
            "scan: no lungs were found.", "ZeroDivisionError: of the segmenter", "",
        ]  # fmt: skip
    assert sum("failed" in line for line in said) == 2


def test_a_received_file_that_changed_is_not_segmented(place: Path, slices: list[Dataset]) -> None:
    settings = settings_for(place, quiet_seconds=3600)
    with running_listener(settings):
        send(settings, slices)
    path = received_files(place)[0]
    path.write_bytes(path.read_bytes()[:-1])
    with running_listener(settings.model_copy(update={"quiet_seconds": 0.1})):
        wait_for_states(place, State.FAILED)
    with Journal(place) as journal:
        assert "no longer what was received" in journal.jobs.all()[0].reason


def test_objects_that_somebody_removed_can_be_sent_again(place: Path, slices: list[Dataset]) -> None:
    settings = settings_for(place)
    with running_listener(settings):
        send(settings, slices)
        wait_for_states(place, State.DONE)
    for path in received_files(place):
        path.unlink()
    with running_listener(settings) as said:
        assert any("6 received objects are no longer on disk" in line for line in said)
        send(settings, slices)
        wait_for_states(place, State.DONE, State.DONE)
    assert len(received_files(place)) == 6


def test_a_stop_in_good_order_is_not_counted_as_a_start(place: Path, slices: list[Dataset]) -> None:
    begun = threading.Event()

    def endless(task: StudyTask, checkpoint: Checkpoint) -> None:
        begun.set()
        while True:
            checkpoint()
            time.sleep(0.01)

    settings = settings_for(place)
    for _ in range(2):
        begun.clear()
        with running_listener(settings, segment_study=QuickSegmenter(before=endless)):
            send(settings, slices)
            assert begun.wait(30)
    with Journal(place) as journal:
        (job,) = journal.jobs.all()
        assert (job.state, job.starts) == (State.RECEIVED, 0)
    with running_listener(settings):
        wait_for_states(place, State.DONE)


def test_a_case_that_kills_the_process_is_set_aside_after_three_starts(place: Path) -> None:
    with Journal(place, clock=Clock()) as journal:
        journal.objects.add(received(1))
        journal.jobs.queue_quiet(0.0)
        for _ in range(2):
            assert journal.jobs.claim(0.0) is not None
            assert [job.state for job in journal.jobs.resume(3)] == [State.RECEIVED]
        assert journal.jobs.claim(0.0) is not None
        (job,) = journal.jobs.resume(3)
        assert job.state is State.FAILED
        assert "3 times" in job.reason
        assert journal.jobs.claim(0.0) is None
        assert journal.jobs.reopen("1.2")
        again = journal.jobs.claim(0.0)
        assert again is not None
        assert (again.revision, again.starts) == (2, 1)
        assert not journal.jobs.reopen("1.2")


def test_a_full_disk_is_tried_again_and_then_said(place: Path) -> None:
    clock, full = Clock(), OutputError("the results could not be written")
    settings = settings_for(place)
    said: list[str] = []
    with Journal(place, clock=clock) as journal:
        journal.objects.add(stored(place, 1))
        segmenter = QuickSegmenter(errors=[full] * 3)
        worker = Worker(settings, journal, segmenter, stop=threading.Event(), say=said.append)
        for wait in (60, 120):
            clock.seconds += 1
            assert worker.step()
            assert not worker.step()
            clock.seconds += wait
        clock.seconds += 1
        assert worker.step()
        assert [job.state for job in journal.jobs.all()] == [State.FAILED]
    assert len(segmenter.tasks) == 3


def test_an_end_that_cannot_be_recorded_is_recorded_later(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    with Journal(place, clock=clock) as journal:
        journal.objects.add(stored(place, 1))
        clock.seconds += 10
        segmenter = QuickSegmenter(errors=[AnatomyError("no lungs")])
        worker = Worker(settings_for(place), journal, segmenter, stop=threading.Event(), say=lambda _: None)
        with monkeypatch.context() as patch:
            patch.setattr(journal.jobs, "fail", failing)
            with pytest.raises(OutputError):
                worker.step()
            with pytest.raises(OutputError):
                worker.step()
        worker._owed = lambda: journal.jobs.fail(journal.jobs.all()[0], "no lungs")
        assert not worker.step()
        assert [job.state for job in journal.jobs.all()] == [State.FAILED]


def failing(*_: object) -> None:
    raise OutputError("the disk is full")


def test_a_refused_result_is_sent_again(place: Path, slices: list[Dataset]) -> None:
    with running_archive(answers=[0xA700, 0x0000, 0xC000]) as archive:
        settings = settings_for(place, send_to=archive.settings)
        with running_listener(settings, send=sender(settings)) as said:
            send(settings, slices)
            wait_for_states(place, State.SENT)
    assert [len(versions) for versions in archive.objects.values()] == [1, 1]
    assert sum("is sent again in" in line and "status" in line for line in said) == 2


def test_an_archive_that_is_away_gets_its_results_later(place: Path, slices: list[Dataset]) -> None:
    with running_archive() as archive:
        settings = settings_for(place, send_to={**archive.settings, "port": 1})
        with running_listener(settings, send=sender(settings)) as said:
            send(settings, slices)
            wait_until(lambda: any("cannot be reached" in line for line in said))
        settings = settings.model_copy(
            update={"send_to": settings.send_to.model_copy(update={"port": archive.port})}
        )
        with running_listener(settings, send=sender(settings)):
            wait_for_states(place, State.SENT)
    assert len(archive.objects) == 2


def test_an_archive_that_takes_no_such_objects_is_named(place: Path, slices: list[Dataset]) -> None:
    with running_archive(sop_classes=["1.2.840.10008.5.1.4.1.1.4"]) as archive:
        settings = settings_for(place, send_to=archive.settings)
        with running_listener(settings, send=sender(settings)) as said:
            send(settings, slices)
            wait_until(lambda: any("none of these kinds" in line for line in said))


def test_after_the_last_attempt_the_study_has_failed_and_keeps_its_results(place: Path) -> None:
    clock = Clock()
    settings = settings_for(place, retries={"first_seconds": 10, "longest_seconds": 25, "attempts": 4})
    at: list[float] = []

    def refuse(paths):
        at.append(clock.seconds)
        for path in paths:
            yield Outcome(path, is_stored=False, detail="no")

    with Journal(place, clock=clock) as journal:
        finished_job(journal, place, clock)
        courier = Courier(settings, journal, refuse, stop=threading.Event(), say=lambda _: None)
        start = clock.seconds
        for _ in range(100):
            courier.step()
            clock.seconds += 1
        (job,) = journal.jobs.all()
        assert job.state is State.FAILED
        assert job.reason == "not sent after 4 attempts: no"
        assert [moment - start for moment in at] == [0, 10, 30, 55]
        assert (place / journal.results.of_job(job.number)[0].file).is_file()


def test_a_result_that_changed_on_disk_is_not_sent(place: Path) -> None:
    clock = Clock()
    with Journal(place, clock=clock) as journal:
        finished_job(journal, place, clock).write_bytes(b"another")
        courier = Courier(
            settings_for(place), journal, pytest.fail, stop=threading.Event(), say=lambda _: None
        )
        courier.step()
        (job,) = journal.jobs.all()
        assert job.state is State.FAILED
        assert "has changed or gone" in job.reason
        assert not courier.step()


class Clock:
    seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds


def received(number: int) -> ReceivedObject:
    return ReceivedObject(f"1.2.{number}", "1.2", "1.3", f"studies/1.2/objects/{number}", "0" * 64, 10, "AE")


def stored(folder: Path, number: int) -> ReceivedObject:
    """An object whose file is there."""
    from dataclasses import replace

    from lesionseg.core.provenance import sha256_of_file
    from tests.support.ct_series import chest_volume, write_series

    series = write_series(folder / "studies/1.2/objects", chest_volume((1, 8, 8)))
    path = series.paths[0].rename(series.folder / str(number))
    return replace(received(number), sha256=sha256_of_file(path))


def finished_job(journal: Journal, folder: Path, clock: Clock) -> Path:
    """A job whose one result waits to be sent; the result's file."""
    from lesionseg.core.provenance import sha256_of_file

    journal.objects.add(received(1))
    clock.seconds += 10
    journal.jobs.queue_quiet(1)
    job = journal.jobs.claim(1)
    assert job is not None
    path = folder / "result.dcm"
    path.write_bytes(b"result")
    journal.jobs.finish(job, [Result(job.number, "2.25.1", path.name, sha256_of_file(path))])
    return path
