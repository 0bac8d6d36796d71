"""Requests to a DICOMweb service: tried again where that helps, and every failure explained.

Searching goes through dicomweb-client. Retrieving and storing do not: it decodes each object and encodes it
anew, and the bytes must stay what they are.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import requests
from dicomweb_client.web import DICOMwebClient

from lesionseg.core.errors import PacsConnectionError
from lesionseg.pacs.settings import Web
from lesionseg.pacs.web.faults import as_pacs_error, no_dicomweb, refuse_status, with_attempts
from lesionseg.pacs.web.multipart import MultipartBody
from lesionseg.pacs.web.session import open_session

DicomJson = dict[str, Any]
Answer = TypeVar("Answer")
_PAGE: Final = 500
_BLOCK_BYTES: Final = 1 << 16
_LONGEST_WAIT_SECONDS: Final = 60.0
_STOW_ANSWERS: Final = (200, 202, 409)
"""All stored, some stored, none stored: each with a word on every object (PS3.18 table 10.5.3-1)."""


class Archive:
    """A DICOMweb service; a context manager that closes its connections.

    Parameters
    ----------
    web : Web
        Where it is, whom to trust, how long to wait.
    environment : mapping
        Where credentials are looked up.
    sleep : callable
        Waits that many seconds between two attempts.

    Raises
    ------
    ConfigurationError
        If a credential that the settings name is not set.
    """

    def __init__(
        self,
        web: Web,
        *,
        environment: Mapping[str, str] = os.environ,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.host = web.host
        self._web = web
        self._sleep = sleep
        self._url = web.url.rstrip("/")
        self._timeouts = (web.connect_seconds, web.read_seconds)
        self._session = open_session(web, environment)
        self._client = DICOMwebClient(
            self._url, session=self._session, permissive_uid=True, timeout=self._timeouts
        )
        self._client.set_http_retry_params(retry=False)  # ours reach further

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def search(self, level: str, key: str, case: str, **query: Any) -> Iterator[DicomJson]:
        """Yield what a QIDO search finds, page by page, each object once.

        Parameters
        ----------
        level : str
            ``studies``, ``series`` or ``instances``.
        key : str
            Tag of the UID of that level.
        case : str
            What messages call the subject.
        query
            Arguments of dicomweb-client's ``search_for_...``.

        Raises
        ------
        PacsError
            One of its kinds.
        """
        ask = getattr(self._client, f"search_for_{level}")
        seen: set[str] = set()
        offset = 0
        while page := self.retried(lambda: ask(limit=_PAGE, offset=offset, **query), case):  # noqa: B023 - at once
            if not all(isinstance(found, dict) for found in page):
                raise no_dicomweb(self.host, case, "JSON of another kind")
            fresh = [found for found in page if text_in(found, key) not in seen]
            if not fresh:  # a server that knows no offset repeats itself
                return
            seen.update(text_in(found, key) for found in fresh)
            yield from fresh
            offset += len(page)

    @contextmanager
    def retrieving(self, path: str, case: str) -> Iterator[requests.Response]:
        """Begin one WADO retrieval of whole objects, encoded as the archive keeps them; not tried again.

        Raises
        ------
        PacsError
            One of its kinds, while it is read too.
        """
        accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        with self._explained(case):
            answer = self._session.get(
                f"{self._url}/{path}", headers={"Accept": accept}, stream=True, timeout=self._timeouts
            )
            with answer:
                refuse_status(answer, self.host, case)
                yield answer

    def blocks(self, answer: requests.Response) -> Iterator[bytes]:
        """Yield the content of an answer that is being retrieved."""
        return iter(answer.iter_content(_BLOCK_BYTES))

    def store(self, body: MultipartBody, case: str) -> DicomJson:
        """Send objects by STOW and return the archive's word on each; empty where it says nothing in JSON.

        Raises
        ------
        PacsError
            One of its kinds.
        """
        return self.retried(lambda: self._store(body, case), case)

    def retried(self, action: Callable[[], Answer], case: str) -> Answer:
        """Do something, again after a wait where the archive failed or broke off.

        Raises
        ------
        PacsError
            One of its kinds; `PacsConnectionError` after the last attempt.
        """
        attempts = self._web.attempts
        for attempt in range(attempts):
            try:
                with self._explained(case):
                    return action()
            except PacsConnectionError as error:
                if attempt + 1 == attempts:
                    raise with_attempts(error, attempts) from error
                self._sleep(min(self._web.first_wait_seconds * 2.0**attempt, _LONGEST_WAIT_SECONDS))
        raise PacsConnectionError("no attempt was made", case=case)  # attempts is at least 1

    @contextmanager
    def _explained(self, case: str) -> Iterator[None]:
        try:
            yield
        except requests.RequestException as error:
            # not chained: its words hold the whole address with what was asked for
            raise as_pacs_error(error, self.host, case) from None

    def _store(self, body: MultipartBody, case: str) -> DicomJson:
        with self._session.post(
            f"{self._url}/studies",
            data=body,
            headers={"Content-Type": body.content_type, "Accept": "application/dicom+json"},
            timeout=self._timeouts,
            allow_redirects=False,  # a redirected POST may become a GET, and nothing would be stored
        ) as answer:
            if answer.status_code not in _STOW_ANSWERS:
                refuse_status(answer, self.host, case, expected="HTTP 200, 202 or 409")
            return _json_object(answer)


def text_in(found: DicomJson, tag: str) -> str:
    """Return the first value of a text attribute in DICOM JSON (PS3.18 F.2), or an empty text."""
    element = found.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    first = values[0] if isinstance(values, list) and values else ""
    return str(first).strip() if isinstance(first, (str, int)) else ""


def _json_object(answer: requests.Response) -> DicomJson:
    try:
        content = answer.json()
    except requests.JSONDecodeError:
        return {}
    if isinstance(content, list):
        content = content[0] if content else {}
    return content if isinstance(content, dict) else {}
