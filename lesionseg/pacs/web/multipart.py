"""multipart/related as DICOMweb uses it (PS3.18 8.6.1, RFC 2046 5.1): read and written as a stream."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Final

_BLOCK_BYTES: Final = 1 << 20
_HEADER_BYTES: Final = 16_384
_END_OF_HEADERS: Final = b"\r\n\r\n"


class MultipartError(Exception):
    """The stream is no multipart message, or ends before its closing delimiter."""


@dataclass(frozen=True)
class Part:
    """One part of a message; its content can be read until the next part is asked for.

    Attributes
    ----------
    length : int or None
        Bytes that its Content-Length promises.
    content : iterator of bytes
    """

    length: int | None
    content: Iterator[bytes]


class MultipartReader:
    """Splits a stream into its parts without holding more than a block of it.

    Parameters
    ----------
    blocks : iterator of bytes
        Of any lengths.
    boundary : str
        As the Content-Type names it.
    """

    def __init__(self, blocks: Iterator[bytes], boundary: str) -> None:
        self._blocks = blocks
        self._delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._buffer = b"\r\n"  # the first delimiter may open the message

    def parts(self) -> Iterator[Part]:
        """Yield every part.

        Raises
        ------
        MultipartError
            If the message is malformed or incomplete.
        """
        for _ in self._until_delimiter():  # what stands before the first part means nothing
            pass
        while not self._closed():
            part = Part(self._content_length(), self._until_delimiter())
            yield part
            for _ in part.content:  # what was left unread
                pass

    def _until_delimiter(self) -> Iterator[bytes]:
        kept = len(self._delimiter) - 1
        while (end := self._buffer.find(self._delimiter)) < 0:
            if len(self._buffer) > kept:
                ready, self._buffer = self._buffer[:-kept], self._buffer[-kept:]
                yield ready
            self._read_on()
        ready, self._buffer = self._buffer[:end], self._buffer[end + len(self._delimiter) :]
        if ready:
            yield ready

    def _closed(self) -> bool:
        while len(self._buffer) < 2:
            self._read_on()
        return self._buffer.startswith(b"--")

    def _content_length(self) -> int | None:
        while (end := self._buffer.find(_END_OF_HEADERS)) < 0:
            if len(self._buffer) > _HEADER_BYTES:
                raise MultipartError("a part has headers without end")
            self._read_on()
        headers, self._buffer = self._buffer[:end], self._buffer[end + len(_END_OF_HEADERS) :]
        found = re.search(rb"(?im)^content-length:[ \t]*(\d{1,18})[ \t]*\r?$", headers)
        return int(found[1]) if found else None

    def _read_on(self) -> None:
        block = next(self._blocks, None)
        if block is None:
            raise MultipartError("the message ends before its closing delimiter")
        self._buffer += block


class MultipartBody:
    """Files as one message of known length, read from disk while it is sent, as often as needed."""

    def __init__(self, files: Sequence[Path], boundary: str) -> None:
        self._files = tuple(files)
        self._boundary = boundary
        self._sizes = tuple(path.stat().st_size for path in self._files)

    @property
    def content_type(self) -> str:
        """Value of the message's Content-Type."""
        return f'multipart/related; type="application/dicom"; boundary={self._boundary}'

    def __len__(self) -> int:
        heads = sum(len(self._head(size)) for size in self._sizes)
        return heads + sum(self._sizes) + 2 * len(self._sizes) + len(self._tail)

    def __iter__(self) -> Iterator[bytes]:
        for path, size in zip(self._files, self._sizes, strict=True):
            yield self._head(size)
            with path.open("rb") as stream:
                while block := stream.read(_BLOCK_BYTES):
                    yield block
            yield b"\r\n"
        yield self._tail

    def _head(self, size: int) -> bytes:
        return (
            f"--{self._boundary}\r\nContent-Type: application/dicom\r\nContent-Length: {size}\r\n\r\n"
        ).encode()

    @property
    def _tail(self) -> bytes:
        return f"--{self._boundary}--\r\n".encode()


def boundary_of(content_type: str) -> str | None:
    """Return the boundary that a Content-Type names; None where it is no multipart message."""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary()
    return boundary if message.get_content_maintype() == "multipart" and boundary else None
