"""Settings: other hosts by name only, secrets in the environment only and in no message."""

from __future__ import annotations

from pathlib import Path

import pytest

from lesionseg.core.errors import ConfigurationError, InputNotFoundError
from lesionseg.pacs.settings import Web, is_loopback
from lesionseg.pacs.settings_file import loopback_settings, read_settings
from lesionseg.pacs.web import Archive

SECRET = "hunter2"


def written(folder: Path, text: str) -> Path:
    path = folder / "pacs.yaml"
    path.write_text(text)
    return path


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(written(folder, text))
    return str(caught.value)


def test_a_whole_file_is_read_and_files_start_from_its_folder(tmp_path: Path) -> None:
    for name in ("ca.pem", "us.pem", "us.key"):
        (tmp_path / name).write_text("pem")
    text = """
    web:
      url: https://pacs.example.org:8443/dicom-web
      tls: {authority: ca.pem, certificate: us.pem, key: us.key}
      credentials: {user_variable: PACS_USER, password_variable: PACS_PASSWORD}
      attempts: 2
    pull: {series: 3, object_mb: 10}
    """
    settings = read_settings(written(tmp_path, text))
    assert settings.web is not None
    assert settings.web.tls.authority == tmp_path / "ca.pem"
    assert settings.web.host == "pacs.example.org:8443"
    assert settings.pull.object_bytes == 10_000_000


def test_absent_settings_are_said_to_be_absent(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"docs/pacs\.md"):
        read_settings(tmp_path / "none.yaml")


@pytest.mark.parametrize("host", ["pacs.example.org", "10.0.0.7", "127.0.0.1.example.org", "0.0.0.0"])
def test_another_host_needs_https_unless_plain_http_is_allowed_in_words(tmp_path: Path, host: str) -> None:
    assert "https only" in complaint(tmp_path, f"web: {{url: 'http://{host}/dicom-web'}}")
    allowed = f"web: {{url: 'http://{host}/dicom-web', allow_plain_http: true}}"
    assert read_settings(written(tmp_path, allowed)).web is not None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "[::1]"])
def test_this_machine_may_be_spoken_to_in_plain_http_and_without_settings(tmp_path: Path, host: str) -> None:
    assert is_loopback(host)
    assert Web(url=f"http://{host}:8042/dicom-web").allow_plain_http is False
    assert loopback_settings(f"http://{host}:8042/dicom-web").web is not None


def test_without_settings_no_other_host_is_spoken_to() -> None:
    with pytest.raises(ConfigurationError, match="this machine"):
        loopback_settings("https://pacs.example.org/dicom-web")


@pytest.mark.parametrize(
    "text",
    [
        f"web: {{url: 'https://user:{SECRET}@pacs.example.org/'}}",
        f"web: {{url: 'https://pacs.example.org/', password: {SECRET}}}",
        f"web: {{url: 'https://pacs.example.org/', credentials: {{token_variable: '{SECRET}!'}}}}",
        f"web: {{url: '{SECRET}'}}",
        f"web: {{url: 'https://pacs.example.org/?token={SECRET}'}}",
        f"web: {SECRET}",
    ],
)
def test_no_complaint_repeats_a_value(tmp_path: Path, text: str) -> None:
    assert SECRET not in complaint(tmp_path, text)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("credentials: {user_variable: A}", "belong together"),
        ("credentials: {}", "name either"),
        ("credentials: {user_variable: A, password_variable: B, token_variable: C}", "name either"),
        ("attempts: 0", "web.attempts"),
        ("read_seconds: .inf", "web.read_seconds"),
        ("tls: {authority: absent.pem}", "authority"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, section: str, words: str) -> None:
    assert words in complaint(tmp_path, f"web:\n  url: https://pacs.example.org/\n  {section}\n")


def test_certificate_and_key_come_together(tmp_path: Path) -> None:
    (tmp_path / "us.pem").write_text("pem")
    text = "web: {url: 'https://pacs.example.org/', tls: {certificate: us.pem}}"
    assert "or neither" in complaint(tmp_path, text)


@pytest.mark.parametrize("environment", [{}, {"PACS_TOKEN": ""}, {"PACS_TOKEN": f"{SECRET}\n"}])
def test_a_credential_that_is_not_set_is_named_and_not_shown(environment: dict[str, str]) -> None:
    web = Web.model_validate(
        {"url": "https://pacs.example.org/", "credentials": {"token_variable": "PACS_TOKEN"}}
    )
    with pytest.raises(ConfigurationError, match="PACS_TOKEN") as caught:
        Archive(web, environment=environment)
    assert SECRET not in str(caught.value)
