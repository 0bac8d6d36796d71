"""From a frame's encoded bytes to its stored values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import PixelDataError
from lesionseg.dicom.codestream import MAXIMUM_TILES, codestream_size, has_end
from lesionseg.dicom.headers import SliceHeader
from lesionseg.dicom.pixel_blocks import damaged, frame_bytes
from lesionseg.dicom.transfer_syntaxes import RLE_LOSSLESS, is_native, unsupported

StoredArray = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


def check_decodable(transfer_syntax: str, case: str) -> None:
    """Make sure that an installed decoder reads a transfer syntax.

    Raises
    ------
    UnsupportedTransferSyntaxError
        Naming the encoding, and what to install where that would help.
    """
    if not is_native(transfer_syntax):
        _decoder(transfer_syntax, case)


def stored_values(header: SliceHeader, encoded: bytes) -> StoredArray:
    """Decode one frame.

    Returns
    -------
    ndarray, shape (rows, columns), uint8 or uint16
        Bits as stored, in the machine's byte order; neither masked nor sign-extended yet.

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
    _check_codestream(header, encoded)
    decoded = _decoded(header, encoded)
    if decoded.shape != shape or decoded.dtype.itemsize * 8 != header.pixels.bits_allocated:
        raise damaged(header.source, "the pixels decode to another size", str(shape), str(decoded.shape))
    unsigned: StoredArray = np.ascontiguousarray(decoded).view(f"u{decoded.dtype.itemsize}")
    return unsigned


def _native(header: SliceHeader, encoded: bytes) -> StoredArray:
    order = "<" if header.source.little_endian else ">"
    if header.pixels.bits_allocated == 16:
        return np.frombuffer(encoded, f"{order}u2").astype(np.uint16, copy=False)
    octets = np.frombuffer(encoded, np.uint8)
    if order == ">" and header.source.vr == "OW" and not len(octets) % 2:
        # PS3.5 8.1.1: octets in words of a big-endian file lie swapped
        octets = octets.reshape(-1, 2)[:, ::-1].reshape(-1)
    return octets


def _check_codestream(header: SliceHeader, encoded: bytes) -> None:
    source = header.source
    if source.transfer_syntax == RLE_LOSSLESS:
        return
    size = codestream_size(encoded)
    if size is None:
        raise damaged(source, "the compressed image has no readable start")
    expected = (header.pixels.rows, header.pixels.columns, 1)
    if (size.rows, size.columns, size.components) != expected or size.tiles > MAXIMUM_TILES:
        raise damaged(
            source,
            "the compressed image is not of the size that the header says",
            f"{expected[0]} x {expected[1]}, one component",
            f"{size.rows} x {size.columns}, {size.components} components, {size.tiles} tiles",
        )
    if not has_end(encoded):
        raise damaged(source, "the compressed image ends early", found="no end marker")


def _decoded(header: SliceHeader, encoded: bytes) -> npt.NDArray[Any]:
    from pydicom.encaps import encapsulate

    source, pixels = header.source, header.pixels
    decoder = _decoder(source.transfer_syntax, str(source.path))
    try:
        array: npt.NDArray[Any] = decoder.as_array(
            encapsulate([encoded if len(encoded) % 2 == 0 else encoded + b"\0"]),
            index=0,
            raw=True,
            correct_unused_bits=False,
            number_of_frames=1,
            rows=pixels.rows,
            columns=pixels.columns,
            samples_per_pixel=1,
            photometric_interpretation="MONOCHROME2",
            bits_allocated=pixels.bits_allocated,
            bits_stored=pixels.bits_stored,
            pixel_representation=pixels.pixel_representation,
        )[0]
    except Exception as error:  # codecs raise whatever they like on damaged data
        raise _cannot_decode(header, error) from error
    return array


def _cannot_decode(header: SliceHeader, error: Exception) -> PixelDataError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return damaged(
        header.source,
        "the pixel data cannot be decoded",
        f"{frame_bytes(header)} bytes of pixels",
        reason.removeprefix("Unable to decode as exceptions were raised by all available plugins: "),
    )


def _decoder(transfer_syntax: str, case: str) -> Any:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    try:
        decoder = get_decoder(UID(transfer_syntax, validation_mode=0))
    except NotImplementedError as error:
        raise unsupported(transfer_syntax, case) from error
    if not decoder.is_available:
        raise unsupported(transfer_syntax, case, "; ".join(decoder.missing_dependencies))
    return decoder
