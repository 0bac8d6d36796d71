"""From a frame's encoded bytes to its stored values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import PixelDataError
from lesionseg.dicom.codestream import codestream_facts
from lesionseg.dicom.headers import SliceHeader
from lesionseg.dicom.pixel_blocks import Encoded, damaged, frame_bytes
from lesionseg.dicom.rle import DamagedRunLengthError, decode_rle
from lesionseg.dicom.transfer_syntaxes import RLE_LOSSLESS, is_native, unsupported

StoredArray = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]
Decoder = Callable[[bytes], npt.NDArray[Any]]

LARGEST_EXPANSION: Final = 2
"""No codec makes noise larger than this; longer frames are damage."""
_CODEC_OVERHEAD_BYTES: Final = 1 << 16
_JPEG: Final = "1.2.840.10008.1.2.4."
_CODECS: Final = {
    **{f"{_JPEG}{number}": "jpeg8" for number in (50, 51, 53, 55, 57, 70)},  # libjpeg-turbo
    **{f"{_JPEG}{number}": "jpegls" for number in (80, 81)},  # charls
    **{f"{_JPEG}{number}": "jpeg2k" for number in (90, 91, 201, 202, 203)},  # openjpeg
}
"""imagecodecs' name of the codec of each transfer syntax; all of them decode without Python's lock."""


def check_decodable(transfer_syntax: str, case: str) -> None:
    """Make sure that an installed decoder reads a transfer syntax.

    Raises
    ------
    UnsupportedTransferSyntaxError
        Naming the encoding, and what to install where that would help.
    """
    if not is_native(transfer_syntax) and transfer_syntax != RLE_LOSSLESS:
        _decoder(transfer_syntax, case)


def stored_values(header: SliceHeader, encoded: Encoded) -> StoredArray:
    """Decode one frame.

    Returns
    -------
    ndarray, shape (rows, columns), uint8 or uint16
        Bits as stored, in the machine's byte order; neither masked nor sign-extended yet. Of native pixels
        it may share the memory of `encoded`.

    Raises
    ------
    PixelDataError
        If the frame is damaged, or is not of the size that the header says.
    UnsupportedTransferSyntaxError
        If no installed decoder reads it.
    """
    shape = (header.pixels.rows or 0, header.pixels.columns or 0)
    if is_native(header.source.transfer_syntax):
        return _native(header, encoded).reshape(shape)
    encoded = bytes(encoded)
    if len(encoded) > LARGEST_EXPANSION * frame_bytes(header) + _CODEC_OVERHEAD_BYTES:
        raise damaged(
            header.source, "the compressed image is longer than its pixels", found=f"{len(encoded)} bytes"
        )
    if header.source.transfer_syntax == RLE_LOSSLESS:
        return _run_length(header, encoded).reshape(shape)
    _check_codestream(header, encoded)
    decoded = _decoded(header, encoded)
    if decoded.shape != shape or decoded.dtype.itemsize * 8 != header.pixels.bits_allocated:
        raise damaged(header.source, "the pixels decode to another size", str(shape), str(decoded.shape))
    unsigned: StoredArray = np.ascontiguousarray(decoded).view(f"u{decoded.dtype.itemsize}")
    return unsigned


def _native(header: SliceHeader, encoded: Encoded) -> StoredArray:
    order = "<" if header.source.little_endian else ">"
    if header.pixels.bits_allocated == 16:
        return np.frombuffer(encoded, f"{order}u2").astype(np.uint16, copy=False)
    octets = np.frombuffer(encoded, np.uint8)
    if order == ">" and header.source.vr == "OW" and not len(octets) % 2:
        # PS3.5 8.1.1: octets in words of a big-endian file lie swapped
        octets = octets.reshape(-1, 2)[:, ::-1].reshape(-1)
    return octets


def _check_codestream(header: SliceHeader, encoded: bytes) -> None:
    source, pixels = header.source, header.pixels
    facts = codestream_facts(encoded)
    if facts is None:
        raise damaged(source, "the compressed image has no readable start")
    allocated = pixels.bits_allocated or 0
    fits = allocated - 8 < facts.precision_bits <= allocated and facts.precision_bits > 1
    if (facts.rows, facts.columns, facts.components) != (pixels.rows, pixels.columns, 1) or not fits:
        raise damaged(
            source,
            "the compressed image is not what the header says",
            f"{pixels.rows} x {pixels.columns}, one component in {allocated} bits",
            f"{facts.rows} x {facts.columns}, {facts.components} components of {facts.precision_bits} bits",
        )
    if facts.problem:
        raise damaged(source, "the compressed image is damaged", found=facts.problem)


def _run_length(header: SliceHeader, encoded: bytes) -> StoredArray:
    octets = (header.pixels.bits_allocated or 0) // 8
    try:
        return decode_rle(encoded, frame_bytes(header) // octets, octets)
    except DamagedRunLengthError as error:
        raise _cannot_decode(header, str(error)) from error


def _decoded(header: SliceHeader, encoded: bytes) -> npt.NDArray[Any]:
    decode = _decoder(header.source.transfer_syntax, str(header.source.path))
    try:
        return decode(encoded)
    except Exception as error:  # codecs raise whatever they like on damaged data
        raise _cannot_decode(header, " ".join(str(error).split())) from error


def _cannot_decode(header: SliceHeader, reason: str) -> PixelDataError:
    return damaged(
        header.source, "the pixel data cannot be decoded", f"{frame_bytes(header)} bytes of pixels", reason
    )


def _decoder(transfer_syntax: str, case: str) -> Decoder:
    codec = _CODECS.get(transfer_syntax)
    if codec is None:
        raise unsupported(transfer_syntax, case)
    try:
        import imagecodecs
    except ImportError as error:
        raise unsupported(transfer_syntax, case, "imagecodecs") from error
    if not getattr(imagecodecs, codec.upper()).available:
        raise unsupported(transfer_syntax, case, f"imagecodecs with {codec}")
    decode: Decoder = getattr(imagecodecs, f"{codec}_decode")
    return decode
