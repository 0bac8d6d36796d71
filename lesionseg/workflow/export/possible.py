"""Which formats a case allows, decided before anything is written."""

from __future__ import annotations

from lesionseg.core.errors import ExportError
from lesionseg.workflow.export.names import DICOM_FORMATS, SC, SEG
from lesionseg.workflow.export.request import Exportable, ExportSettings, LeftOut

NO_SLICES = "no-dicom-source"
STRAIGHTENED = "straightened"
NO_OVERVIEW = "no-overview"
EMPTY = "empty"
_TEXTS = {
    NO_SLICES: "the scan is a volume file, so there is no patient, study or slice to refer to",
    STRAIGHTENED: "the labels lie on the straightened grid of a scan with tilted gantry, whose voxels are "
    "not those of the slices",
    NO_OVERVIEW: "there is no overview to show",
    EMPTY: "no voxel is labelled; the report says 0 ml",
}


def left_out(name: str, reason: str) -> LeftOut:
    """Return the record of a format that is not made."""
    return LeftOut(name, reason, _TEXTS[reason])


def impossible(what: Exportable, settings: ExportSettings) -> tuple[LeftOut, ...]:
    """Find the formats that this case does not allow.

    Raises
    ------
    ExportError
        If one of them was asked for by name.
    """
    reasons = {name: _reason(what, name) for name in settings.tried}
    found = tuple(left_out(name, reason) for name, reason in reasons.items() if reason)
    if found and settings.formats:
        refuse(what.case, found, settings)
    return found


def refuse(case: str, found: tuple[LeftOut, ...], settings: ExportSettings) -> None:
    """Raise `ExportError` for formats that were asked for and cannot be made."""
    others = [name for name in settings.tried if name not in {part.format for part in found}]
    raise ExportError(
        f"{' and '.join(part.format for part in found)} cannot be made of this case",
        case=case,
        found="; ".join(dict.fromkeys(part.text for part in found)),
        remedy=f"Ask for {', '.join(others)} alone" if others else "Ask for slicer or itk-snap",
    )


def refuse_volume_file(case: str, settings: ExportSettings) -> None:
    """Raise where a DICOM format is demanded of a scan that is a volume file, before it is measured."""
    if settings.demands_dicom():
        wanted = (name for name in settings.tried if name in DICOM_FORMATS)
        refuse(case, tuple(left_out(name, NO_SLICES) for name in wanted), settings)


def _reason(what: Exportable, name: str) -> str:
    """Reason code; empty where the format can be made."""
    if name not in DICOM_FORMATS:
        return ""
    if what.series is None:
        return NO_SLICES
    if name == SEG and not _pixel_aligned(what):
        return STRAIGHTENED
    return NO_OVERVIEW if name == SC and what.overview is None else ""


def _pixel_aligned(what: Exportable) -> bool:
    from lesionseg.dicom.loader import STRAIGHT

    return what.series is not None and STRAIGHT in what.series.checks_passed
