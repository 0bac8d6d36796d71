"""Reading back what `lesionseg segment` left in a case folder."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lesionseg.core.errors import InputNotFoundError, MeasurementError, UnreadableFileError
from lesionseg.core.provenance import sha256_of_array
from lesionseg.volume import CTVolume, LabelMap, read_label_map

LABELS, OVERVIEW = "labels.nii.gz", "overview.png"
MEASUREMENTS_JSON, MEASUREMENTS_CSV, MANIFEST = "measurements.json", "measurements.csv", "manifest.json"
_REMEDY = "Name a folder that lesionseg segment wrote, or segment the scan again"


@dataclass(frozen=True)
class CaseFiles:
    """A case folder, its tables read.

    Attributes
    ----------
    folder : Path
    label : str
        What a person calls the scan.
    measurements, manifest : mapping
        The JSON files, as written.
    overview : bytes or None
        The PNG; None where it could not be drawn.
    """

    folder: Path
    label: str
    measurements: Mapping[str, Any]
    manifest: Mapping[str, Any]
    overview: bytes | None

    def read_labels(self) -> LabelMap:
        """Read the label map. Raises as `lesionseg.volume.read_label_map` does."""
        return read_label_map(self.folder / LABELS)

    def refuse_other_scan(self, volume: CTVolume, label_map: LabelMap) -> None:
        """Raise `MeasurementError` where `volume` is not the scan that was segmented."""
        expected = self.manifest["volume"]["sha256"]
        if volume.geometry.matches(label_map.geometry) and sha256_of_array(volume.hu) == expected:
            return
        raise MeasurementError(
            "this is not the scan that the case folder was made from",
            case=str(self.folder),
            expected=f"voxels with SHA-256 {expected[:12]}… on the label map's grid",
            found=f"{volume.name} with other voxels or another grid",
            remedy="Load the scan that manifest.json names under input, with the same repairs",
        )


def read_case(folder: Path) -> CaseFiles:
    """Read the tables of a case folder; the label map stays on disk.

    Raises
    ------
    InputNotFoundError
        If the folder, or a file that is always there, is absent.
    UnreadableFileError
        If a file is not what `lesionseg segment` writes.
    """
    measurements = _json(folder / MEASUREMENTS_JSON, ("regions", "flags", "confidence", "density"))
    manifest = _json(folder / MANIFEST, ("volume", "model", "input", "packages"))
    picture = folder / OVERVIEW
    return CaseFiles(
        folder=folder,
        label=_label(folder / MEASUREMENTS_CSV) or str(measurements["case"]),
        measurements=measurements,
        manifest=manifest,
        overview=picture.read_bytes() if picture.is_file() else None,
    )


def _json(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    content = _parsed(path)
    absent = [key for key in keys if key not in content]
    if absent:
        raise UnreadableFileError(
            "the file lacks what a case needs", case=str(path), expected=", ".join(absent), remedy=_REMEDY
        )
    return content


def _parsed(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputNotFoundError(
            "the case folder is incomplete", case=str(path.parent), expected=path.name, remedy=_REMEDY
        ) from error
    except (OSError, ValueError) as error:
        raise UnreadableFileError(
            "the file cannot be read", case=str(path), found=str(error), remedy=_REMEDY
        ) from error
    return content if isinstance(content, dict) else {}


def _label(path: Path) -> str:
    """Name that the table gives the scan; empty where there is no table."""
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.DictReader(stream), {}).get("input") or ""
