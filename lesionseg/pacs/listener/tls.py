"""TLS contexts for both sides: TLS 1.2 at least, and nobody unverified where an authority is named."""

from __future__ import annotations

import ssl

from lesionseg.core.errors import ConfigurationError
from lesionseg.pacs.listener.settings import DestinationTls
from lesionseg.pacs.settings import Tls


def server_context(tls: Tls) -> ssl.SSLContext:
    """Return the context of a listener; with an authority clients must show a certificate.

    Raises
    ------
    ConfigurationError
        If a file is no certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load(context, tls)
    if tls.authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(tls: DestinationTls) -> ssl.SSLContext:
    """Return the context of a sender; the other side is always verified. Raises as `server_context` does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = tls.check_host
    if tls.authority is None:
        context.load_default_certs()
    _load(context, tls)
    return context


def _load(context: ssl.SSLContext, tls: Tls) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if tls.certificate is not None and tls.key is not None:
            # an empty password: OpenSSL would otherwise ask for one at the terminal
            context.load_cert_chain(tls.certificate, tls.key, password="")
        if tls.authority is not None:
            context.load_verify_locations(tls.authority)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "a certificate or key cannot be used",
            case=", ".join(str(path) for path in (tls.certificate, tls.key, tls.authority) if path),
            found=str(error),
            remedy="Give PEM files; the key must fit the certificate and have no password",
        ) from error
