"""Any accepted input to a checked volume in Hounsfield units, with what the manifest says about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionseg.core.errors import ConfigurationError, InputNotFoundError
from lesionseg.volume import CTVolume
from lesionseg.volume.files import is_volume_file, read_volume_file
from lesionseg.volume.hounsfield import AIR_HU, check_hounsfield, replace_padding

if TYPE_CHECKING:
    from lesionseg.dicom.discovery import Findings
    from lesionseg.dicom.series import CTSeries, LoadedSeries

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class LoadedScan:
    """A checked volume and where it came from.

    Attributes
    ----------
    volume : CTVolume
        Hounsfield units; padding outside the reconstruction circle is air.
    label : str
        What a person calls it: the name of the input folder or file.
    series_uid : str
        Empty where the input is no DICOM.
    files : tuple of Path
        The files whose content is in the volume, in slice order.
    source : dict
        For the manifest: kind, series, choice. JSON values only.
    notes : tuple of dict
        Each with ``code`` and ``text``: oddities and repairs.
    series : CTSeries or None
        The slices behind the volume; None where the input is no DICOM.
    """

    volume: CTVolume
    label: str
    series_uid: str
    files: tuple[Path, ...]
    source: dict[str, Any]
    notes: tuple[dict[str, str], ...]
    series: CTSeries | None = None


def load_volume(
    path: Path | str, *, series_uid: str | None = None, repairs: tuple[str, ...] = ()
) -> CTVolume:
    """Load a chest CT from a DICOM folder or file, or from a NIfTI, NRRD or MetaImage file.

    Parameters
    ----------
    path : Path or str
    series_uid : str, optional
        The DICOM series to use where there are several.
    repairs : tuple of str
        Repairs that may be done (``tilt``, ``duplicates``).

    Returns
    -------
    CTVolume
        In Hounsfield units, on the scan's own grid.

    Raises
    ------
    InputError
        If the input is absent, damaged, geometrically unsound or not in Hounsfield units.
    """
    return load_scan(Path(path), series_uid=series_uid, repairs=repairs).volume


def load_scan(
    path: Path,
    *,
    series_uid: str | None = None,
    repairs: tuple[str, ...] = (),
    progress: Progress | None = None,
    found: Findings | None = None,
) -> LoadedScan:
    """Load as `load_volume` does, with everything that the manifest says about the input.

    With `found`, headers that are already read, the files under `path` are not searched again.
    """
    refuse_absent_input(path)
    if path.is_file() and is_volume_file(path):
        _refuse_dicom_options(path, series_uid, repairs)
        return _from_file(path)
    return _from_dicom(path, series_uid, repairs, progress, found)


def refuse_absent_input(path: Path) -> None:
    """Raise `InputNotFoundError` where there is nothing at `path`."""
    if not path.exists():
        raise InputNotFoundError(
            "there is no such file or folder", case=str(path), remedy="Check the path's spelling"
        )


def _from_file(path: Path) -> LoadedScan:
    volume, padded_voxels = replace_padding(read_volume_file(path))
    odd = [{"code": "intensity", "text": text} for text in check_hounsfield(volume)]
    notes = tuple(_padding_note(padded_voxels, volume) + odd)
    return LoadedScan(volume, path.name, "", (path,), {"kind": "volume file"}, notes)


def _from_dicom(
    path: Path,
    series_uid: str | None,
    repairs: tuple[str, ...],
    progress: Progress | None,
    found: Findings | None,
) -> LoadedScan:
    from lesionseg.dicom import LoaderSettings, Repair, load_found
    from lesionseg.dicom.discovery import find_slices

    settings = LoaderSettings(repairs=frozenset(Repair(name) for name in repairs))
    found = find_slices(path) if found is None else found
    loaded = load_found(found, series_uid=series_uid, settings=settings, progress=progress)
    return LoadedScan(
        volume=loaded.volume,
        label=path.resolve().name,
        series_uid=loaded.series.series_uid,
        files=tuple(dict.fromkeys(part.file for part in loaded.series.slices)),
        source=_dicom_source(loaded),
        notes=tuple({"code": note.code, "text": note.text} for note in loaded.notes),
        series=loaded.series,
    )


def _dicom_source(loaded: LoadedSeries) -> dict[str, Any]:
    return {
        "kind": "dicom",
        "series": _series_facts(loaded.series),
        "choice": asdict(loaded.choice),
    }


def _series_facts(series: CTSeries) -> dict[str, Any]:
    return {
        "series_uid": series.series_uid,
        "study_uid": series.study_uid,
        "frame_of_reference_uid": series.frame_of_reference_uid,
        "patient_id": series.patient_id,
        "study_date": series.study_date,
        "slices": len(series.slices),
        "checks_passed": list(series.checks_passed),
    }


def _padding_note(count: int, volume: CTVolume) -> list[dict[str, str]]:
    if count == 0:
        return []
    share = 100 * count / volume.hu.size
    text = f"{count} padding voxels ({share:.1f} %) were set to air ({AIR_HU} HU)"
    return [{"code": "padding", "text": text}]


def _refuse_dicom_options(path: Path, series_uid: str | None, repairs: tuple[str, ...]) -> None:
    if series_uid or repairs:
        raise ConfigurationError(
            "a series or a repair can be asked for in DICOM input only",
            case=str(path),
            remedy="Leave out --series and --repair",
        )
