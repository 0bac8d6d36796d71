"""A tiny DICOMweb server that fails, breaks off, lies and redirects on command, as a good PACS does not."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BOUNDARY = "fake-boundary"
MULTIPART = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'


@dataclass(frozen=True)
class Held:
    """An object that the server holds, and what QIDO says of it."""

    content: bytes
    patient_id: str
    study_uid: str
    series_uid: str
    sop_uid: str
    study_date: str = "20200101"
    description: str = "axial"
    modality: str = "CT"


@dataclass
class Answer:
    """What the server would say if nothing went wrong; a fault may alter it."""

    status: int = 200
    content_type: str = "application/dicom+json"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    sent_bytes: int | None = None
    """Break the connection after so many bytes of the body."""
    hold: threading.Event | None = None
    """Wait for this before breaking."""


Fault = Callable[[Answer], Answer]


@dataclass
class FakeArchive:
    """The server's content and its script.

    Attributes
    ----------
    faults : dict of str to deque of Fault
        Per route (``studies``, ``series``, ``instances``, ``whole``, ``one``, ``stow``), used up in order.
    requests : list of tuple
        Route, path with query and headers of everything that was asked.
    page : int
        Most results of one QIDO answer.
    knows_offset : bool
    """

    held: list[Held] = field(default_factory=list)
    faults: dict[str, deque[Fault]] = field(default_factory=lambda: defaultdict(deque))
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    stored: list[bytes] = field(default_factory=list)
    page: int = 1000
    knows_offset: bool = True
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/dicom-web"

    def fail(self, route: str, *faults: Fault) -> None:
        self.faults[route].extend(faults)

    def asked(self, route: str) -> list[str]:
        return [path for found, path, _ in self.requests if found == route]

    def answer(self, route: str, parts: Sequence[str], query: dict[str, list[str]]) -> Answer:
        made = Answer() if route == "stow" else self._content(route, parts, query)
        return self.faults[route].popleft()(made) if self.faults[route] else made

    def _content(self, route: str, parts: Sequence[str], query: dict[str, list[str]]) -> Answer:
        wanted = dict(zip(("study_uid", "series_uid", "sop_uid"), parts[1::2], strict=False))
        fitting = [one for one in self.held if all(getattr(one, k) == v for k, v in wanted.items())]
        if route in ("whole", "one"):
            if not fitting:
                return Answer(404)
            return Answer(200, MULTIPART, multipart([one.content for one in fitting]))
        rows = list(qido_rows(route, fitting))
        start = int(query.get("offset", ["0"])[0]) if self.knows_offset else 0
        return Answer(body=json.dumps(rows[start : start + self.page]).encode())


def qido_rows(route: str, held: Sequence[Held]) -> Iterator[dict[str, Any]]:
    key = {"studies": "study_uid", "series": "series_uid", "instances": "sop_uid"}[route]
    for uid in dict.fromkeys(getattr(one, key) for one in held):
        one = next(each for each in held if getattr(each, key) == uid)
        texts = {
            "0020000D": one.study_uid,
            "00100020": one.patient_id,
            "00080020": one.study_date,
            "0020000E": one.series_uid,
            "00080060": one.modality,
            "0008103E": one.description,
            "00080018": one.sop_uid,
        }
        row: dict[str, Any] = {tag: {"vr": "LO", "Value": [text]} for tag, text in texts.items()}
        row["00201209"] = {"vr": "IS", "Value": [sum(each.series_uid == one.series_uid for each in held)]}
        yield row


def multipart(contents: Sequence[bytes]) -> bytes:
    body = b""
    for content in contents:
        body += f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n".encode()
        body += f"Content-Length: {len(content)}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{BOUNDARY}--".encode()


def status(code: int) -> Fault:
    return lambda _: Answer(code, "text/plain", b"no")


def cut_after(count: int) -> Fault:
    return lambda answer: Answer(answer.status, answer.content_type, answer.body, sent_bytes=count)


def instead(*contents: bytes) -> Fault:
    return lambda _: Answer(200, MULTIPART, multipart(contents))


def redirected(url: str) -> Fault:
    return lambda _: Answer(302, headers={"Location": url})


def as_usual(answer: Answer) -> Answer:
    return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    archive: FakeArchive

    def do_GET(self) -> None:
        parts = [part for part in urlsplit(self.path).path.split("/") if part][1:]
        route = parts[-1] if len(parts) % 2 else {4: "whole", 6: "one"}.get(len(parts), "?")
        self._reply(route, parts)

    def do_POST(self) -> None:
        self.archive.stored.append(self.rfile.read(int(self.headers["Content-Length"])))
        self._reply("stow", [])

    def _reply(self, route: str, parts: Sequence[str]) -> None:
        archive = self.archive
        archive.requests.append((route, self.path, dict(self.headers)))
        answer = archive.answer(route, parts, parse_qs(urlsplit(self.path).query))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # who asked may have left
            self.wfile.write(answer.body[: answer.sent_bytes])
        if answer.hold is not None:
            self.wfile.flush()
            answer.hold.wait(60)
        if answer.sent_bytes is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


@contextmanager
def running_archive(tls: ssl.SSLContext | None = None) -> Iterator[FakeArchive]:
    """Serve on a free loopback port."""
    archive = FakeArchive(scheme="https" if tls else "http")
    handler = type("Handler", (_Handler,), {"archive": archive})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    archive.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield archive
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
