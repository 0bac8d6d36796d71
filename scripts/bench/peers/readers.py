"""The readers that are timed: those of peer_readers.py, further ones, and the floor under all of them.

Each takes a folder that holds one series and nothing else, and returns volumes with their affines to LPS mm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench.peer_readers import RAS_TO_LPS, READERS, Volumes

RESCALE_INTERCEPT_HU = -1024
"""Of the series that these readers are timed on."""


def read_pydicom(folder: Path) -> Volumes:
    """File by file, as the tutorials have it."""
    from pydicom import dcmread

    datasets = [dcmread(path) for path in folder.iterdir()]
    datasets.sort(key=lambda dataset: float(dataset.ImagePositionPatient[2]))
    first, last = datasets[0], datasets[-1]
    hu = np.empty((len(datasets), first.Rows, first.Columns), np.int16)
    for index, dataset in enumerate(datasets):
        hu[index] = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    positions = [np.array(one.ImagePositionPatient, float) for one in (first, last)]
    return [(hu, _affine(first.ImageOrientationPatient, first.PixelSpacing, positions, len(datasets)))]


def read_dicomsdl(folder: Path) -> Volumes:
    import dicomsdl

    datasets = [dicomsdl.open(str(path)) for path in folder.iterdir()]
    datasets.sort(key=lambda dataset: float(dataset.ImagePositionPatient[2]))
    first, last = datasets[0], datasets[-1]
    hu = np.empty((len(datasets), first.Rows, first.Columns), np.int16)
    for index, dataset in enumerate(datasets):
        hu[index] = dataset.pixelData(storedvalue=True) * int(dataset.RescaleSlope)
        hu[index] += int(dataset.RescaleIntercept)
    positions = [np.array(one.ImagePositionPatient, float) for one in (first, last)]
    return [(hu, _affine(first.ImageOrientationPatient, first.PixelSpacing, positions, len(datasets)))]


def _affine(orientation: Any, pixel_mm: Any, positions: list[np.ndarray], count: int) -> np.ndarray:
    cosines = np.array(orientation, float).reshape(2, 3)
    affine = np.eye(4)
    affine[:3, 0] = (positions[1] - positions[0]) / max(1, count - 1)
    affine[:3, 1] = cosines[1] * float(pixel_mm[0])
    affine[:3, 2] = cosines[0] * float(pixel_mm[1])
    affine[:3, 3] = positions[0]
    return affine


def _load_image(folder: Path, reader: str) -> Volumes:
    from monai.transforms import LoadImage

    image = LoadImage(reader=reader, image_only=True)(str(folder))
    return [(image.numpy(), RAS_TO_LPS @ image.affine.numpy())]


def read_load_image_itk(folder: Path) -> Volumes:
    return _load_image(folder, "ITKReader")


def read_load_image_pydicom(folder: Path) -> Volumes:
    return _load_image(folder, "PydicomReader")


@cache
def _filled(shape: tuple[int, ...]) -> np.ndarray:
    return np.ones(shape, np.int16)


def shape_file(folder: Path) -> Path:
    """Where the volume's shape stands, which the floor cannot know."""
    return folder.with_name(f"{folder.name}.shape")


def _shape(folder: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in shape_file(folder).read_text().split())


def read_bytes_and_copy(folder: Path) -> Volumes:
    """The floor: every byte of the files, then one copy of an array as large as the volume."""
    for path in sorted(folder.iterdir()):
        path.read_bytes()
    return [(_filled(_shape(folder)).copy(), np.eye(4))]


def read_bytes_and_convert(folder: Path) -> Volumes:
    """The floor where pixels are uncompressed and end the file: read, add the intercept, done."""
    paths, shape = sorted(folder.iterdir()), _shape(folder)
    volume = np.empty(shape, np.int16)
    length = volume[0].nbytes
    for index, path in enumerate(paths):
        pixels = np.frombuffer(path.read_bytes()[-length:], "<i2").reshape(shape[1:])
        np.add(pixels, np.int16(RESCALE_INTERCEPT_HU), out=volume[index])
    return [(volume, np.eye(4))]


FLOOR_COPY, FLOOR_CONVERT = "floor: read bytes, copy array", "floor: read bytes, add intercept"
FLOORS: dict[str, Callable[[Path], Volumes]] = {
    FLOOR_COPY: read_bytes_and_copy,
    FLOOR_CONVERT: read_bytes_and_convert,
}
OWN = "lesionseg"
TIMED_READERS: dict[str, tuple[Callable[[Path], Volumes], str]] = {
    OWN: READERS[OWN],
    "SimpleITK": READERS["SimpleITK"],
    "dicomsdl, file by file": (read_dicomsdl, "dicomsdl"),
    "pydicom, file by file": (read_pydicom, "pydicom"),
    "MONAI LoadImage, ITKReader": (read_load_image_itk, "monai"),
    "MONAI LoadImage, PydicomReader": (read_load_image_pydicom, "monai"),
    "dicom2nifti": READERS["dicom2nifti"],
    "dcm2niix": READERS["dcm2niix"],
}
"""Reader and the package whose version is told."""
