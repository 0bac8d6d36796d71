"""How an archive is reached: one YAML file, shared by pull, push and the listener; it never holds a secret.

Credentials stay in environment variables, whose names the file gives. Other hosts than this machine are
spoken to only when the file names them, and in plain text only when it says so.
"""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

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
    authority : Path, optional
        Who must have signed the archive's certificate; without it the authorities that certifi lists.
    certificate, key : Path, optional
        Our own certificate and its key, which holds no password; both or neither.
    """

    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("give certificate and key, or neither")
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
    connect_seconds, read_seconds : float
        Waited for the connection, and between two pieces of an answer.
    attempts : int
        For each request; the waits between them double from `first_wait_seconds`.
    """

    url: str
    allow_plain_http: bool = False
    tls: Tls = Tls()
    credentials: Credentials | None = None
    connect_seconds: Seconds = 10.0
    read_seconds: Seconds = 120.0
    attempts: Annotated[int, Field(ge=1, le=20)] = 4
    first_wait_seconds: Annotated[float, Field(ge=0, le=600, allow_inf_nan=False)] = 1.0

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


class PullLimits(Section):
    """What a pull refuses for its size; megabytes are 1 000 000 bytes.

    Attributes
    ----------
    series : int
        Matched by one query.
    instances : int
        In one series.
    object_mb, series_mb : int
        Largest object, and all objects of one series.
    """

    series: Count = 100
    instances: Count = 5000
    object_mb: Count = 2000
    series_mb: Count = 8000

    @property
    def object_bytes(self) -> int:
        """Largest object."""
        return self.object_mb * BYTES_PER_MB

    @property
    def series_bytes(self) -> int:
        """Largest series."""
        return self.series_mb * BYTES_PER_MB


class PacsSettings(Section):
    """Everything about the archive; docs/pacs.md shows a whole file.

    Attributes
    ----------
    web : Web, optional
        Needed by ``pacs find``, ``pull`` and ``push``.
    pull : PullLimits
    listen : object
        The listener's section, which `lesionseg.pacs.listener.settings` describes and checks.
    """

    web: Web | None = None
    pull: PullLimits = PullLimits()
    listen: Any = None


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
