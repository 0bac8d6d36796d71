"""The DICOM server: pynetdicom's, with what it leaves open closed.

Beyond the library it bounds the size of a PDU, gives every connection a time limit, takes the TLS handshake
out of the thread that accepts connections, where one silent client would stop all others, and counts
connections before they have said who they are.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from pynetdicom import AE, ALL_TRANSFER_SYNTAXES
from pynetdicom.sop_class import Verification
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from lesionseg.core.errors import ConfigurationError
from lesionseg.dicom.image_kinds import CT_CLASSES
from lesionseg.pacs.listener.settings import Limits, ListenSettings
from lesionseg.pacs.listener.tls import server_context

_PDU_BYTES: Final = 1 << 16
"""Offered to senders as the largest PDU."""
_LARGEST_PDU_BYTES: Final = 1 << 20
"""Read at all; an association request with 128 contexts takes less."""
_HANDSHAKE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.1
_MORE_CONNECTIONS: Final = 4
"""Connections beyond the associations, to be answered with a rejection rather than with silence."""

Say = Callable[[str], None]


class BoundedHandler(RequestHandler):  # type: ignore[misc]
    """Connection handler whose socket reads no PDU of unbounded length."""

    def _create_association(self) -> Any:
        association = super()._create_association()
        wrapped = association.dul.socket
        read = wrapped.recv

        def bounded(count: int) -> bytearray:
            if count > _LARGEST_PDU_BYTES:
                wrapped.socket.shutdown(socket.SHUT_RDWR)
                raise OSError(f"a PDU of {count} bytes was announced")
            return bytearray(read(count))

        wrapped.recv = bounded
        return association


class GuardedServer(ThreadedAssociationServer):  # type: ignore[misc]
    """Threaded server with limits on connections, also on those that have not said anything yet."""

    daemon_threads = True

    def __init__(self, *arguments: Any, limits: Limits, say: Say, **named: Any) -> None:
        self._limits = limits
        self._say = say
        self._greetings = threading.BoundedSemaphore(limits.associations + _MORE_CONNECTIONS)
        super().__init__(*arguments, request_handler=BoundedHandler, **named)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection; the TLS handshake comes later, in a thread of its own."""
        connection, address = self.socket.accept()
        connection.settimeout(min(_HANDSHAKE_SECONDS, self._limits.silence_seconds))
        if self.ssl_context is not None:
            connection = self.ssl_context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Drop a connection where there are too many."""
        del request
        if len(self.active_associations) >= self._limits.associations + _MORE_CONNECTIONS:
            self._say(f"too many connections: dropped one of {client_address[0]}")
            return False
        return True

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands, then begin the association."""
        if not self._greetings.acquire(blocking=False):
            raise ConnectionError("too many connections that have not said anything yet")
        try:
            if isinstance(request, ssl.SSLSocket):
                request.do_handshake()
            # reads end after this time too, so that half a PDU does not hold a thread for ever
            request.settimeout(self._limits.silence_seconds)
        finally:
            self._greetings.release()
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of a connection that failed before it was an association."""
        del request
        self._say(f"a connection of {client_address[0]} failed: {sys.exception()}")

    def shutdown(self) -> None:
        """Stop accepting connections; associations go on."""
        socketserver.BaseServer.shutdown(self)
        self.server_close()


class DicomServer:
    """Listens in threads of its own until it is stopped.

    Parameters
    ----------
    settings : ListenSettings
    handlers : list
        Of `Receiver.handlers`.
    say : callable

    Raises
    ------
    ConfigurationError
        If the address is taken or not ours, or a TLS file cannot be used.
    """

    def __init__(self, settings: ListenSettings, handlers: list[tuple[Any, Any]], say: Say) -> None:
        self._ae = _application_entity(settings)
        context = server_context(settings.tls) if settings.tls is not None else None
        try:
            self._server = self._ae.make_server(
                (settings.host, settings.port),
                evt_handlers=handlers,
                ssl_context=context,
                server_class=GuardedServer,
                limits=settings.limits,
                say=say,
            )
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                "the listener cannot use this address",
                case=f"{settings.host} port {settings.port}",
                found=str(error),
                remedy="Choose another port, or an address of this machine",
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), name="listener", daemon=True
        )

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def stop(self, patience_seconds: float) -> None:
        """Accept no more; let running associations end by themselves for a while, then abort them."""
        self._server.shutdown()
        running = [one for one in self._ae.active_associations if one.is_established]
        for association in running:
            association.join(patience_seconds / max(1, len(running)))
        for association in self._ae.active_associations:
            association.abort()
            association.join(1.0)


def _application_entity(settings: ListenSettings) -> AE:
    ae = AE(ae_title=settings.ae_title)
    ae.require_called_aet = True
    ae.require_calling_aet = list(settings.calling)
    ae.maximum_associations = settings.limits.associations
    ae.maximum_pdu_size = _PDU_BYTES
    ae.network_timeout = settings.limits.silence_seconds
    ae.acse_timeout = min(_HANDSHAKE_SECONDS, settings.limits.silence_seconds)
    ae.add_supported_context(Verification)
    for sop_class in sorted(CT_CLASSES):
        ae.add_supported_context(sop_class, ALL_TRANSFER_SYNTAXES)
    return ae
