"""What the reader of one file format hands on: the layers, what they mean, and the notes."""

from __future__ import annotations

from dataclasses import dataclass

from lesionseg.dicom.settings import Note
from lesionseg.readings.masks.layers import Layers
from lesionseg.readings.masks.reader_mask import FoundSegment, MaskFormat


@dataclass(frozen=True)
class Drawing:
    """A file's segments on the scan's grid.

    Attributes
    ----------
    format : MaskFormat
    layers : Layers
    segments : tuple of FoundSegment
        In the file's order, empty ones included.
    notes : tuple of Note
    values_assumed : bool
        The regions were told by our own label values alone, which other programs use for other things.
    """

    format: MaskFormat
    layers: Layers
    segments: tuple[FoundSegment, ...]
    notes: tuple[Note, ...] = ()
    values_assumed: bool = False
