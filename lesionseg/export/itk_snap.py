"""A label map for ITK-SNAP: a NIfTI image, and a label description file with names and colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lesionseg.core.files import write_text
from lesionseg.export.codes import EXCLUSIVE_SEGMENTS, SegmentConcepts
from lesionseg.volume import LabelMap, write_label_map

_HEAD: Final = """\
################################################
# ITK-SnAP Label Description File
# File format:
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
# Fields:
#    IDX:   value in the image, 0 is the background
#    -R-:   red (0..255)
#    -G-:   green (0..255)
#    -B-:   blue (0..255)
#    -A-:   opacity (0.00 .. 1.00)
#    VIS:   whether the label is shown (0 or 1)
#    MSH:   whether its surface is shown (0 or 1)
#  LABEL:   name
################################################
"""


def write_itk_snap(label_map: LabelMap, labels: Path, descriptions: Path) -> None:
    """Write both files; in ITK-SNAP open the scan, then the labels, then import the descriptions.

    Parameters
    ----------
    label_map : LabelMap
    labels : Path
        Ends in ``.nii.gz``; the grid survives to float32, as NIfTI keeps it.
    descriptions : Path
        Text; ITK-SNAP's dialogue looks for ``.label`` and ``.txt``.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    write_label_map(label_map, labels)
    write_text(descriptions, label_descriptions())


def label_descriptions(segments: Sequence[SegmentConcepts] = EXCLUSIVE_SEGMENTS) -> str:
    """Return the label description file of exclusive segments, the background first and hidden."""
    lines = [_line(0, (0, 0, 0), "Clear Label", shown=False)]
    lines += [_line(part.number, part.colour, part.label, shown=True) for part in segments]
    return _HEAD + "".join(f"{line}\n" for line in lines)


def _line(value: int, colour: tuple[int, int, int], name: str, *, shown: bool) -> str:
    red, green, blue = colour
    seen = int(shown)
    return f'{value:5d} {red:5d} {green:4d} {blue:4d} {seen:8d} {seen:2d} {seen:2d}    "{name}"'
