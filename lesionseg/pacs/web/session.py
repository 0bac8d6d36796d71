"""An HTTP session that stays with one host, trusts whom the settings say, and keeps its secrets.

Nothing of the environment is used but the variables that the settings name: no proxy, no ``.netrc``, no
other certificates.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase, HTTPBasicAuth

from lesionseg.core.errors import ConfigurationError, PacsTrustError
from lesionseg.pacs.settings import Credentials, Web

_REDIRECTS: Final = 3
_PORTS: Final = {"http": 80, "https": 443}


def open_session(web: Web, environment: Mapping[str, str]) -> requests.Session:
    """Return a session for the service that the settings describe.

    Raises
    ------
    ConfigurationError
        If an environment variable that they name is not set.
    """
    session = _OneHostSession(web.url)
    session.verify = str(web.tls.authority) if web.tls.authority else True
    if web.tls.certificate and web.tls.key:
        session.cert = (str(web.tls.certificate), str(web.tls.key))
    if web.credentials is not None:
        session.auth = _authentication(web.credentials, environment)
    return session


class _OneHostSession(requests.Session):
    """Refuses to be sent on to another host, port or scheme: that one was not named in the settings."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = _REDIRECTS
        self._origin = _origin(url)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        prepared = super().prepare_request(request)
        prepared.headers.pop("Host", None)  # dicomweb-client leaves the port out; it is set right on sending
        return prepared

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        where = urljoin(resp.url, target)
        if _origin(where) != self._origin:
            raise PacsTrustError(
                "the archive sends the request on to another address",
                case=_shown(self._origin),
                expected="an answer, or a redirection within itself",
                found=f"a redirection to {_shown(_origin(where))}",
                remedy="If that address is right and trusted, name it as url in the settings",
            )
        return target


class _Bearer(AuthBase):
    """A token in the Authorization header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _authentication(credentials: Credentials, environment: Mapping[str, str]) -> AuthBase:
    if credentials.token_variable is not None:
        return _Bearer(_value(credentials.token_variable, environment))
    user = _value(credentials.user_variable or "", environment)
    password = _value(credentials.password_variable or "", environment)
    return HTTPBasicAuth(user.encode(), password.encode())  # UTF-8, as RFC 7617 advises


def _value(variable: str, environment: Mapping[str, str]) -> str:
    value = environment.get(variable, "")
    if not value or not value.isprintable():
        raise ConfigurationError(
            "a credential of the archive is not set, or holds control characters",
            case=f"environment variable {variable}",
            remedy="Set it before the call, and never write its value into a file",
        )
    return value


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


def _shown(origin: tuple[str, str, int | None]) -> str:
    return f"{origin[0]}://{origin[1]}:{origin[2]}"
