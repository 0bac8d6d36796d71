"""Where each frame's bytes lie in a file: native frames by arithmetic, encapsulated ones by fragment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from lesionseg.core.errors import PixelDataError, UnreadableFileError
from lesionseg.dicom.deflate import inflate
from lesionseg.dicom.file_header import cannot_read
from lesionseg.dicom.headers import PixelSource, SliceHeader
from lesionseg.dicom.tags import ITEM, SEQUENCE_DELIMITER
from lesionseg.dicom.transfer_syntaxes import is_native

MAXIMUM_FRAGMENTS: Final = 1_000_000
"""Most fragments of one file; an encoder that cuts at 4 KiB makes 100 a slice."""
MAXIMUM_INFLATED_BYTES: Final = 1 << 30
"""Most that one deflated file may unpack to: 2000 frames of 512 x 512. Zeros deflate a thousandfold."""
_END_OF_IMAGE: Final = b"\xff\xd9"

Fragment = tuple[int, int]
"""Offset and length in bytes."""
Encoded = bytes | memoryview


@dataclass(frozen=True)
class PixelBlocks:
    """Encoded bytes of every frame of one file.

    Attributes
    ----------
    source : PixelSource
    frames : tuple
        For each frame, its fragments.
    inflated : bytes or None
        The unpacked data set where the file is deflated; fragments then count in it.
    """

    source: PixelSource
    frames: tuple[tuple[Fragment, ...], ...]
    inflated: bytes | None

    def read(self, frame_index: int, room: memoryview | None = None) -> Encoded:
        """Return the encoded bytes of one frame, fragments joined.

        Parameters
        ----------
        frame_index : int
        room : memoryview, optional
            Octets that a frame of exactly that length is read into, and then returned.

        Raises
        ------
        PixelDataError
            If the file has become shorter since its header was read.
        UnreadableFileError
            If the file cannot be read.
        """
        fragments = self.frames[frame_index]
        if self.inflated is not None:
            return b"".join(self.inflated[offset : offset + length] for offset, length in fragments)
        try:
            if room is not None and [length for _, length in fragments] == [room.nbytes]:
                return _read_into(room, fragments[0][0], self.source)
            with self.source.path.open("rb") as stream:
                return b"".join(_exactly(stream, fragment, self.source) for fragment in fragments)
        except OSError as error:
            raise cannot_read(self.source.path, error) from error


def locate_frames(header: SliceHeader) -> PixelBlocks:
    """Find the bytes of every frame in the file of a checked slice.

    Raises
    ------
    PixelDataError
        If there are too few or too many bytes, or fragments that cannot be told apart into frames.
    UnreadableFileError
        If the file cannot be read, or its deflated data set is damaged.
    """
    source = header.source
    if source.offset is None:
        raise damaged(source, "there is no pixel data")
    if is_native(source.transfer_syntax):
        return _native(header, source, source.offset)
    if source.length is not None:
        raise damaged(source, "compressed pixel data is not divided into fragments")
    try:
        with source.path.open("rb") as stream:
            stream.seek(source.offset)
            table, fragments = _fragments(stream, source)
            return PixelBlocks(source, _frames(stream, source, table, fragments), None)
    except OSError as error:
        raise cannot_read(source.path, error) from error


def frame_bytes(header: SliceHeader) -> int:
    """Bytes of one uncompressed frame."""
    pixels = header.pixels
    return (pixels.rows or 0) * (pixels.columns or 0) * ((pixels.bits_allocated or 0) // 8)


def damaged(source: PixelSource, problem: str, expected: str = "", found: str = "") -> PixelDataError:
    """Say that a file's pixel data cannot be used."""
    return PixelDataError(
        problem, case=str(source.path), expected=expected, found=found, remedy="Export the file again"
    )


def _native(header: SliceHeader, source: PixelSource, offset: int) -> PixelBlocks:
    one = frame_bytes(header)
    needed = one * source.number_of_frames
    length = source.length
    if length is None:
        raise damaged(source, "uncompressed pixel data has no length")
    if length < needed:
        raise damaged(source, "the pixel data is too short", f"{needed} bytes", f"{length} bytes")
    if length > needed + 1:  # one byte of padding makes an odd length even
        raise damaged(
            source, "the pixel data is too long for rows x columns", f"{needed} bytes", f"{length} bytes"
        )
    inflated = _inflated(source, offset + needed)
    present = (source.file_size if inflated is None else len(inflated)) - offset
    if present < needed:
        raise damaged(source, "the pixel data is truncated", f"{needed} bytes", f"{max(present, 0)} bytes")
    frames = tuple(((offset + one * index, one),) for index in range(source.number_of_frames))
    return PixelBlocks(source, frames, inflated)


