"""From storescu to the archive: received, segmented, sent back, found again with the right references."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from lesionseg.core.audit import verify_log
from lesionseg.dicom import load_series
from lesionseg.pacs.listener.audit import open_audit_log
from lesionseg.pacs.listener.case import CaseSegmenter
from lesionseg.pacs.listener.journal import Journal, State
from lesionseg.pacs.listener.send import StoreSender
from lesionseg.pacs.listener.send_by_web import WebSender
from lesionseg.pacs.settings import Web
from lesionseg.workflow.request import CaseSettings
from tests.pacs.listener.builders import running_listener, send, settings_for, wait_for_states, wait_until
from tests.pacs.orthanc import Orthanc, free_port, needed_tool
from tests.pacs.test_archive_loop import came_back, check_references
from tests.support.ct_series import Series, write_series
from tests.workflow.builders import RuleSegmenter, filled_chest


@pytest.fixture(scope="module")
def chest(tmp_path_factory: pytest.TempPathFactory) -> Series:
    return write_series(tmp_path_factory.mktemp("chest") / "scan", filled_chest())


def orthanc_node(orthanc: Orthanc) -> dict[str, Any]:
    return {"ae_title": orthanc.ae_title, "host": "127.0.0.1", "port": orthanc.dicom_port}


def source_uids(series: Series) -> set[str]:
    return {str(one.SOPInstanceUID) for one in series.datasets()}


@pytest.mark.parametrize("way", ["C-STORE", "STOW"])
def test_seg_and_sr_come_back_through_qido(orthanc: Orthanc, place: Path, chest: Series, way: str) -> None:
    log = place.with_name("audit.jsonl")
    settings = settings_for(place, send_to=orthanc_node(orthanc), audit_log=log)
    assert settings.send_to is not None
    sender = StoreSender(settings.send_to, "LESIONSEG") if way == "C-STORE" else WebSender(
        Web(url=orthanc.dicomweb_url)
    )  # fmt: skip
    parts = {
        "segment_study": CaseSegmenter(RuleSegmenter(), CaseSettings(), settings.formats),
        "send": sender,
        "audit": open_audit_log(log, None),
    }
    with running_listener(settings, **parts):
        assert set(send(settings, list(chest.paths))) == {0}
        wait_for_states(place, State.SENT)
    settings_of = chest.settings
    check_references(came_back(orthanc), source_uids(chest), settings_of.series_uid, settings_of.study_uid)
    with Journal(place) as journal:
        sent = {result.sop_instance_uid for result in journal.results.of_job(1)}
    assert sent == {row["00080018"]["Value"][0] for row in orthanc.qido("instances")}
    assert verify_log(log).sound


def test_a_scan_that_is_no_chest_fails_with_its_reason(place: Path, small_series: Series) -> None:
    settings = settings_for(place)
    segmenter = CaseSegmenter(RuleSegmenter(), CaseSettings(), settings.formats)
    with running_listener(settings, segment_study=segmenter):
        send(settings, list(small_series.paths))
        wait_for_states(place, State.FAILED)
    with Journal(place) as journal:
        assert journal.jobs.all()[0].reason


@contextmanager
def listening(settings_file: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """The command itself, in a process of its own."""
    words = ["-m", "lesionseg", "pacs", "listen", "--settings", str(settings_file), *options]
    log = settings_file.with_suffix(".log")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, *words], stderr=stream, stdout=subprocess.PIPE, env=environment
        )
    try:
        wait_until(lambda: "listens on" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.timeout(1500)
def test_a_real_scan_goes_the_whole_way_with_the_shipped_model(
    orthanc: Orthanc, real_data: Path, tmp_path: Path
) -> None:
    scan, port, place = real_data / "ct" / "P001", free_port(), tmp_path / "listener"
    own = {"folder": str(place), "calling": ["STORESCU"], "port": port, "quiet_seconds": 3}
    settings_file = tmp_path / "pacs.yaml"
    settings_file.write_text(yaml.safe_dump({"listen": {**own, "send_to": orthanc_node(orthanc)}}))
    send_it = [needed_tool("storescu"), "-aet", "STORESCU", "-aec", "LESIONSEG", "+sd", "-xs"]
    send_it += ["127.0.0.1", str(port), str(scan)]
    with listening(settings_file, "--threads", "2") as process:
        half_sent = subprocess.Popen(send_it, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: len(list(place.glob("studies/*/objects/*.dcm"))) > 5)
        process.kill()  # in the middle of the transfer
        half_sent.wait(60)
    with listening(settings_file, "--threads", "2") as process:
        subprocess.run(send_it, check=True, timeout=300)
        wait_until(lambda: newest_state(place) is State.SEGMENTING)
        process.kill()  # in the middle of the case
    with listening(settings_file, "--threads", "2", "--json") as process:
        wait_until(lambda: newest_state(place) in (State.SENT, State.FAILED), seconds=1200)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=120)
        assert process.returncode == 0
    assert json.loads(told)["studies"] == {"sent": 1}
    sent = load_series(scan).series
    assert len(list(place.glob("studies/*/objects/*.dcm"))) == len(sent.slices)
    uids = {part.sop_instance_uid for part in sent.slices}
    check_references(came_back(orthanc), uids, sent.series_uid, sent.study_uid)


def newest_state(folder: Path) -> State | None:
    with Journal(folder) as journal:
        jobs = journal.jobs.all()
    return jobs[-1].state if jobs else None
