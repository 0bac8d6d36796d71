from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, SegmentationStorage, generate_uid

from lesionseg.core.errors import ConfigurationError
from lesionseg.pacs.listener.journal import Journal
from lesionseg.pacs.listener.pace import Brake, Tally
from lesionseg.pacs.listener.settings import ListenSettings
from tests.pacs.listener.builders import (
    association,
    received_files,
    running_listener,
    send,
    settings_for,
    status_of,
    wait_until,
)
from tests.pacs.orthanc import free_port, needed_tool
from tests.support.ct_series import Series
from tests.support.small_disk import mounted

CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
SUCCESS, OUT_OF_RESOURCES, DOES_NOT_MATCH, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xA900, 0xC000


@pytest.fixture
def settings(place: Path) -> ListenSettings:
    return settings_for(place, quiet_seconds=3600)


def test_success_is_answered_for_what_is_on_disk_and_in_the_journal(
    settings: ListenSettings, slices: list[Dataset]
) -> None:
    with running_listener(settings), association(settings) as assoc:
        for number, one in enumerate(slices, start=1):
            assert status_of(assoc, one) == SUCCESS
            assert len(received_files(settings.folder)) == number
            with Journal(settings.folder) as journal:
                assert journal.objects.find(one.SOPInstanceUID) is not None


def test_objects_lie_there_as_they_were_sent(settings: ListenSettings, slice_files: list[Path]) -> None:
    with running_listener(settings):
        send(settings, slice_files)
    received = {dcmread(path).SOPInstanceUID: path for path in received_files(settings.folder)}
    assert len(received) == len(slice_files)
    for path in slice_files:
        sent = dcmread(path)
        kept = dcmread(received[sent.SOPInstanceUID])
        assert kept == sent
        assert kept.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID


def test_storescu_is_served(settings: ListenSettings, small_series: Series) -> None:
    tool = needed_tool("storescu")
    with running_listener(settings):
        command = [tool, "-aet", "SCANNER", "-aec", "LESIONSEG", "+sd", "127.0.0.1", str(settings.port)]
        subprocess.run([*command, str(small_series.folder)], check=True, timeout=60)
    assert len(received_files(settings.folder)) == len(small_series.paths)


def test_echo_is_answered(settings: ListenSettings) -> None:
    with running_listener(settings), association(settings) as assoc:
        assert assoc.send_c_echo().Status == SUCCESS


@pytest.mark.parametrize(("calling", "called"), [("STRANGER", "LESIONSEG"), ("SCANNER", "ANOTHER")])
def test_unknown_ae_titles_are_refused(settings: ListenSettings, calling: str, called: str) -> None:
    with running_listener(settings) as said:
        with association(settings, calling, called=called) as assoc:
            assert assoc.is_rejected
        wait_until(lambda: any("refused an association" in line and calling in line for line in said))
    assert received_files(settings.folder) == []


def test_one_association_too_many_is_refused(place: Path) -> None:
    settings = settings_for(place, limits={"associations": 1, "free_mb": 0})
    with running_listener(settings), association(settings) as first, association(settings) as second:
        assert first.is_established
        assert second.is_rejected


def test_only_ct_is_taken(settings: ListenSettings) -> None:
    offered = [(CT, (ExplicitVRLittleEndian,)), (SegmentationStorage, (ExplicitVRLittleEndian,))]
    with running_listener(settings), association(settings, contexts=offered) as assoc:
        assert [context.abstract_syntax for context in assoc.accepted_contexts] == [CT]


@pytest.mark.parametrize("sop_class", [CT, ENHANCED_CT])
def test_the_senders_own_encoding_is_taken(settings: ListenSettings, sop_class: str) -> None:
    offered = [(sop_class, (JPEGLSLossless, ExplicitVRLittleEndian)), (sop_class, (ExplicitVRLittleEndian,))]
    with running_listener(settings), association(settings, contexts=offered) as assoc:
        taken = [context.transfer_syntax[0] for context in assoc.accepted_contexts]
    assert taken == [JPEGLSLossless, ExplicitVRLittleEndian]


