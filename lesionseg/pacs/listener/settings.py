"""The ``listen`` section of the PACS settings; unknown keys are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from lesionseg.pacs.settings import BYTES_PER_MB, PacsSettings, Seconds, Section, Tls, is_loopback
from lesionseg.pacs.settings_file import read_settings_as

AETitle = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=16, pattern=r"^[ -\[\]-~]+$")
]
"""PS3.5 6.2: 16 printable characters of the default repertoire, no backslash."""
Port = Annotated[int, Field(ge=1, le=65535)]
Megabytes = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Format = Literal["seg", "sr", "sc"]


class DestinationTls(Tls):
    """TLS towards the destination; `authority` must have signed its certificate.

    Attributes
    ----------
    check_host : bool
        The host's name must be the one in the certificate.
    """

    check_host: bool = True


class Limits(Section):
    """What the listener refuses; megabytes are 1 000 000 bytes.

    Attributes
    ----------
    associations : int
        At the same time.
    object_mb, association_mb : float
        Largest object, and all objects of one association.
    association_objects : int
        Objects of one association.
    rate_mb_per_second : float
        Of all associations together; a faster sender waits for its answers.
    stored_mb : float
        Received objects on disk, all together.
    free_mb : float
        Left free on the disk.
    silence_seconds : float
        An association that says nothing for so long is ended.
    """

    associations: Annotated[int, Field(ge=1, le=100)] = 8
    object_mb: Megabytes = 600
    association_mb: Megabytes = 8_000
    association_objects: Annotated[int, Field(ge=1)] = 20_000
    rate_mb_per_second: Megabytes = 200
    stored_mb: Megabytes = 500_000
    free_mb: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 2_000
    silence_seconds: Seconds = 60

    @property
    def object_bytes(self) -> int:
        """Largest object."""
        return int(self.object_mb * BYTES_PER_MB)

    @property
    def association_bytes(self) -> int:
        """All objects of one association."""
        return int(self.association_mb * BYTES_PER_MB)


class Retries(Section):
    """When a result that could not be sent is sent again: the wait doubles from `first_seconds`.

    Attributes
    ----------
    first_seconds, longest_seconds : float
    attempts : int
        After so many the study has failed; its results stay on disk.
    """

    first_seconds: Seconds = 10
    longest_seconds: Seconds = 3600
    attempts: Annotated[int, Field(ge=1)] = 100

    def delay_seconds(self, attempts: int) -> float:
        """Return how long to wait after this many failed attempts, counted from 1."""
        return min(self.longest_seconds, self.first_seconds * 2.0 ** min(attempts - 1, 60))


class Destination(Section):
    """The DICOM node that results are sent to by C-STORE.

    Attributes
    ----------
    ae_title, host, port
        Of the node.
    tls : DestinationTls, optional
        Without it the connection is not encrypted.
    timeout_seconds : float
        For connecting and for each answer.
    """

    ae_title: AETitle
    host: str
    port: Port
    tls: DestinationTls | None = None
    timeout_seconds: Seconds = 60


class ListenSettings(Section):
    """How the listener runs.

    Attributes
    ----------
    folder : Path
        Received objects, results and journal; one listener for a folder.
    calling : tuple of str
        AE titles that may connect.
    ae_title : str
        Our own; callers that ask for another are refused.
    host, port
        Where it listens; this machine alone unless another address is named.
    quiet_seconds : float
        A study that received nothing for so long is taken as complete; after a start of the listener every
        study gets this time anew.
    tls : Tls, optional
        Encrypt; with `authority`, take only clients whose certificate it has signed.
    limits, retries : Limits, Retries
    starts : int
        A study whose case was begun so often and never ended, because the listener was killed in it, is set
        aside as failed.
    send_to : Destination, optional
        Where results go by C-STORE.
    send_by_web : bool
        Results go by STOW to the service of the ``web`` section instead.
    formats : tuple of str
        What is sent of each study.
    audit_log : Path, optional
        Every change of a study's state is appended there too.
    audit_key : Path, optional
        Key file of that log, if it has one.
    """

    folder: Path
    calling: Annotated[tuple[AETitle, ...], Field(min_length=1)]
    ae_title: AETitle = "LESIONSEG"
    host: str = "127.0.0.1"
    port: Port = 11112
    quiet_seconds: Seconds = 60
    tls: Tls | None = None
    limits: Limits = Limits()
    retries: Retries = Retries()
    starts: Annotated[int, Field(ge=1, le=20)] = 3
    send_to: Destination | None = None
    send_by_web: bool = False
    formats: Annotated[tuple[Format, ...], Field(min_length=1)] = ("seg", "sr")
    audit_log: Path | None = None
    audit_key: Path | None = None

    @model_validator(mode="after")
    def _check_server_certificate(self) -> Self:
        if self.tls is not None and self.tls.certificate is None:
            raise ValueError("tls: a listener needs a certificate and its key")
        return self

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        return is_loopback(self.host)


class ListenerSettings(PacsSettings):
    """The settings of an archive with the section that the listener needs."""

    listen: ListenSettings

    @model_validator(mode="after")
    def _check_way_back(self) -> Self:
        if self.listen.send_by_web and self.listen.send_to is not None:
            raise ValueError("listen: give send_to or send_by_web, not both")
        if self.listen.send_by_web and self.web is None:
            raise ValueError("listen: send_by_web needs the web section")
        return self


def read_listener_settings(path: Path) -> ListenerSettings:
    """Read the settings; their paths start from the folder of the file. Raises as `read_settings` does."""
    settings = read_settings_as(ListenerSettings, path)
    listen = settings.listen
    given = {"folder": listen.folder, "audit_log": listen.audit_log, "audit_key": listen.audit_key}
    whole = {name: path.parent / value.expanduser() for name, value in given.items() if value is not None}
    return settings.model_copy(update={"listen": listen.model_copy(update=whole)})
