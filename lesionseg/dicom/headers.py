"""What one CT slice says of itself, exactly as found: nothing here is checked yet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

Vector = tuple[float, ...]
AXIAL_COSINE: Final = 0.7071
"""A plane whose normal is nearer to the body's axis than 45 degrees is called axial."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose slice it is, and of which study, series and class. Empty where the file does not say."""

    patient_id: str
    study_uid: str
    series_uid: str
    frame_of_reference_uid: str
    sop_class_uid: str
    modality: str
    study_date: str
    description: str
    series_number: str


@dataclass(frozen=True, slots=True)
class Acquisition:
    """How it was scanned and reconstructed. Empty or None where the file does not say."""

    manufacturer: str
    model: str
    kernel: str
    protocol: str
    body_part: str
    contrast_agent: str
    patient_position: str
    slice_thickness_mm: float | None
    kvp: float | None


@dataclass(frozen=True, slots=True)
class Plane:
    """Where it lies, in LPS mm; None where absent or malformed.

    `orientation` holds the direction cosines of a row and then of a column (PS3.3 C.7.6.2.1.1);
    `pixel_spacing_mm` the distance between rows and then between columns.
    """

    position_mm: Vector | None
    orientation: Vector | None
    pixel_spacing_mm: Vector | None


@dataclass(frozen=True, slots=True)
class Rescale:
    """How stored values become Hounsfield units."""

    slope: float | None
    intercept: float | None
    type: str
    lookup_table: bool


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How the stored values are laid out (PS3.3 C.7.6.3)."""

    rows: int | None
    columns: int | None
    samples_per_pixel: int | None
    photometric_interpretation: str
    bits_allocated: int | None
    bits_stored: int | None
    high_bit: int | None
    pixel_representation: int | None


@dataclass(frozen=True, slots=True)
class PixelSource:
    """Where the encoded pixels are.

    Attributes
    ----------
    path : Path
    transfer_syntax : str
    little_endian : bool
        Byte order of native values.
    offset, length : int or None
        Of the pixel data's value; no offset: there is none; no length: undefined, so encapsulated.
    vr : str
        Of the pixel data; empty in implicit files.
    deflated_from : int or None
        Where the deflated data set begins; `offset` then counts in the inflated bytes.
    file_size : int
    number_of_frames : int
    frame_offsets, frame_lengths : tuple of int
        The extended offset table, empty where there is none.
    """

    path: Path
    transfer_syntax: str
    little_endian: bool
    offset: int | None
    length: int | None
    vr: str
    deflated_from: int | None
    file_size: int
    number_of_frames: int = 1
    frame_offsets: tuple[int, ...] = ()
    frame_lengths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SliceHeader:
    """One slice: a classic file, or one frame of an enhanced multi-frame file."""

    source: PixelSource
    frame_index: int
    sop_instance_uid: str
    image_type: tuple[str, ...]
    acquisition_number: str
    lossy: bool
    padding: tuple[int, ...]
    identity: Identity
    acquisition: Acquisition
    plane: Plane
    rescale: Rescale
    pixels: PixelFormat

    @property
    def name(self) -> str:
        """What messages call it: the file, and the frame number counted from 1 where there are several."""
        frame = f" frame {self.frame_index + 1}" if self.source.number_of_frames > 1 else ""
        return f"{self.source.path.name}{frame}"

    @property
    def place(self) -> str:
        """Where it lies, for a message: z of an axial slice, x, y and z of any other, in LPS mm."""
        if self.plane.position_mm is None:
            return "unknown position"
        x_mm, y_mm, z_mm = self.plane.position_mm
        return f"z {z_mm:.2f} mm" if self._is_axial() else f"({x_mm:.2f}, {y_mm:.2f}, {z_mm:.2f}) mm"

    def _is_axial(self) -> bool:
        if self.plane.orientation is None:
            return False
        row_x, row_y, _, column_x, column_y, _ = self.plane.orientation
        return abs(row_x * column_y - row_y * column_x) > AXIAL_COSINE
