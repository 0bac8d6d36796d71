"""A pull that is killed in the middle: nothing of it is taken for a scan, and the next one is whole."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lesionseg.core.errors import EmptyInputError
from lesionseg.core.files import STAGING_PREFIX
from lesionseg.dicom.discovery import find_slices
from lesionseg.pacs.web import Query, pull
from tests.pacs.builders import connect, held_series
from tests.pacs.fake_archive import Answer, FakeArchive


def wait_for_object(folder: Path) -> None:
    deadline = time.monotonic() + 60
    while not list(folder.rglob(f"{STAGING_PREFIX}*/*.dcm")):
        assert time.monotonic() < deadline, "no object has arrived"
        time.sleep(0.02)


def test_half_a_series_is_no_scan_and_the_next_pull_is_whole(fake: FakeArchive, tmp_path: Path) -> None:
    fake.held = held_series(count=4, pixels=400_000)
    hold = threading.Event()

    def stalled(answer: Answer) -> Answer:
        return Answer(200, answer.content_type, answer.body, sent_bytes=len(answer.body) // 2, hold=hold)

    fake.fail("whole", stalled)
    command = [sys.executable, "-m", "lesionseg", "pacs", "pull", "--url", fake.url, "--patient", "P1"]
    process = subprocess.Popen([*command, "-o", str(tmp_path)], stdout=subprocess.DEVNULL)
    try:
        wait_for_object(tmp_path)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        hold.set()
    with pytest.raises(EmptyInputError):
        find_slices(tmp_path)
    with connect(fake) as archive:
        (one,) = pull(archive, Query(patient_id="P1"), tmp_path)
    assert (one.state, one.instances) == ("fetched", 4)
