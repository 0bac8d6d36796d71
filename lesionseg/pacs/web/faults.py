"""What went wrong in speaking with the archive, in words that name it and never repeat a secret."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import requests

from lesionseg.core.errors import (
    PacsAnswerError,
    PacsConnectionError,
    PacsError,
    PacsRefusedError,
    PacsTrustError,
)

_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that another attempt may cure (RFC 9110 15.5.9, 15.6; RFC 6585 4)."""
_BROKEN: Final = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


def refuse_status(
    answer: requests.Response, host: str, case: str, *, expected: str = "HTTP 200 or 204"
) -> None:
    """Raise the error that an HTTP status stands for; return where it is a success.

    Raises
    ------
    PacsConnectionError
        Where another attempt may help.
    PacsRefusedError, PacsAnswerError
        Where it cannot.
    """
    status = answer.status_code
    if status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
        return
    where, found = _case(host, case), f"HTTP {status} {_phrase(status)}".rstrip()
    if status in _PASSING:
        raise PacsConnectionError(
            "the archive fails", case=where, expected=expected, found=found, remedy="Try again later"
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise PacsRefusedError(
            "the archive does not allow this",
            case=where,
            found=found,
            remedy="Check the credentials that the settings name, and what the archive grants them",
        )
    raise PacsAnswerError(
        "the archive does not do what was asked",
        status=status,
        case=where,
        expected=expected,
        found=found,
        remedy="Check url in the settings, and that the archive still holds this",
    )


def as_pacs_error(error: requests.RequestException, host: str, case: str) -> PacsError:
    """Return the error that says what an exception of requests means."""
    where = _case(host, case)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        try:
            refuse_status(error.response, host, case)
        except PacsError as explained:
            return explained
    if isinstance(error, requests.exceptions.SSLError):
        return PacsTrustError(
            "no trusted connection to the archive",
            case=where,
            expected="a certificate for this host, signed by a trusted authority",
            found=_reason(error),
            remedy="Name its authority's certificate as tls.authority in the settings; check the host name",
        )
    if isinstance(error, _BROKEN):
        return PacsConnectionError(
            "the archive cannot be reached, or broke off",
            case=where,
            found=_reason(error),
            remedy="Check that it runs and that the network lets this machine through, then try again",
        )
    return no_dicomweb(host, case, type(error).__name__)


def no_dicomweb(host: str, case: str, found: str) -> PacsAnswerError:
    """Return the error for something else than what DICOMweb answers."""
    return PacsAnswerError(
        "the archive's answer is no DICOMweb answer",
        case=_case(host, case),
        found=found,
        remedy="Check url in the settings: it ends where /studies would follow",
    )


def with_attempts(error: PacsConnectionError, attempts: int) -> PacsConnectionError:
    """Return the error with the number of attempts in it."""
    return PacsConnectionError(
        error.problem,
        case=error.case,
        expected=error.expected,
        found=f"{error.found} in {attempts} attempts" if attempts > 1 else error.found,
        remedy=error.remedy,
    )


def _case(host: str, case: str) -> str:
    return f"{host}, {case}" if case else host


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _reason(error: requests.RequestException) -> str:
    """Return the innermost words: the outer ones repeat the address with the query in it."""
    inner: object = error.args[0] if error.args else error
    inner = getattr(inner, "reason", inner)
    words = str(inner.args[-1]) if isinstance(inner, Exception) and inner.args else str(inner)
    return " ".join(words.split()) or type(error).__name__
