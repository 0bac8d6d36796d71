"""Multipart messages survive any cutting into blocks; what is not whole is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lesionseg.pacs.web.multipart import MultipartBody, MultipartError, MultipartReader, boundary_of

CONTENTS = [b"first", b"", b"\r\n--bound not quite \r\n--boun", b"last\r\n"]
HEAD = b"Content-Type: application/dicom\r\n\r\n"
MESSAGE = b"".join(b"--boundary\r\n" + HEAD + content + b"\r\n" for content in CONTENTS) + b"--boundary--"


def blocks(message: bytes, size: int) -> Iterator[bytes]:
    return (message[start : start + size] for start in range(0, len(message), size))


def contents(message: bytes, size: int = 7) -> list[bytes]:
    reader = MultipartReader(blocks(message, size), "boundary")
    return [b"".join(part.content) for part in reader.parts()]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 1000])
def test_parts_are_the_same_however_the_stream_is_cut(size: int) -> None:
    assert contents(MESSAGE, size) == CONTENTS


def test_what_stands_before_the_first_and_after_the_last_part_is_left_out() -> None:
    assert contents(b"preamble\r\n" + MESSAGE + b"\r\nepilogue") == CONTENTS


def test_a_message_that_ends_too_early_is_refused_wherever_it_ends() -> None:
    for length in range(len(MESSAGE)):
        with pytest.raises(MultipartError, match="ends before"):
            contents(MESSAGE[:length])


def test_headers_without_end_are_refused_before_they_fill_the_memory() -> None:
    with pytest.raises(MultipartError, match="headers without end"):
        contents(b"--boundary\r\n" + b"x" * 100_000, 1000)


def test_the_length_that_a_part_announces_is_read() -> None:
    message = b"--boundary\r\ncontent-LENGTH: 12\r\nContent-Type: a/b\r\n\r\nx\r\n--boundary--"
    (part,) = MultipartReader(iter([message]), "boundary").parts()
    assert part.length == 12


def test_a_body_is_as_long_as_it_says_can_be_read_twice_and_is_read_back(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    files[0].write_bytes(b"\x00" * 3_000_000)
    files[1].write_bytes(b"end")
    body = MultipartBody(files, "boundary")
    first, second = b"".join(body), b"".join(body)
    assert len(body) == len(first)
    assert first == second
    assert contents(first, 100_000) == [files[0].read_bytes(), b"end"]


def test_a_boundary_is_found_quoted_or_not_and_only_in_multipart() -> None:
    assert boundary_of('multipart/related; type="application/dicom"; boundary="a b"') == "a b"
    assert boundary_of("multipart/related;boundary=abc;type=application/dicom") == "abc"
    assert boundary_of("application/dicom; boundary=abc") is None
    assert boundary_of("multipart/related") is None
