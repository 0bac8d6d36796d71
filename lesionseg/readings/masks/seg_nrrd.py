"""3D Slicer's ``.seg.nrrd``: segments as label values in one or more layers, often cut to what is drawn.

Source: https://slicer.readthedocs.io/en/latest/developer_guide/modules/segmentations.html (file format).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import GeometryError, MaskMismatchError, UnreadableFileError
from lesionseg.dicom.settings import Note
from lesionseg.readings.masks.declared_size import MAXIMUM_LAYERS, refuse_oversized
from lesionseg.readings.masks.drawing import Drawing
from lesionseg.readings.masks.label_files import grid_notes, placed
from lesionseg.readings.masks.lattice import fit_grid
from lesionseg.readings.masks.layers import Layers
from lesionseg.readings.masks.mapping import SegmentMapping
from lesionseg.readings.masks.misfit import fit_or_refuse, misfit_error
from lesionseg.readings.masks.reader_mask import MaskFormat, Misfit, ReferenceScan
from lesionseg.readings.masks.segments import DeclaredSegment, meanings
from lesionseg.volume import VolumeGeometry
from lesionseg.volume.convert import geometry_from_simpleitk, lps_affine_from_ras_ijk
from lesionseg.volume.voxels import as_labels

if TYPE_CHECKING:
    import SimpleITK

_KEY: Final = re.compile(r"^Segment(\d+)_(.+)$")
_TERMINOLOGY: Final = "TerminologyEntry:"
_REFERENCE: Final = "Reference image geometry"
_HEADER_BYTES: Final = 1 << 16
_NUMBERS_OF_GEOMETRY: Final = 22  # a 4 x 4 matrix and six bounds


@dataclass(frozen=True)
class _Segment:
    declared: DeclaredSegment
    layer: int
    value: int


def is_seg_nrrd(path: Path) -> bool:
    """Whether a file is a NRRD that holds segments, whatever its name."""
    with path.open("rb") as stream:
        head = stream.read(_HEADER_BYTES)
    return head.startswith(b"NRRD") and re.search(rb"\nSegment(\d+|ation)_\w+:=", head) is not None


def read_seg_nrrd(path: Path, scan: ReferenceScan, mapping: SegmentMapping | None) -> Drawing:
    """Read a segmentation of 3D Slicer.

    Raises
    ------
    MaskMismatchError
        If its grid does not fit the scan, or a segment's meaning is unknown.
    UnreadableFileError
        If it is damaged.
    """
    case = str(path)
    refuse_oversized(path, scan)
    image = _image(path)
    fields = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    grid = geometry_from_simpleitk(image)
    fit = fit_or_refuse(grid, scan, case)
    _refuse_other_reference(fields, scan, case)
    segments = _segments(fields, image.GetNumberOfComponentsPerPixel(), case)
    told = meanings([segment.declared for segment in segments], mapping, case)
    layers = Layers.on(scan.geometry.shape)
    layers.told |= {meaning.region for meaning in told.values()}
    found = []
    for index, values in enumerate(_layers(image, case)):
        part = placed(values, fit, case)
        _refuse_undeclared(part, [s.value for s in segments if s.layer == index], index, case)
        for segment in (s for s in segments if s.layer == index):
            inside = part == segment.value
            meaning = told[segment.declared.number]
            layers.add(meaning.region, inside, fit.scan_part)
            found.append(meaning.found(segment.declared, int(np.count_nonzero(inside))))
    found.sort(key=lambda segment: segment.number)
    identity = Note("identity", "the file names no series: the mask was matched by its geometry alone")
    return Drawing(MaskFormat.SEG_NRRD, layers, tuple(found), (identity, *grid_notes(fit)))


def _image(path: Path) -> SimpleITK.Image:
    import SimpleITK

    try:
        image = SimpleITK.ReadImage(str(path))
    except RuntimeError as error:
        raise UnreadableFileError(
            "the file is damaged or cannot be opened", case=str(path), remedy="Save it again from 3D Slicer"
        ) from error
    space = image.GetMetaData("NRRD_space") if image.HasMetaDataKey("NRRD_space") else ""
    if image.GetDimension() != 3 or not re.search("left|right", space):
        raise GeometryError(
            "the file does not hold segments of one three-dimensional image",
            case=str(path),
            expected="three axes and a space such as left-posterior-superior",
            found=f"{image.GetDimension()} axes, space {space or 'not told'}",
            remedy="Save it again from 3D Slicer",
        )
    return image


def _layers(image: SimpleITK.Image, case: str) -> list[npt.NDArray[np.uint8]]:
    import SimpleITK

    values = SimpleITK.GetArrayViewFromImage(image)
    if values.ndim == 3:
        return [as_labels(values, case)]
    return [as_labels(np.ascontiguousarray(values[..., layer]), case) for layer in range(values.shape[3])]


def _segments(fields: Mapping[str, str], layers: int, case: str) -> list[_Segment]:
    by_index: dict[int, dict[str, str]] = {}
    for key, text in fields.items():
        if match := _KEY.match(key):
            by_index.setdefault(int(match.group(1)), {})[match.group(2)] = text.strip()
    if not by_index or layers > MAXIMUM_LAYERS:
        raise MaskMismatchError(
            "the file does not declare its segments",
            reason=Misfit.SEGMENTS,
            case=case,
            expected=f"names of segments in at most {MAXIMUM_LAYERS} layers",
            found=f"{len(by_index)} segments, {layers} layers",
            remedy="Save it again from 3D Slicer",
        )
    try:
        return [_segment(index, by_index[index]) for index in sorted(by_index)]
    except ValueError as error:
        raise UnreadableFileError("a segment's header is damaged", case=case, found=str(error)) from error


def _segment(index: int, fields: Mapping[str, str]) -> _Segment:
    # files from before 2020 give every segment a layer of its own and no value
    layered = "Layer" in fields
    name = fields.get("Name") or fields.get("ID", "")
    declared = DeclaredSegment(index + 1, name, tuple(_codes(fields.get("Tags", ""))))
    return _Segment(declared, int(fields["Layer"]) if layered else index, int(fields.get("LabelValue", "1")))


def _codes(tags: str) -> list[tuple[str, str]]:
    """Return the type in a terminology entry ``context~category~type~...``, each ``scheme^value^meaning``."""
    entry = next((tag for tag in tags.split("|") if tag.startswith(_TERMINOLOGY)), "")
    parts = entry.removeprefix(_TERMINOLOGY).split("~")
    if len(parts) < 3:
        return []
    scheme, value, *_ = [*parts[2].split("^"), "", ""]
    return [(scheme, value)] if value else []


def _refuse_undeclared(part: npt.NDArray[np.uint8], values: list[int], layer: int, case: str) -> None:
    present = set(np.unique(part).tolist()) - {0}
    if present - set(values) or len(values) != len(set(values)):
        raise MaskMismatchError(
            "the file's label values and segments do not agree",
            reason=Misfit.AMBIGUOUS,
            case=case,
            expected=f"values {sorted(values)} in layer {layer}, each of one segment",
            found=str(sorted(present)),
            remedy="Save it again from 3D Slicer",
        )


def _refuse_other_reference(fields: Mapping[str, str], scan: ReferenceScan, case: str) -> None:
    """Refuse segments that were drawn on an image elsewhere and moved onto this one's voxels.

    A file that is cut to its segments may lie on the scan's voxels by chance; the image it was drawn on
    tells.
    """
    reference = _reference_geometry(fields.get("Segmentation_ConversionParameters", ""))
    if reference is None:
        return
    fit = fit_grid(reference, scan.geometry)
    if fit is None or fit.moved_axes:
        raise misfit_error(reference, scan, case)


def _reference_geometry(parameters: str) -> VolumeGeometry | None:
    """Return the image that the segmentation was made for; None where it is not told or not understood."""
    entry = next((text for text in parameters.split("&") if text.startswith(_REFERENCE)), "")
    try:
        numbers = [float(text) for text in entry.split("|")[1].split(";") if text] if "|" in entry else []
        if len(numbers) != _NUMBERS_OF_GEOMETRY:
            return None
        matrix = np.array(numbers[:16]).reshape(4, 4)
        low, high = np.array(numbers[16::2]), np.array(numbers[17::2])
        matrix[:3, 3] += matrix[:3, :3] @ low
        columns, rows, slices = (int(length) for length in high - low + 1)
        return VolumeGeometry((slices, rows, columns), lps_affine_from_ras_ijk(matrix))
    except (ValueError, GeometryError):
        return None