def test_the_same_object_again_is_taken_silently(settings: ListenSettings, slices: list[Dataset]) -> None:
    with running_listener(settings) as said:
        assert send(settings, [*slices, *slices]) == [SUCCESS] * 12
        assert send(settings, slices[:2]) == [SUCCESS] * 2
    assert len(received_files(settings.folder)) == 6
    assert not any("again" in line for line in said)


def test_another_content_under_a_known_uid_is_kept_aside(
    settings: ListenSettings, slices: list[Dataset]
) -> None:
    first, other = slices[0], dcmread(slices[0].filename)
    other.PatientName = "Somebody^Else"
    with running_listener(settings) as said:
        assert send(settings, [first, other, other]) == [SUCCESS] * 3
    (kept,) = received_files(settings.folder)
    assert dcmread(kept) == first
    (aside,) = settings.folder.glob("studies/*/aside/*")
    assert dcmread(aside).PatientName == "Somebody^Else"
    assert sum("kept aside" in line for line in said) >= 1


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")
def test_uids_that_are_paths_stay_in_the_folder(settings: ListenSettings, slices: list[Dataset]) -> None:
    one = slices[0]
    one.SOPInstanceUID = "../../../../escaped"
    one.StudyInstanceUID = "../../../escaped"
    with running_listener(settings):
        send(settings, [one])
    assert all(path.is_relative_to(settings.folder) for path in settings.folder.parent.rglob("*escaped*"))
    with Journal(settings.folder) as journal:
        assert all((settings.folder / kept.file).resolve().is_file() for kept in journal.objects.all())


def test_an_object_without_a_study_is_refused(settings: ListenSettings, slices: list[Dataset]) -> None:
    del slices[0].StudyInstanceUID
    with running_listener(settings):
        assert send(settings, slices[:2]) == [CANNOT_UNDERSTAND, SUCCESS]
    assert len(received_files(settings.folder)) == 1


