"""From a frame's encoded bytes to its stored values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import PixelDataError
from lesionseg.dicom.codestream import codestream_facts
from lesionseg.dicom.headers import SliceHeader
from lesionseg.dicom.pixel_blocks import damaged, frame_bytes
from lesionseg.dicom.rle import DamagedRunLengthError, decode_rle
from lesionseg.dicom.transfer_syntaxes import RLE_LOSSLESS, is_native, unsupported

if TYPE_CHECKING:
    from pydicom.pixels.decoders.base import Decoder

StoredArray = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

LARGEST_EXPANSION: Final = 2
"""No codec makes noise larger than this; longer frames are damage."""
_CODEC_OVERHEAD_BYTES: Final = 1 << 16
_JPEG_EXTENDED: Final = "1.2.840.10008.1.2.4.51"
_JPEG_RETIRED: Final = frozenset({"1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.55"})
"""Progressive JPEG: the codestream says so itself, and libjpeg reads it as it reads JPEG extended."""
_DECODERS: Final = (
    ("pyjpegls",),  # refuses damaged JPEG-LS, which libjpeg fills up
    ("pylibjpeg", "pillow"),
    ("gdcm",),
)
"""Decoders in groups; only the first group with one installed is used. gdcm reads as much as the others but
ends the whole process on some damaged codestreams, so it never gets what another one has refused."""


def check_decodable(transfer_syntax: str, case: str) -> None:
    """Make sure that an installed decoder reads a transfer syntax.

    Raises
    ------
    UnsupportedTransferSyntaxError
        Naming the encoding, and what to install where that would help.
    """
    if not is_native(transfer_syntax) and transfer_syntax != RLE_LOSSLESS:
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
    source = header.source
    decoder = _decoder(source.transfer_syntax, str(source.path))
    failures: list[str] = []
    for plugin in _plugins(source.transfer_syntax, decoder):
        try:
            return _decoded_by(plugin, decoder, header, encoded)
        except Exception as error:  # noqa: BLE001 - codecs raise whatever they like on damaged data
            failures.append(" ".join(str(error).split()).rpartition("available plugins: ")[2])
    if all("does not support" in failure for failure in failures):
        raise unsupported(source.transfer_syntax, str(source.path), "; ".join(failures))
    raise _cannot_decode(header, "; ".join(failures))


def _decoded_by(plugin: str, decoder: Decoder, header: SliceHeader, encoded: bytes) -> npt.NDArray[Any]:
    from pydicom.encaps import encapsulate

    pixels = header.pixels
    options: dict[str, Any] = {
        "correct_unused_bits": False,
        "number_of_frames": 1,
        "rows": pixels.rows,
        "columns": pixels.columns,
        "samples_per_pixel": 1,
        "photometric_interpretation": "MONOCHROME2",
        "bits_allocated": pixels.bits_allocated,
        "bits_stored": pixels.bits_stored,
        "pixel_representation": pixels.pixel_representation,
    }
    even = encoded if len(encoded) % 2 == 0 else encoded + b"\0"
    return decoder.as_array(encapsulate([even]), index=0, raw=True, decoding_plugin=plugin, **options)[0]


def _plugins(transfer_syntax: str, decoder: Decoder) -> tuple[str, ...]:
    available = decoder.available_plugins
    if transfer_syntax in _JPEG_RETIRED:
        return ("pylibjpeg",) if "pylibjpeg" in available else ()
    groups = (tuple(plugin for plugin in group if plugin in available) for group in _DECODERS)
    return next((group for group in groups if group), ())


def _cannot_decode(header: SliceHeader, reason: str) -> PixelDataError:
    return damaged(
        header.source, "the pixel data cannot be decoded", f"{frame_bytes(header)} bytes of pixels", reason
    )


def _decoder(transfer_syntax: str, case: str) -> Decoder:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    codestream = _JPEG_EXTENDED if transfer_syntax in _JPEG_RETIRED else transfer_syntax
    try:
        decoder = get_decoder(UID(codestream, validation_mode=0))
    except NotImplementedError as error:
        raise unsupported(transfer_syntax, case) from error
    if not decoder.is_available or not _plugins(transfer_syntax, decoder):
        raise unsupported(transfer_syntax, case, "; ".join(decoder.missing_dependencies))
    return decoder
