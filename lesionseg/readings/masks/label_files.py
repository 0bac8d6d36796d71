"""NIfTI, NRRD and MetaImage files with one value for each voxel."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import MaskMismatchError, MeasurementError, UnreadableFileError
from lesionseg.core.labels import Label, LabelScheme
from lesionseg.dicom.settings import Note
from lesionseg.readings.masks.declared_size import refuse_oversized
from lesionseg.readings.masks.drawing import Drawing
from lesionseg.readings.masks.lattice import GridFit
from lesionseg.readings.masks.layers import Layers
from lesionseg.readings.masks.mapping import Region, SegmentMapping
from lesionseg.readings.masks.misfit import fit_or_refuse
from lesionseg.readings.masks.reader_mask import MaskFormat, Misfit, ReferenceScan
from lesionseg.readings.masks.segments import DeclaredSegment, Meaning, listed
from lesionseg.volume import read_label_map

OWN_VALUES: Final = {
    int(Label.LUNG): Region.LUNG,
    int(Label.NON_SOLID): Region.NON_SOLID,
    int(Label.SOLID): Region.SOLID,
}
"""What values mean where the mapping numbers none: as lesionseg itself writes them."""
_NO_IDENTITY: Final = Note("identity", "the file names no series: the mask was matched by its geometry alone")
_ASSUMED: Final = Note("values-assumed", "values taken as 1 lung, 2 non-solid, 3 solid")
_ANY_VALUES: Final = LabelScheme(names=tuple(str(value) for value in range(256)), colours=())


def read_label_file(path: Path, scan: ReferenceScan, mapping: SegmentMapping | None) -> Drawing:
    """Read a label file.

    Raises
    ------
    MaskMismatchError
        If its grid does not fit the scan, or a value stands for nothing.
    UnreadableFileError
        If it is damaged, or holds no labels.
    """
    case = str(path)
    refuse_oversized(path, scan)
    try:
        file = read_label_map(path, _ANY_VALUES)
    except MeasurementError as error:
        raise UnreadableFileError(
            error.problem, case=case, expected=error.expected, found=error.found, remedy=error.remedy
        ) from error
    fit = fit_or_refuse(file.geometry, scan, case)
    values = placed(file.labels, fit, case)
    counts = sum((np.bincount(plane.ravel(), minlength=256) for plane in values), np.zeros(256, np.int64))
    declared = [DeclaredSegment(value, "") for value in range(1, 256) if counts[value]]
    told = _meanings(declared, mapping, case)
    layers = Layers.on(scan.geometry.shape)
    layers.told |= {meaning.region for meaning in told.values()} | _spoken_of(mapping)
    layers.add_values(values, {number: meaning.region for number, meaning in told.items()}, fit.scan_part)
    segments = tuple(told[part.number].found(part, int(counts[part.number])) for part in declared)
    assumed = not _numbered(mapping, set(range(256)))
    notes = (_NO_IDENTITY, *((_ASSUMED,) if assumed else ()), *grid_notes(fit))
    return Drawing(MaskFormat.LABEL_FILE, layers, segments, notes, assumed)


def placed(values: npt.NDArray[np.uint8], fit: GridFit, case: str) -> npt.NDArray[np.uint8]:
    """Return the part of an array that lies on the scan, in the scan's order.

    Raises
    ------
    MaskMismatchError
        If anything is drawn beyond the scan.
    """
    kept, lost = fit.place(values)
    if lost:
        raise MaskMismatchError(
            "the mask reaches beyond the scan",
            reason=Misfit.OUTSIDE,
            case=case,
            expected=f"nothing drawn beyond the scan's {fit.scan_shape} voxels",
            found=f"{lost} voxels beyond, on a grid of {fit.shape} that begins at scan voxel {fit.start}",
            remedy="Check that mask and scan belong together",
        )
    return kept


def grid_notes(fit: GridFit) -> tuple[Note, ...]:
    """Note a grid that is a part of the scan's, or stores it along other axes."""
    notes = []
    if not fit.whole:
        spans = ", ".join(
            f"{name} {part.start} to {part.stop - 1} of {length}"
            for name, part, length in zip(
                ("slices", "rows", "columns"), fit.scan_part, fit.scan_shape, strict=True
            )
        )
        notes.append(Note("grid-part", f"the mask covers {spans}; the rest counts as background"))
    if fit.order.axes != (0, 1, 2) or any(fit.order.flipped):
        notes.append(Note("axis-order", "the mask stores its voxels along other axes or directions"))
    return tuple(notes)


def _meanings(
    declared: list[DeclaredSegment], mapping: SegmentMapping | None, case: str
) -> dict[int, Meaning]:
    """Tell the values by the mapping where it numbers any, else as our own."""
    told = {}
    given = _numbered(mapping, {segment.number for segment in declared})
    for segment in declared:
        region = mapping.region_of(segment.number, "") if mapping is not None else None
        if region is not None:
            told[segment.number] = Meaning(region, "mapping")
        elif not given and segment.number in OWN_VALUES:
            told[segment.number] = Meaning(OWN_VALUES[segment.number], "value")
    unknown = [segment for segment in declared if segment.number not in told]
    if unknown:
        raise MaskMismatchError(
            "the label map holds values that stand for nothing",
            reason=Misfit.SEGMENTS,
            case=case,
            expected="values of the mapping" if given else "1 lung, 2 non_solid, 3 solid",
            found=listed(unknown),
            remedy=f"Say what every value means, for instance 1=lung {unknown[0].number}=lesion, "
            "or =background to leave one out",
        )
    return told


def _numbered(mapping: SegmentMapping | None, numbers: set[int]) -> bool:
    return mapping is not None and any(str(number) in mapping.regions for number in numbers)


def _spoken_of(mapping: SegmentMapping | None) -> set[Region]:
    """Regions that a mapping by value names: one that is not drawn is empty, not unknown."""
    if mapping is None:
        return set()
    return {region for name, region in mapping.regions.items() if name.isdigit()}