def _inflated(source: PixelSource, needed: int) -> bytes | None:
    if source.deflated_from is None:
        return None
    if needed > MAXIMUM_INFLATED_BYTES:
        raise damaged(
            source, "the deflated image is too large", f"{MAXIMUM_INFLATED_BYTES} bytes", f"{needed} bytes"
        )
    try:
        with source.path.open("rb") as stream:
            stream.seek(source.deflated_from)
            return inflate(stream, needed, case=str(source.path))
    except OSError as error:
        raise cannot_read(source.path, error) from error
    except UnreadableFileError as error:
        raise damaged(source, error.problem, found=error.found) from error


def _exactly(stream: BinaryIO, fragment: Fragment, source: PixelSource) -> bytes:
    offset, length = fragment
    stream.seek(offset)
    data = stream.read(length)
    if len(data) < length:
        raise damaged(source, "the pixel data is truncated", f"{length} bytes", f"{len(data)} bytes")
    return data


def _read_into(room: memoryview, offset: int, source: PixelSource) -> memoryview:
    done = 0
    with source.path.open("rb", buffering=0) as stream:
        stream.seek(offset)
        while done < room.nbytes:  # one read may give less than was asked for
            more = stream.readinto(room[done:])
            if not more:
                raise damaged(source, "the pixel data is truncated", f"{room.nbytes} bytes", f"{done} bytes")
            done += more
    return room


def _fragments(stream: BinaryIO, source: PixelSource) -> tuple[tuple[int, ...], tuple[Fragment, ...]]:
    """Offset table and fragments (PS3.5 A.4): items up to the sequence delimiter."""
    table: tuple[int, ...] | None = None
    fragments: list[Fragment] = []
    while True:
        head = stream.read(8)
        tag = int.from_bytes(head[0:2], "little") << 16 | int.from_bytes(head[2:4], "little")
        length = int.from_bytes(head[4:8], "little")
        if len(head) == 8 and tag == SEQUENCE_DELIMITER:
            return table or (), tuple(fragments)
        start = stream.tell()
        if (
            len(head) < 8
            or tag != ITEM
            or start + length > source.file_size
            or len(fragments) >= MAXIMUM_FRAGMENTS
        ):
            raise damaged(source, "the compressed pixel data is truncated or damaged", found=f"byte {start}")
        if table is None:
            content = stream.read(length)
            table = tuple(
                int.from_bytes(content[i : i + 4], "little") for i in range(0, length - length % 4, 4)
            )
        else:
            fragments.append((start, length))
            stream.seek(start + length)


def _frames(
    stream: BinaryIO, source: PixelSource, table: tuple[int, ...], fragments: tuple[Fragment, ...]
) -> tuple[tuple[Fragment, ...], ...]:
    """Gather fragments into frames: by offset table, one to one, or by the codestream's end marker."""
    number = source.number_of_frames
    starts = source.frame_offsets or table
    if number == 1 and fragments:
        return (fragments,)
    if len(fragments) == number:
        return tuple((fragment,) for fragment in fragments)
    if len(starts) == number and fragments:
        frames = _by_offsets(fragments, starts)
    else:
        frames = _by_end_markers(stream, source, fragments)
    if len(frames) != number:
        raise damaged(
            source,
            "the fragments of the pixel data cannot be told apart into frames",
            f"{number}",
            f"{len(frames)}",
        )
    return frames


def _by_offsets(fragments: Sequence[Fragment], starts: Sequence[int]) -> tuple[tuple[Fragment, ...], ...]:
    """Offsets count from the first fragment's item tag, 8 bytes before its content."""
    origin = fragments[0][0] - 8
    wanted = {origin + start for start in starts}
    frames: list[list[Fragment]] = []
    for fragment in fragments:
        if fragment[0] - 8 in wanted:
            frames.append([])
        if frames:
            frames[-1].append(fragment)
    return tuple(tuple(frame) for frame in frames)


def _by_end_markers(
    stream: BinaryIO, source: PixelSource, fragments: Sequence[Fragment]
) -> tuple[tuple[Fragment, ...], ...]:
    frames: list[tuple[Fragment, ...]] = []
    open_frame: list[Fragment] = []
    for offset, length in fragments:
        open_frame.append((offset, length))
        tail_length = min(length, 16)
        tail = _exactly(stream, (offset + length - tail_length, tail_length), source)
        if tail.rstrip(b"\0").endswith(_END_OF_IMAGE):
            frames.append(tuple(open_frame))
            open_frame = []
    return tuple(frames) if not open_frame else ()
