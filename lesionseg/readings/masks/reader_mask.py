"""What a reader's mask is read for, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lesionseg.core.errors import GeometryError
from lesionseg.dicom.series import CTSeries
from lesionseg.dicom.settings import Note
from lesionseg.readings.masks.mapping import Region
from lesionseg.volume import LabelMap, VolumeGeometry


class MaskFormat(StrEnum):
    """File formats of masks."""

    DICOM_SEG = "DICOM SEG"
    RTSTRUCT = "RTSTRUCT"
    SEG_NRRD = ".seg.nrrd"
    LABEL_FILE = "label file"
    """NIfTI, NRRD or MetaImage with one value for each voxel."""


class LungSource(StrEnum):
    """Whose outline the lung is."""

    READER = "reader"
    MODEL = "model"


class Misfit(StrEnum):
    """Why a mask is refused; `MaskMismatchError.reason`."""

    SERIES = "other-series"
    FRAME_OF_REFERENCE = "other-frame-of-reference"
    SHIFTED = "shifted"
    FLIPPED = "flipped"
    ROTATED = "rotated"
    SPACING = "other-spacing"
    SIZE = "other-size"
    OUTSIDE = "outside-the-scan"
    SLICES = "slices-missing"
    SEGMENTS = "unknown-segments"
    AMBIGUOUS = "ambiguous"
    EMPTY = "empty"
    IMPLAUSIBLE = "implausible"


@dataclass(frozen=True)
class ReferenceScan:
    """The scan that a mask must belong to.

    Attributes
    ----------
    geometry : VolumeGeometry
        Of the volume that was measured; the mask comes back on it.
    series : CTSeries or None
        The series it was loaded from; None where it came from a volume file, which has no UIDs.
    model_labels : LabelMap or None
        What the model found, on the same grid. It gives the lung where the reader drew none, and a mask that
        lies elsewhere or mirrored is told by it.
    name : str
        What messages call the scan.

    Raises
    ------
    GeometryError
        If the model's labels lie on another grid.
    """

    geometry: VolumeGeometry
    series: CTSeries | None = None
    model_labels: LabelMap | None = None
    name: str = "scan"

    def __post_init__(self) -> None:
        if self.model_labels is not None and not self.model_labels.geometry.matches(self.geometry):
            raise GeometryError(
                "the model's label map lies on another grid than the scan",
                case=self.name,
                expected=str(self.geometry.shape),
                found=str(self.model_labels.geometry.shape),
                remedy="Give the label map that was made from this very scan",
            )

    @property
    def frame_of_reference_uid(self) -> str:
        """As carried by the series or the geometry; empty where unknown."""
        carried = self.series.frame_of_reference_uid if self.series is not None else ""
        return carried or self.geometry.frame_of_reference_uid


@dataclass(frozen=True)
class FoundSegment:
    """One segment of a file, and what it was taken for.

    Attributes
    ----------
    number : int
        Segment number, ROI number or label value.
    name : str
        As the file calls it; empty where it has no names.
    region : Region
        What it stands for.
    told_by : str
        "mapping", "code", "name" or "value".
    voxels : int
        On the scan's grid.
    """

    number: int
    name: str
    region: Region
    told_by: str
    voxels: int


@dataclass(frozen=True)
class ReaderMask:
    """A reader's mask as a label map on the scan's own grid.

    Attributes
    ----------
    label_map : LabelMap
        On exactly the scan's geometry.
    format : MaskFormat
    segments : tuple of FoundSegment
        In the file's order; empty ones included.
    lung_from : LungSource
    solid_told : bool
        False where the file holds whole lesions alone: they stand as label 2, and the solid component is
        unknown, not 0 ml.
    notes : tuple of Note
        What was decided on the way.
    path : Path
    sha256 : str
        Of the file.
    """

    label_map: LabelMap
    format: MaskFormat
    segments: tuple[FoundSegment, ...]
    lung_from: LungSource
    solid_told: bool
    notes: tuple[Note, ...]
    path: Path
    sha256: str
