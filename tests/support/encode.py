"""The same slice in other transfer syntaxes, as far as installed encoders go."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

NATIVE_SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
_ENCODERS = {RLELossless: "pydicom", JPEGLSLossless: "pyjpegls", JPEG2000Lossless: "pylibjpeg"}
"""gdcm's RLE encoder aborts the process on 8-bit images of odd size, so each encoder is named."""
COMPRESSED_SYNTAXES = tuple(_ENCODERS)
ENCODABLE_SYNTAXES = (*NATIVE_SYNTAXES, ExplicitVRBigEndian, *COMPRESSED_SYNTAXES)
"""What pydicom with its plugins can encode."""
GDCM_SYNTAXES = (JPEGLossless, JPEGLosslessSV1)
"""What gdcm can encode besides."""


def encode(dataset: Dataset, syntax: UID | None) -> Dataset:
    """Re-encode an uncompressed little-endian dataset; `None` leaves it as it is. Lossless only."""
    if syntax is None or syntax == dataset.file_meta.TransferSyntaxUID:
        return dataset
    if syntax == ExplicitVRBigEndian:
        return swap_to_big_endian(dataset)
    if syntax in NATIVE_SYNTAXES:
        dataset.file_meta.TransferSyntaxUID = syntax
        return dataset
    if syntax in GDCM_SYNTAXES:
        return _encode_with_gdcm(dataset, syntax)
    plugin = _ENCODERS[syntax]
    dataset.compress(syntax, encoding_plugin=plugin, generate_instance_uid=False)
    return dataset


def swap_to_big_endian(dataset: Dataset) -> Dataset:
    """As explicit VR big endian; the writer swaps no pixel bytes, so that is done here."""
    pixels = np.frombuffer(dataset.PixelData, "<u2")
    swapped = Dataset(dataset)
    swapped.file_meta = dataset.file_meta
    swapped.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    swapped["PixelData"].value = pixels.astype(">u2").tobytes()
    return swapped


def _encode_with_gdcm(dataset: Dataset, syntax: UID) -> Dataset:
    """Through files, for gdcm's Python binding takes no bytes; only the pixels are taken over.

    gdcm's writer alters headers: it adds RescaleType US where the source has none.
    """
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name) / "source.dcm", Path(name) / "target.dcm"
        dataset.save_as(source, enforce_file_format=True)
        if not _transcode_with_gdcm(source, target, syntax):
            raise RuntimeError(f"gdcm cannot encode {syntax}")
        dataset["PixelData"] = dcmread(target)["PixelData"]
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset


def _transcode_with_gdcm(source: Path, target: Path, syntax: UID) -> bool:
    import gdcm

    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(source))
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    if not reader.Read():
        return False
    change.SetInput(reader.GetImage())
    if not change.Change():
        return False
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(target))
    return bool(writer.Write())
