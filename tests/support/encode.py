"""The same slice in other transfer syntaxes, as far as installed encoders go."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset
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
COMPRESSED_SYNTAXES = (RLELossless, JPEGLSLossless, JPEG2000Lossless)
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
    dataset.compress(syntax, generate_instance_uid=False)
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
    import gdcm
    from pydicom.encaps import encapsulate

    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimension(0, int(dataset.Columns))
    image.SetDimension(1, int(dataset.Rows))
    image.SetPhotometricInterpretation(
        gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2)
    )
    image.SetPixelFormat(
        gdcm.PixelFormat(
            1, 16, int(dataset.BitsStored), int(dataset.HighBit), int(dataset.PixelRepresentation)
        )
    )
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetByteValue(bytes(dataset.PixelData), gdcm.VL(len(dataset.PixelData)))
    image.SetDataElement(element)
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(str(syntax))))
    change.SetInput(image)
    if not change.Change():
        raise RuntimeError(f"gdcm cannot encode {syntax}")
    fragments = change.GetOutput().GetDataElement().GetSequenceOfFragments()
    frame = fragments.GetFragment(0).GetByteValue().GetBuffer().encode("utf-8", "surrogateescape")
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = syntax
    return dataset
