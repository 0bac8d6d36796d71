"""Volumes and label maps in and out of NIfTI, NRRD and MetaImage files.

Geometry survives a round trip: exactly in NRRD and MetaImage, to float32 in NIfTI. Equal input gives equal
bytes in every format. What is read keeps the file's own axis order; its affine says how it lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import (
    ConfigurationError,
    GeometryError,
    InputNotFoundError,
    MeasurementError,
    UnreadableFileError,
)
from lesionseg.core.labels import DEFAULT_SCHEME, LabelScheme
from lesionseg.volume.ct_volume import CTVolume, HUArray
from lesionseg.volume.geometry import VolumeGeometry
from lesionseg.volume.itk_files import read_itk_array, write_itk_array
from lesionseg.volume.label_map import LabelMap
from lesionseg.volume.nifti import LABEL_INTENT
from lesionseg.volume.nifti_files import read_nifti_array, read_nifti_volume, write_nifti
from lesionseg.volume.voxels import allocate_hounsfield, as_labels, compact_hounsfield

NIFTI_SUFFIXES = (".nii", ".nii.gz")
NRRD_SUFFIXES = (".nrrd", ".nhdr")
METAIMAGE_SUFFIXES = (".mha", ".mhd")
VOLUME_SUFFIXES = NIFTI_SUFFIXES + NRRD_SUFFIXES + METAIMAGE_SUFFIXES
WRITTEN_SUFFIXES = (*NIFTI_SUFFIXES, ".nrrd", ".mha")
"""Headers with the voxels in a second file are read, but not written: the two could part."""
SPACING_LIMITS_MM = (0.05, 25.0)
"""Voxel spacing outside is a unit mistaken (metres, micrometres), not a CT."""


def is_volume_file(path: Path) -> bool:
    """Whether the name ends like a volume file that `read_volume_file` reads."""
    return _volume_suffix(path) != ""


def read_volume_file(path: Path) -> CTVolume:
    """Read a CT volume from NIfTI, NRRD or MetaImage.

    Values become int16 where all are whole numbers in range, else float32. They are not checked to be
    Hounsfield units here: `lesionseg.volume.hounsfield.check_hounsfield` does that.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    UnreadableFileError
        If the file is empty, damaged, cut short or of another format.
    GeometryError
        If it is not one three-dimensional image with orthogonal axes, plausible spacing and a known place.
    IntensityError
        If voxels are vectors, complex or not finite.
    """
    _refuse_missing(path)
    with _case_named(path):
        values, geometry = _read_hounsfield(path)
        _refuse_spacing(geometry)
        return CTVolume(values, geometry, name=path.name)


def read_label_map(path: Path, scheme: LabelScheme = DEFAULT_SCHEME) -> LabelMap:
    """Read a label map from NIfTI, NRRD or MetaImage.

    Raises
    ------
    InputNotFoundError, UnreadableFileError, GeometryError
        As `read_volume_file` does.
    MeasurementError
        If a value is not a label of the scheme.
    """
    _refuse_missing(path)
    with _case_named(path):
        reader = read_nifti_array if _volume_suffix(path) in NIFTI_SUFFIXES else read_itk_array
        values, geometry = reader(path)
        _refuse_spacing(geometry)
        return LabelMap(as_labels(values, str(path)), geometry, scheme)


def write_volume(volume: CTVolume, path: Path) -> None:
    """Write a volume as ``.nii.gz``, ``.nii``, ``.nrrd`` or ``.mha``, compressed except ``.nii``.

    Raises
    ------
    ConfigurationError
        If the name ends otherwise.
    OutputError
        If the file cannot be written.
    """
    _write(volume.hu, volume.geometry, path, intent_code=0)


def write_label_map(label_map: LabelMap, path: Path) -> None:
    """Write a label map as ``.nii.gz``, ``.nii``, ``.nrrd`` or ``.mha``, compressed except ``.nii``.

    Raises
    ------
    ConfigurationError
        If the name ends otherwise.
    OutputError
        If the file cannot be written.
    """
    _write(label_map.labels, label_map.geometry, path, intent_code=LABEL_INTENT)


def _read_hounsfield(path: Path) -> tuple[HUArray, VolumeGeometry]:
    if _volume_suffix(path) in NIFTI_SUFFIXES:
        return read_nifti_volume(path)
    stored, geometry = read_itk_array(path)
    values = allocate_hounsfield(geometry.shape, stored.dtype)
    with np.errstate(over="ignore"):
        values[...] = stored
    return compact_hounsfield(values, str(path)), geometry


def _write(values: npt.NDArray[np.generic], geometry: VolumeGeometry, path: Path, intent_code: int) -> None:
    suffix = _volume_suffix(path)
    if suffix not in WRITTEN_SUFFIXES:
        raise ConfigurationError(
            "this file format is not written",
            case=str(path),
            expected=" ".join(WRITTEN_SUFFIXES),
            found=path.suffix or "no suffix",
        )
    if suffix in NIFTI_SUFFIXES:
        write_nifti(values, geometry, path, intent_code)
    else:
        write_itk_array(values, geometry, path)


def _volume_suffix(path: Path) -> str:
    name = path.name.lower()
    return next((suffix for suffix in VOLUME_SUFFIXES if name.endswith(suffix)), "")


def _refuse_missing(path: Path) -> None:
    if not path.exists():
        raise InputNotFoundError("there is no such file", case=str(path))
    if not path.is_file():
        raise UnreadableFileError("this is not a file", case=str(path), expected="one volume file")
    if _volume_suffix(path) == "":
        raise UnreadableFileError(
            "this file format is not read",
            case=str(path),
            expected=" ".join(VOLUME_SUFFIXES),
            found=path.suffix or "no suffix",
        )
    if path.stat().st_size == 0:
        raise UnreadableFileError("the file is empty", case=str(path), remedy="Copy or export it again")


def _refuse_spacing(geometry: VolumeGeometry) -> None:
    low, high = SPACING_LIMITS_MM
    if min(geometry.spacing_mm) < low or max(geometry.spacing_mm) > high:
        raise GeometryError(
            "the voxel spacing is not that of a CT",
            expected=f"{low:g} to {high:g} mm",
            found=" x ".join(f"{length:.4g}" for length in geometry.spacing_mm) + " mm (slice, row, column)",
            remedy="Check the unit of length in the file",
        )


@contextmanager
def _case_named(path: Path) -> Iterator[None]:
    """Give errors that do not know the file its name."""
    try:
        yield
    except (GeometryError, MeasurementError) as error:
        if error.case:
            raise
        raise type(error)(
            error.problem, case=str(path), expected=error.expected, found=error.found, remedy=error.remedy
        ) from error
