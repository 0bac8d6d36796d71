"""The files of each format, written into a folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lesionseg.core.errors import ExportError
from lesionseg.export.itk_snap import write_itk_snap
from lesionseg.export.slicer import write_seg_nrrd
from lesionseg.workflow.export.names import (
    ITK_SNAP,
    ITK_SNAP_DESCRIPTIONS,
    ITK_SNAP_LABELS,
    SC,
    SC_FILE,
    SEG,
    SEG_FILE,
    SLICER,
    SLICER_FILE,
    SR,
    SR_FILE,
)
from lesionseg.workflow.export.possible import EMPTY, left_out
from lesionseg.workflow.export.request import Exportable, ExportSettings, LeftOut

if TYPE_CHECKING:
    from lesionseg.export.seg import SegResult
    from lesionseg.export.source import SourceSeries


class _Made(Protocol):
    """A DICOM object that was written."""

    @property
    def sop_instance_uid(self) -> str: ...

    @property
    def series_uid(self) -> str: ...


@dataclass
class Written:
    """What has been written so far.

    Attributes
    ----------
    names : dict of str to tuple of str
        File names by format.
    facts : dict of str to dict
        By the name of a DICOM file: its UIDs, and the segments of a SEG.
    left_out : list of LeftOut
    source : SourceSeries or None
        Read once, where a DICOM format is written.
    """

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    source: SourceSeries | None = None


def write_formats(
    what: Exportable, folder: Path, formats: tuple[str, ...], settings: ExportSettings
) -> Written:
    """Write the formats, all of them possible, into an existing folder.

    A SEG without any segment is left out.

    Raises
    ------
    UnreadableFileError
        If the scan's first file has gone since it was loaded.
    OutputError
        If a file cannot be written.
    """
    written = Written()
    if {SEG, SR, SC} & set(formats):
        _write_dicom(what, folder, formats, settings, written)
    if SLICER in formats:
        write_seg_nrrd(what.label_map, what.origin, folder / SLICER_FILE)
        written.names[SLICER] = (SLICER_FILE,)
    if ITK_SNAP in formats:
        write_itk_snap(what.label_map, folder / ITK_SNAP_LABELS, folder / ITK_SNAP_DESCRIPTIONS)
        written.names[ITK_SNAP] = (ITK_SNAP_LABELS, ITK_SNAP_DESCRIPTIONS)
    return written


def _write_dicom(
    what: Exportable, folder: Path, formats: tuple[str, ...], settings: ExportSettings, written: Written
) -> None:
    from lesionseg.export.source import read_source

    if what.series is None:
        raise ExportError("there are no DICOM slices to refer to", case=what.case)
    source = written.source = read_source(what.series)
    seg = _write_seg(what, source, folder, settings, written) if SEG in formats else None
    if SR in formats:
        _write_sr(what, source, folder, seg, written)
    if SC in formats:
        _write_sc(what, source, folder, written)


def _write_seg(
    what: Exportable, source: SourceSeries, folder: Path, settings: ExportSettings, written: Written
) -> SegResult | None:
    from lesionseg.export.seg import SegSettings, write_seg

    how = SegSettings(encoding=settings.encoding, whole_lesion=settings.whole_lesion)
    result = write_seg(what.label_map, source, what.origin, folder / SEG_FILE, settings=how)
    if result.path is None:
        written.left_out.append(left_out(SEG, EMPTY))
        return None
    _note(written, SEG, SEG_FILE, result)
    written.facts[SEG_FILE] |= {
        "segments": dict(result.segment_numbers),
        "empty_segments": list(result.dropped),
    }
    return result


def _write_sr(
    what: Exportable, source: SourceSeries, folder: Path, seg: SegResult | None, written: Written
) -> None:
    from lesionseg.export.sr import SegReference, write_sr

    reference = None
    if seg is not None:
        numbers = seg.segment_numbers
        reference = SegReference(seg.sop_instance_uid, seg.series_uid, numbers, seg.sop_class_uid)
    result = write_sr(what.measurements, source, what.origin, folder / SR_FILE, seg=reference)
    _note(written, SR, SR_FILE, result)


def _write_sc(what: Exportable, source: SourceSeries, folder: Path, written: Written) -> None:
    from lesionseg.export.secondary_capture import write_secondary_capture

    if what.overview is not None:
        result = write_secondary_capture(what.overview, source, what.origin, folder / SC_FILE)
        _note(written, SC, SC_FILE, result)


def _note(written: Written, name: str, file: str, result: _Made) -> None:
    written.names[name] = (file,)
    written.facts[file] = {
        "sop_instance_uid": result.sop_instance_uid,
        "series_uid": result.series_uid,
    }
