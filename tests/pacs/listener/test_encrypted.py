"""TLS on both sides: who may send, to whom results go, and a silent client that holds nobody up."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import ComprehensiveSRStorage, SegmentationStorage

from lesionseg.core.errors import ConfigurationError
from lesionseg.pacs.listener.journal import State
from lesionseg.pacs.listener.send import StoreSender
from lesionseg.pacs.listener.settings import ListenSettings
from lesionseg.pacs.listener.tls import server_context
from lesionseg.pacs.settings import Tls
from tests.pacs.listener.builders import (
    Archive,
    association,
    received_files,
    running_listener,
    send,
    settings_for,
    status_of,
    wait_for_states,
    wait_until,
)
from tests.pacs.orthanc import free_port
from tests.pacs.test_tls import Authority, new_key, openssl


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    key = made.folder / "authority.key"
    openssl("req", "-x509", *new_key(key), "-out", made.certificate, "-days", "2", "-subj", "/CN=Test CA")
    return made


@pytest.fixture
def settings(place: Path, authority: Authority) -> ListenSettings:
    """Clients must show a certificate of the authority."""
    certificate, key = authority.issue("listener", "IP:127.0.0.1")
    tls = {"certificate": certificate, "key": key, "authority": authority.certificate}
    return settings_for(place, quiet_seconds=3600, tls=tls, limits={"free_mb": 0, "silence_seconds": 20})


def client(authority: Authority, *, with_certificate: bool) -> tuple[ssl.SSLContext, str]:
    context = ssl.create_default_context(cafile=str(authority.certificate))
    if with_certificate:
        context.load_cert_chain(*authority.issue("scanner", "DNS:scanner"))
    return context, "127.0.0.1"


def test_a_client_with_a_certificate_is_served(
    settings: ListenSettings, authority: Authority, slices: list[Dataset]
) -> None:
    tls = client(authority, with_certificate=True)
    with running_listener(settings), association(settings, tls=tls) as assoc:
        assert [status_of(assoc, one) for one in slices] == [0] * 6
    assert len(received_files(settings.folder)) == 6


def test_a_client_without_a_certificate_is_not(settings: ListenSettings, authority: Authority) -> None:
    tls = client(authority, with_certificate=False)
    with running_listener(settings) as said:
        with association(settings, tls=tls) as assoc:
            assert not assoc.is_established
        wait_until(lambda: any("a connection of 127.0.0.1 failed" in line for line in said))


def test_plain_text_is_not_understood(settings: ListenSettings) -> None:
    with running_listener(settings), association(settings) as assoc:
        assert not assoc.is_established


def test_a_client_that_says_nothing_holds_nobody_up(
    settings: ListenSettings, authority: Authority, slices: list[Dataset]
) -> None:
    tls = client(authority, with_certificate=True)
    with (
        running_listener(settings),
        socket.create_connection(("127.0.0.1", settings.port)),
        association(settings, tls=tls) as assoc,
    ):
        assert status_of(assoc, slices[0]) == 0


def test_a_pdu_of_unbounded_length_is_not_read(place: Path, slices: list[Dataset]) -> None:
    settings = settings_for(place, quiet_seconds=3600)
    with running_listener(settings):
        with socket.create_connection(("127.0.0.1", settings.port), timeout=5) as rude:
            rude.sendall(b"\x01\x00\xff\xff\xff\xff")
            assert rude.recv(1) == b""  # at once, not only when the listener has waited long enough
        assert send(settings, slices[:1]) == [0]


def test_results_go_to_the_archive_that_the_authority_vouches_for(
    place: Path, authority: Authority, slices: list[Dataset]
) -> None:
    archive = Archive(free_port())
    ae = AE(ae_title="ARCHIVE")
    for sop_class in (SegmentationStorage, ComprehensiveSRStorage):
        ae.add_supported_context(sop_class)
    certificate, key = authority.issue("archive", "IP:127.0.0.1")
    server = ae.start_server(
        ("127.0.0.1", archive.port),
        block=False,
        evt_handlers=[(evt.EVT_C_STORE, archive.take)],
        ssl_context=server_context(Tls(certificate=certificate, key=key)),
    )
    try:
        stranger = settings_for(place, send_to={**archive.settings, "tls": {}})
        with running_listener(stranger, send=sender(stranger)) as said:
            send(stranger, slices)
            wait_until(lambda: any("cannot be reached" in line for line in said))
        assert archive.objects == {}
        trusted = settings_for(
            place, send_to={**archive.settings, "tls": {"authority": authority.certificate}}
        )
        with running_listener(trusted, send=sender(trusted)):
            wait_for_states(place, State.SENT)
    finally:
        server.shutdown()
    assert len(archive.objects) == 2


def sender(settings: ListenSettings) -> Any:
    assert settings.send_to is not None
    return StoreSender(settings.send_to, settings.ae_title)


def test_a_key_that_does_not_fit_is_said(authority: Authority) -> None:
    certificate, _ = authority.issue("one", "IP:127.0.0.1")
    _, key = authority.issue("two", "IP:127.0.0.1")
    with pytest.raises(ConfigurationError, match="cannot be used"):
        server_context(Tls(certificate=certificate, key=key))
