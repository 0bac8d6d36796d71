"""The frames of a DICOM segmentation, decoded one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from lesionseg.core.errors import PixelDataError
from lesionseg.dicom.codestream import codestream_facts
from lesionseg.dicom.transfer_syntaxes import RLE_LOSSLESS, is_native
from lesionseg.readings.masks.seg_header import SegHeader

_EXPANSION: Final = 2
_OVERHEAD_BYTES: Final = 1 << 16
FrameArray = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def seg_frames(dataset: Dataset, header: SegHeader, case: str) -> Iterator[FrameArray]:
    """Yield every frame's stored values, shape (rows, columns), in the file's order.

    Raises
    ------
    PixelDataError
        If there are too few bytes, or a compressed frame is not of the size that the header says.
    """
    if header.bits_allocated not in (1, 8, 16):
        raise PixelDataError(
            "the pixels of the segmentation are of an unknown kind",
            case=case,
            expected="1, 8 or 16 bits",
            found=f"{header.bits_allocated} bits",
        )
    if "PixelData" not in dataset:
        raise PixelDataError("the segmentation has no pixels", case=case, remedy="Export it again")
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    if is_native(syntax):
        return _native(dataset.PixelData, header, case, big_endian=_big_endian(syntax))
    return _compressed(dataset, header, syntax, case)


def _native(data: bytes, header: SegHeader, case: str, *, big_endian: bool) -> Iterator[FrameArray]:
    pixels = header.rows * header.columns
    needed = (pixels * len(header.frames) * header.bits_allocated + 7) // 8
    if len(data) < needed:
        raise PixelDataError(
            "the pixel data ends early",
            case=case,
            expected=f"{needed} bytes for {len(header.frames)} frames",
            found=f"{len(data)} bytes",
            remedy="Copy or export it again",
        )
    shape = (header.rows, header.columns)
    for index in range(len(header.frames)):
        if header.bits_allocated == 1:
            yield _bits(data, index * pixels, pixels).reshape(shape)
        else:
            kind = "u1" if header.bits_allocated == 8 else (">u2" if big_endian else "<u2")
            offset = index * pixels * header.bits_allocated // 8
            yield np.frombuffer(data, kind, pixels, offset).reshape(shape)


def _bits(data: bytes, first: int, count: int) -> npt.NDArray[np.uint8]:
    """Unpack bits, the lowest of a byte first (PS3.5 8.1.1); frames need not begin at a byte."""
    start = first // 8
    stop = (first + count + 7) // 8
    unpacked = np.unpackbits(np.frombuffer(data, np.uint8, stop - start, start), bitorder="little")
    return unpacked[first - 8 * start :][:count]


def _compressed(dataset: Dataset, header: SegHeader, syntax: str, case: str) -> Iterator[FrameArray]:
    from pydicom.pixels.decoders.base import get_decoder

    for frame in generate_frames(dataset.PixelData, number_of_frames=len(header.frames)):
        _check_frame(frame, header, syntax, case)
    shape = (header.rows, header.columns)
    for values, _ in get_decoder(dataset.file_meta.TransferSyntaxUID).iter_array(dataset, raw=True):
        if values.shape != shape:
            raise _damaged(case, f"{header.rows} x {header.columns}", str(values.shape))
        yield values


def _check_frame(frame: bytes, header: SegHeader, syntax: str, case: str) -> None:
    """Make sure that a decoder will not be asked for another size than the header's."""
    most = _EXPANSION * header.rows * header.columns * header.bits_allocated // 8 + _OVERHEAD_BYTES
    if len(frame) > most:
        raise _damaged(case, f"at most {most} bytes a frame", f"{len(frame)} bytes")
    if syntax == RLE_LOSSLESS:
        return
    facts = codestream_facts(frame)
    if facts is None or facts.problem or (facts.rows, facts.columns) != (header.rows, header.columns):
        found = "no readable start" if facts is None else facts.problem or f"{facts.rows} x {facts.columns}"
        raise _damaged(case, f"{header.rows} x {header.columns}", found)


def _big_endian(syntax: str) -> bool:
    return syntax == "1.2.840.10008.1.2.2"


def _damaged(case: str, expected: str, found: str) -> PixelDataError:
    return PixelDataError(
        "a compressed frame is damaged", case=case, expected=expected, found=found, remedy="Export it again"
    )
