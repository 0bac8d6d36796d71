"""How an archive is reached: one YAML file, shared by pull, push and the listener; it never holds a secret.

Credentials stay in environment variables, whose names the file gives. Other hosts than this machine are
spoken to only when the file names them, and in plain text only when it says so.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

AeTitle = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-][A-Za-z0-9_. -]{0,15}$")]
"""At most 16 characters without backslash and control characters (PS3.5 6.2, AE)."""
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]
Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
BYTES_PER_MB: Final = 1_000_000


class Section(BaseModel):
    """Frozen; a key it does not know is an error, and no complaint repeats a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Tls(Section):
    """Whom to trust, and how to show who we are; files in PEM form, relative to the settings file.

    Attributes
    ----------
    ca_file : Path, optional
        Certificates of the authorities that are trusted; without it those that come with Python's certifi.
    certificate_file, key_file : Path, optional
        Our own certificate and its unencrypted key, both or neither.
    """

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file belong together")
        return self


class Credentials(Section):
    """Names of the environment variables that hold user and password, or a bearer token."""

    user_variable: VariableName | None = None
    password_variable: VariableName | None = None
    token_variable: VariableName | None = None

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if (self.user_variable is None) != (self.password_variable is None):
            raise ValueError("user_variable and password_variable belong together")
        if (self.user_variable is None) == (self.token_variable is None):
            raise ValueError("name either user_variable and password_variable, or token_variable")
        return self


class Web(Section):
    """A DICOMweb service.

    Attributes
    ----------
    url : str
        Where ``/studies`` follows; without user, password, query and fragment.
    allow_plain_http : bool
        Speak http to another host: patients' data travel readable for everyone on the way.
    tls : Tls
    credentials : Credentials, optional
    connect_timeout_s, read_timeout_s : float
        Until the connection stands; between two pieces of an answer.
    attempts : int
        For each request, with waits between them that double from `first_wait_s`.
    """

    url: str
    allow_plain_http: bool = False
    tls: Tls = Tls()
    credentials: Credentials | None = None
    connect_timeout_s: Seconds = 10.0
    read_timeout_s: Seconds = 120.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    first_wait_s: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] = 1.0

    @property
    def host(self) -> str:
        """Host and port, as messages name the archive."""
        return urlsplit(self.url).netloc

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        _check_url(self.url)
        parts = urlsplit(self.url)
        if parts.scheme == "http" and not (self.allow_plain_http or is_loopback(parts.hostname or "")):
            raise ValueError("url: another host is spoken to by https only, unless allow_plain_http is true")
        return self


class Limits(Section):
    """What is refused for its size.

    Attributes
    ----------
    series : int
        In one pull.
    instances : int
        In one series.
    instance_mb, series_mb : int
        Megabytes (10^6 bytes) of one object, and of one series.
    """

    series: Count = 100
    instances: Count = 5000
    instance_mb: Count = 2000
    series_mb: Count = 8000

    @property
    def instance_bytes(self) -> int:
        """Largest object."""
        return self.instance_mb * BYTES_PER_MB

    @property
    def series_bytes(self) -> int:
        """Largest series."""
        return self.series_mb * BYTES_PER_MB


class PacsSettings(Section):
    """Everything about the archive; docs/pacs.md shows a whole file.

    Attributes
    ----------
    ae_title : str
        Ours, where DICOM's own network protocol is spoken.
    web : Web, optional
        Needed by ``pacs find``, ``pull`` and ``push``.
    limits : Limits
    """

    ae_title: AeTitle = "LESIONSEG"
    web: Web | None = None
    limits: Limits = Limits()


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself, by its name alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    if not named or parts.scheme not in ("http", "https") or re.search(r"[\s\\]", url):
        raise ValueError("url: expected such as https://pacs.example.org/dicom-web")
    if parts.username is not None or parts.password is not None:
        raise ValueError("url: no user or password in it; name environment variables under credentials")
    if parts.query or parts.fragment:
        raise ValueError("url: no query or fragment in it")
