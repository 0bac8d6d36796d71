"""Encrypted connections: an authority of one's own, a stranger's certificate, and our own certificate."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lesionseg.core.errors import PacsConnectionError, PacsTrustError
from lesionseg.pacs.web import Query, find_series
from tests.pacs.builders import connect, held_series
from tests.pacs.fake_archive import FakeArchive, running_archive
from tests.pacs.orthanc import needed_tool


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "authority.pem"

    def issue(self, name: str, host: str) -> tuple[Path, Path]:
        """Return a certificate for a host and its key."""
        key, request, made = (self.folder / f"{name}.{ending}" for ending in ("key", "csr", "pem"))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName = {host}\nbasicConstraints = CA:FALSE\n")
        openssl("req", "-new", *new_key(key), "-out", request, "-subj", f"/CN={name}")
        signed_by = ("-CA", self.certificate, "-CAkey", self.folder / "authority.key", "-CAcreateserial")
        openssl(
            "x509", "-req", "-in", request, *signed_by, "-days", "2", "-extfile", extensions, "-out", made
        )
        return made, key


def openssl(*words: object) -> None:
    command = [needed_tool("openssl"), *map(str, words)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def new_key(path: Path) -> tuple[object, ...]:
    return "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    key = made.folder / "authority.key"
    openssl("req", "-x509", *new_key(key), "-out", made.certificate, "-days", "2", "-subj", "/CN=Test CA")
    return made


def server_context(certificate: Path, key: Path, clients: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    return context


@pytest.fixture
def encrypted(authority: Authority) -> Iterator[FakeArchive]:
    with running_archive(server_context(*authority.issue("server", "IP:127.0.0.1"))) as archive:
        archive.held = held_series()
        yield archive


def find(fake: FakeArchive, **tls: object) -> int:
    with connect(fake, attempts=1, tls=tls) as archive:
        return len(find_series(archive, Query(patient_id="P1")))


def test_an_authority_named_in_the_settings_is_trusted(encrypted: FakeArchive, authority: Authority) -> None:
    assert find(encrypted, authority=authority.certificate) == 1


def test_an_unknown_authority_is_not_trusted_and_nothing_is_asked(encrypted: FakeArchive) -> None:
    with pytest.raises(PacsTrustError, match=r"tls\.authority"):
        find(encrypted)
    assert encrypted.requests == []


def test_the_environment_cannot_bring_in_another_authority(
    encrypted: FakeArchive, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.certificate))
    with pytest.raises(PacsTrustError):
        find(encrypted)


def test_a_certificate_for_another_host_is_not_trusted(authority: Authority) -> None:
    with (
        running_archive(server_context(*authority.issue("other", "DNS:pacs.example.org"))) as fake,
        pytest.raises(PacsTrustError),
    ):
        find(fake, authority=authority.certificate)


def test_a_server_that_asks_for_a_certificate_gets_ours(authority: Authority) -> None:
    certificate, key = authority.issue("client", "DNS:workstation")
    server = server_context(*authority.issue("strict", "IP:127.0.0.1"), authority.certificate)
    with running_archive(server) as fake:
        fake.held = held_series()
        assert find(fake, authority=authority.certificate, certificate=certificate, key=key) == 1
        with pytest.raises((PacsTrustError, PacsConnectionError)):
            find(fake, authority=authority.certificate)


def test_a_server_that_speaks_no_tls_is_not_spoken_to(fake: FakeArchive) -> None:
    fake.scheme = "https"
    with pytest.raises(PacsTrustError):
        find(fake)
    assert fake.requests == []
