"""A checked CT series, and how it came to be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lesionseg.dicom.headers import Acquisition, Identity
from lesionseg.dicom.settings import Note
from lesionseg.volume import CTVolume, VolumeGeometry


@dataclass(frozen=True, slots=True)
class Slice:
    """One slice of a checked series.

    Attributes
    ----------
    file : Path
    frame_number : int
        Counted from 1; always 1 in classic files.
    position_mm : tuple of float
        LPS position of the centre of the first voxel.
    sop_instance_uid : str
        As carried, valid or not.
    """

    file: Path
    frame_number: int
    position_mm: tuple[float, float, float]
    sop_instance_uid: str


@dataclass(frozen=True)
class CTSeries:
    """The slices of one CT acquisition in order along their normal, and the checks they passed.

    Attributes
    ----------
    identity : Identity
        Patient, study, series and frame of reference, as carried.
    acquisition : Acquisition
        Scanner, kernel, thickness and so on; for flags and the manifest, never for geometry.
    slices : tuple of Slice
        Ascending along the cross product of row and column direction.
    geometry : VolumeGeometry
        Of the decoded volume.
    checks_passed : tuple of str
    """

    identity: Identity
    acquisition: Acquisition
    slices: tuple[Slice, ...]
    geometry: VolumeGeometry
    checks_passed: tuple[str, ...]

    @property
    def series_uid(self) -> str:
        """Series Instance UID as carried."""
        return self.identity.series_uid

    @property
    def study_uid(self) -> str:
        """Study Instance UID as carried."""
        return self.identity.study_uid

    @property
    def frame_of_reference_uid(self) -> str:
        """Frame of Reference UID as carried; empty where there is none."""
        return self.identity.frame_of_reference_uid

    @property
    def patient_id(self) -> str:
        """Patient ID as carried."""
        return self.identity.patient_id

    @property
    def study_date(self) -> str:
        """Study date as ``YYYYMMDD``; empty where there is none."""
        return self.identity.study_date

    @property
    def slice_spacing_deviation_mm(self) -> float:
        """Largest departure of one slice distance from their mean; bounded by the checks."""
        positions_mm = np.array([piece.position_mm for piece in self.slices])
        gaps_mm = np.diff(positions_mm @ self.geometry.direction[:, 0])
        return float(np.abs(gaps_mm - self.geometry.spacing_mm[0]).max(initial=0.0))

    @property
    def modality_facts(self) -> dict[str, str]:
        """How it was scanned, as `CTVolume.acquisition` wants it; unknown facts are left out."""
        thickness, kvp = self.acquisition.slice_thickness_mm, self.acquisition.kvp
        facts = {
            "manufacturer": self.acquisition.manufacturer,
            "model": self.acquisition.model,
            "kernel": self.acquisition.kernel,
            "slice_thickness_mm": "" if thickness is None else f"{thickness:g}",
            "slice_spacing_deviation_mm": f"{self.slice_spacing_deviation_mm:.3f}",
            "contrast": self.acquisition.contrast_agent,
            "kvp": "" if kvp is None else f"{kvp:g}",
            "body_part": self.acquisition.body_part,
            "protocol": self.acquisition.protocol,
            "patient_position": self.acquisition.patient_position,
            "series_description": self.identity.description,
        }
        return {name: value for name, value in facts.items() if value}


@dataclass(frozen=True)
class SeriesCandidate:
    """One series that was considered.

    Attributes
    ----------
    series_uid, description : str
    slices : int
    score : int or None
        None where the series is out.
    reasons : tuple of str
        What earned the score, or why it is out.
    """

    series_uid: str
    description: str
    slices: int
    score: int | None
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class SeriesChoice:
    """Every series that was considered, best first, and which one was taken and why."""

    candidates: tuple[SeriesCandidate, ...]
    chosen_uid: str
    reason: str


@dataclass(frozen=True)
class LoadedSeries:
    """A decoded, checked series with everything that belongs into the manifest."""

    volume: CTVolume
    series: CTSeries
    choice: SeriesChoice
    notes: tuple[Note, ...]
