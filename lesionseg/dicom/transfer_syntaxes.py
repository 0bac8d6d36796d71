"""Transfer syntaxes by name: which are native, which lose information, which a decoder here reads."""

from __future__ import annotations

from typing import Final

from lesionseg.core.errors import UnsupportedTransferSyntaxError
from lesionseg.dicom.file_header import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)

NATIVE: Final = frozenset(
    {
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    }
)
RLE_LOSSLESS: Final = "1.2.840.10008.1.2.5"
LOSSY: Final = frozenset(
    {
        "1.2.840.10008.1.2.4.50",  # JPEG baseline
        "1.2.840.10008.1.2.4.51",  # JPEG extended
        "1.2.840.10008.1.2.4.53",  # JPEG spectral selection (retired)
        "1.2.840.10008.1.2.4.55",  # JPEG full progression (retired)
        "1.2.840.10008.1.2.4.81",  # JPEG-LS near-lossless
        "1.2.840.10008.1.2.4.203",  # high-throughput JPEG 2000
    }
)
"""Always lossy. JPEG 2000 (.91) may be either, and says so in LossyImageCompression."""


def is_native(transfer_syntax: str) -> bool:
    """Whether pixels are stored uncompressed."""
    return transfer_syntax in NATIVE


def name_of(transfer_syntax: str) -> str:
    """Name of a transfer syntax for a message, with its UID."""
    from pydicom.uid import UID

    name = UID(transfer_syntax, validation_mode=0).name if transfer_syntax else "none declared"
    return name if name == transfer_syntax else f"{name} ({transfer_syntax})"


def unsupported(transfer_syntax: str, case: str, missing: str = "") -> UnsupportedTransferSyntaxError:
    """Say that no installed decoder reads an encoding, and what would."""
    remedy = (
        f"Install the decoders: pip install 'lesionseg[codecs]' ({missing})"
        if missing
        else "Save the series uncompressed or as JPEG 2000 lossless with your archive's tools"
    )
    return UnsupportedTransferSyntaxError(
        "no installed decoder reads this encoding", case=case, found=name_of(transfer_syntax), remedy=remedy
    )
