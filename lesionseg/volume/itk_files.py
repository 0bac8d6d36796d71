"""Reading and writing NRRD and MetaImage through SimpleITK, with its failures turned into ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import (
    GeometryError,
    IntensityError,
    MissingGeometryError,
    OutputError,
    UnreadableFileError,
)
from lesionseg.core.files import staged_file
from lesionseg.volume.compressed import refuse_damaged_stream
from lesionseg.volume.convert import geometry_from_simpleitk, image_to_simpleitk
from lesionseg.volume.geometry import VolumeGeometry

if TYPE_CHECKING:
    import SimpleITK

_NRRD_SUFFIXES = (".nrrd", ".nhdr")


def read_itk_array(path: Path) -> tuple[npt.NDArray[np.generic], VolumeGeometry]:
    """Read a three-dimensional image of plain numbers in the type it is stored as.

    Raises
    ------
    UnreadableFileError
        If SimpleITK cannot read the file, or data is missing.
    GeometryError
        If the image is not three-dimensional or does not say where it lies.
    IntensityError
        If the voxels are vectors, colours or complex numbers.
    """
    import SimpleITK

    with _quiet(), _failures_named(path):
        reader = SimpleITK.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        _refuse_unusable(reader, path)
        refuse_damaged_stream(path)
        image = reader.Execute()
    if image.GetDimension() == 4:
        image = image[..., 0]
    return SimpleITK.GetArrayFromImage(image), geometry_from_simpleitk(image)


def write_itk_array(
    values: npt.NDArray[np.generic],
    geometry: VolumeGeometry,
    path: Path,
    *,
    fields: Mapping[str, str] | None = None,
) -> None:
    """Write an array as compressed NRRD or MetaImage by the name's suffix.

    Parameters
    ----------
    values : ndarray, shape (slices, rows, columns)
    geometry : VolumeGeometry
    path : Path
    fields : mapping of str to str, optional
        Further keys and values of the header, each in one line.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    import SimpleITK

    image = image_to_simpleitk(values, geometry)
    for key, value in (fields or {}).items():
        image.SetMetaData(key, value)
    with staged_file(path) as staged, _quiet():
        try:
            SimpleITK.WriteImage(image, str(staged), useCompression=True)
        except RuntimeError as error:
            raise OutputError(
                "the image could not be written", case=str(path), found=_last_line(error)
            ) from error


def _refuse_unusable(reader: SimpleITK.ImageFileReader, path: Path) -> None:
    import SimpleITK

    size = reader.GetSize()
    if len(size) < 3 or max(size[3:], default=1) > 1:
        raise GeometryError(
            "the file does not hold one three-dimensional image",
            case=str(path),
            expected="columns x rows x slices",
            found=" x ".join(str(length) for length in size),
            remedy="Save one time point or channel as a file of its own",
        )
    kind = SimpleITK.GetPixelIDValueAsString(reader.GetPixelIDValue())
    if reader.GetNumberOfComponents() != 1 or "complex" in kind:
        raise IntensityError(
            "the voxels are not plain numbers",
            case=str(path),
            expected="integers or real numbers, one for each voxel",
            found=kind,
            remedy="Export the scan as 16-bit Hounsfield units",
        )
    if path.suffix.lower() in _NRRD_SUFFIXES and not _has_space(reader):
        raise MissingGeometryError(
            "the file does not say how the patient lies in it",
            case=str(path),
            expected="a space such as left-posterior-superior",
            found="no anatomical space, so left and right cannot be told apart",
            remedy="Convert the scan again from DICOM",
        )


def _has_space(reader: SimpleITK.ImageFileReader) -> bool:
    if not reader.HasMetaDataKey("NRRD_space"):
        return False
    space = reader.GetMetaData("NRRD_space")
    return "left" in space or "right" in space


@contextmanager
def _failures_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, MemoryError, OSError) as error:
        raise UnreadableFileError(
            "the file is damaged or cannot be opened",
            case=str(path),
            found=_last_line(error),
            remedy="Copy or export it again",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep ITK's C++ warnings off stderr for a while: what matters is checked and raised here."""
    from SimpleITK import ProcessObject

    shown = ProcessObject.GetGlobalWarningDisplay()
    ProcessObject.GlobalWarningDisplayOff()
    try:
        yield
    finally:
        ProcessObject.SetGlobalWarningDisplay(shown)


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