def test_a_data_set_of_another_object_than_announced_is_refused(
    settings: ListenSettings, slices: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pynetdicom.dimse_primitives import C_STORE

    real = C_STORE.AffectedSOPInstanceUID
    announced = generate_uid()
    with running_listener(settings), association(settings) as assoc, monkeypatch.context() as patch:
        patch.setattr(
            C_STORE,
            "AffectedSOPInstanceUID",
            property(lambda self: real.fget(self), lambda self, _: real.fset(self, announced)),
        )
        assert status_of(assoc, slices[0]) == DOES_NOT_MATCH
    assert received_files(settings.folder) == []


def test_too_large_an_object_is_refused_and_the_next_one_taken(place: Path, slices: list[Dataset]) -> None:
    settings = settings_for(place, limits={"object_mb": 0.01, "free_mb": 0})
    large = dcmread(slices[0].filename)
    large.PixelData = bytes(2_000_000)
    with running_listener(settings) as said:
        assert send(settings, [large, slices[1]]) == [OUT_OF_RESOURCES, SUCCESS]
    assert any("larger than 0.01 MB" in line for line in said)
    assert [dcmread(path).SOPInstanceUID for path in received_files(place)] == [slices[1].SOPInstanceUID]


@pytest.mark.parametrize(
    "limits",
    [{"association_objects": 2}, {"association_mb": 0.004}, {"stored_mb": 0.006}],
    ids=["objects", "bytes", "stored"],
)
def test_beyond_a_quota_objects_are_refused(
    place: Path, slices: list[Dataset], limits: dict[str, float]
) -> None:
    settings = settings_for(place, limits={"free_mb": 0, **limits})
    with running_listener(settings):
        statuses = send(settings, slices)
    taken = len(received_files(place))
    assert 0 < taken < len(slices)
    assert statuses == [SUCCESS] * taken + [OUT_OF_RESOURCES] * (len(slices) - taken)


def test_a_nearly_full_disk_refuses_all(place: Path, slices: list[Dataset]) -> None:
    settings = settings_for(place, limits={"free_mb": 1e12})
    with running_listener(settings):
        assert send(settings, slices[:1]) == [OUT_OF_RESOURCES]
    assert list(place.rglob("*.dcm")) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """300 KiB, most of which the journal takes."""
    with mounted(tmp_path / "disk", "300k") as place:
        yield place


def test_a_really_full_disk_refuses_and_leaves_nothing_half_written(
    small_disk: Path, slices: list[Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    free_bytes = shutil.disk_usage(small_disk).free
    # as if another program took the space between the look and the write
    monkeypatch.setattr(
        "lesionseg.pacs.listener.store.shutil.disk_usage", lambda _: SimpleNamespace(free=1 << 40)
    )
    settings = settings_for(small_disk, quiet_seconds=3600)
    large = dcmread(slices[0].filename)
    large.PixelData = bytes(1_000_000)
    with running_listener(settings):
        assert send(settings, [slices[1], large]) == [SUCCESS, OUT_OF_RESOURCES]
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(bytes(2 * free_bytes))
        assert send(settings, slices[2:4]) == [OUT_OF_RESOURCES] * 2
        assert len(received_files(small_disk)) == 1
        filler.unlink()
        assert send(settings, slices[2:4]) == [SUCCESS] * 2
    assert len(received_files(small_disk)) == 3


def test_of_an_object_that_is_too_large_one_byte_more_than_allowed_is_kept() -> None:
    tally = Tally(object_bytes=10, association_bytes=1000)
    command, part, last = b"\x03" + bytes(5), b"\x00" + bytes(8), b"\x02" + bytes(8)
    assert tally.admit(command) == command
    assert [len(tally.admit(one)) - 1 for one in (part, part, part, last)] == [8, 3, 0, 0]
    assert len(tally.admit(last)) - 1 == 8  # the next object begins anew
    assert not tally.is_abusive


def test_a_sender_that_does_not_wait_for_answers_is_abusive() -> None:
    tally = Tally(object_bytes=10, association_bytes=1000)
    for _ in range(20):
        tally.admit(b"\x03command")
        tally.answered()
    assert not tally.is_abusive
    for _ in range(3):
        tally.admit(b"\x03command")
    assert tally.is_abusive


@pytest.mark.parametrize(
    ("fragment", "times"), [(b"\x00" + bytes(100), 21), (b"\x01" + bytes(10_000), 7)], ids=["data", "command"]
)
def test_a_message_without_end_is_abusive(fragment: bytes, times: int) -> None:
    tally = Tally(object_bytes=10, association_bytes=1000 if fragment[0] == 0 else 1_000_000)
    seen = []
    for _ in range(times):
        tally.admit(fragment)
        seen.append(tally.is_abusive)
    assert seen == [False] * (times - 1) + [True]


def test_a_fast_sender_waits() -> None:
    brake = Brake(1000, clock=lambda: 0.0)
    waits = [brake.wait_seconds(600) for _ in range(4)]
    assert waits == pytest.approx([0, 0.2, 0.8, 1.4])


def test_an_address_in_use_is_said(settings: ListenSettings, place: Path) -> None:
    other = settings_for(place.with_name("other"), port=settings.port)
    refused = pytest.raises(ConfigurationError, match="cannot use this address")
    with running_listener(settings), refused, running_listener(other):
        pass


def test_a_folder_has_one_listener(settings: ListenSettings) -> None:
    other = settings.model_copy(update={"port": free_port()})
    refused = pytest.raises(ConfigurationError, match="another listener")
    with running_listener(settings), refused, running_listener(other):
        pass


def test_senders_at_the_same_time_lose_nothing(settings: ListenSettings, slices: list[Dataset]) -> None:
    statuses: list[list[int]] = []
    threads = [threading.Thread(target=lambda: statuses.append(send(settings, slices))) for _ in range(4)]
    with running_listener(settings):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert statuses == [[SUCCESS] * 6] * 4
    assert len(received_files(settings.folder)) == 6
    assert not list(settings.folder.glob("studies/*/aside/*"))
