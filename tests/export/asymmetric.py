"""A phantom without any symmetry, scanned in several ways, and its labels read back by other programs.

Its parts are boxes in patient coordinates, so that right and left, front and back, head and feet differ, and
a slab in the middle holds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK

from lesionseg.core.provenance import sha256_of_array
from lesionseg.dicom import LoadedSeries, load_series
from lesionseg.export.origin import Origin
from lesionseg.export.source import SourceSeries, read_source
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry
from tests.export.conformance import run_tool
from tests.support.ct_series import save, write_series
from tests.support.enhanced_series import enhanced_dataset

SHAPE = (16, 24, 20)
SPACING_MM = (6.0, 4.5, 5.0)
AXIAL = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]])
SLICES_DOWNWARDS = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
FEET_FIRST = np.array([[0.0, 0, -1], [0, 1, 0], [-1, 0, 0]])
SAGITTAL = np.array([[-1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
_BOXES_MM = (
    (1, (-40, 30), (-25, 35), (-30, 40)),
    (2, (-30, -5), (-20, 0), (8, 30)),
    (3, (-28, -14), (-18, -9), (18, 28)),
    (0, (-60, 60), (-60, 60), (-7, 2)),
)
"""Label, and extent from right to left, front to back, feet to head; later ones over earlier ones."""


def oblique() -> npt.NDArray[np.float64]:
    """Axial, turned by 12 degrees about x and 7 about z."""
    x, z = np.deg2rad(12), np.deg2rad(7)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ AXIAL)


@dataclass(frozen=True)
class LabelledScan:
    """A scan as loaded, and labels drawn on its grid."""

    loaded: LoadedSeries
    source: SourceSeries
    label_map: LabelMap
    origin: Origin


def origin_of(labels: npt.NDArray[np.uint8]) -> Origin:
    """A model's labels."""
    return Origin(
        labels_sha256=sha256_of_array(labels),
        created=datetime(2024, 3, 5, 14, 30, 1, tzinfo=UTC),
        software_version="0.0.0.test",
        bundle="lung-lesion 9.9.9",
        bundle_sha256="5ca1ab1e" * 8,
        solid_convention="at or above -300 HU",
    )


def labels_at(points_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Labels at LPS points, (..., 3)."""
    labels = np.zeros(points_mm.shape[:-1], np.uint8)
    for label, *extents in _BOXES_MM:
        inside = [
            (points_mm[..., axis] > low) & (points_mm[..., axis] < high)
            for axis, (low, high) in enumerate(extents)
        ]
        labels[np.logical_and.reduce(inside)] = label
    return labels


def points_of(geometry: VolumeGeometry) -> npt.NDArray[np.float64]:
    """LPS positions of all voxels, (slices, rows, columns, 3)."""
    return geometry.index_to_lps(np.stack(np.indices(geometry.shape), axis=-1))


def phantom(direction: npt.NDArray[np.float64]) -> CTVolume:
    """Scanned with these axes, the middle of the grid at the origin of the patient's space."""
    middle_mm = direction @ (np.array(SPACING_MM) * (np.array(SHAPE) - 1) / 2)
    geometry = VolumeGeometry.from_axes(SHAPE, SPACING_MM, tuple(-middle_mm), direction)  # type: ignore[arg-type]
    points_mm = points_of(geometry)
    hu = np.where(np.linalg.norm(points_mm, axis=-1) < 52, 40, -1000)
    for label, value in ((1, -850), (2, -500), (3, 20)):
        hu[labels_at(points_mm) == label] = value
    return CTVolume(hu.astype(np.int16), geometry, name="asymmetric phantom")


def labelled(path: Path) -> LabelledScan:
    """Load a scan of the phantom and label it."""
    loaded = load_series(path)
    labels = labels_at(points_of(loaded.volume.geometry))
    label_map = LabelMap(labels, loaded.volume.geometry)
    return LabelledScan(loaded, read_source(loaded.series), label_map, origin_of(labels))


def classic(direction: npt.NDArray[np.float64]) -> Callable[[Path], Path]:
    """One file a slice."""
    return lambda folder: write_series(folder / "ct", phantom(direction)).folder


def one_enhanced_file(folder: Path) -> Path:
    """One multi-frame file, its frames out of order."""
    order = np.random.default_rng(3).permutation(SHAPE[0])
    return save(enhanced_dataset(phantom(AXIAL), order.tolist()), folder / "enhanced.dcm")


def two_enhanced_files(folder: Path) -> Path:
    """A series in two multi-frame files."""
    for name, order in (("low.dcm", range(9)), ("high.dcm", reversed(range(9, SHAPE[0])))):
        part = enhanced_dataset(phantom(oblique()), list(order))
        for keyword in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"):
            setattr(part, keyword, f"1.2.3.{len(keyword)}")
        save(part, folder / "enhanced" / name)
    return folder / "enhanced"


ACQUISITIONS: dict[str, Callable[[Path], Path]] = {
    "axial": classic(AXIAL),
    "slices downwards": classic(SLICES_DOWNWARDS),
    "feet first": classic(FEET_FIRST),
    "oblique": classic(oblique()),
    "sagittal": classic(SAGITTAL),
    "enhanced": one_enhanced_file,
    "two enhanced files": two_enhanced_files,
}


def masks_by_dcmqi(path: Path, geometry: VolumeGeometry, folder: Path) -> dict[int, npt.NDArray[np.bool_]]:
    """Each segment as dcmqi converts it and SimpleITK reads it, on this grid."""
    folder.mkdir()
    done = run_tool("segimage2itkimage", "--inputDICOM", path, "--outputDirectory", folder, "-t", "nrrd")
    assert done.returncode == 0, done.stdout + done.stderr
    images = {file.stem: SimpleITK.ReadImage(str(file)) for file in folder.glob("*.nrrd")}
    masks: dict[int, npt.NDArray[np.bool_]] = {}
    for image in images.values():
        placed = on_grid(image, geometry)
        for number in np.unique(placed[placed > 0]):
            masks[int(number)] = placed == number
    return masks


def on_grid(image: SimpleITK.Image, geometry: VolumeGeometry) -> npt.NDArray[np.uint8]:
    """Put an image, which may cover part of the grid only, voxel by voxel where its own geometry says."""
    values = SimpleITK.GetArrayFromImage(image)
    at = np.argwhere(values)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    points_mm = np.array(image.GetOrigin()) + (at[:, ::-1] * np.array(image.GetSpacing())) @ direction.T
    index = geometry.lps_to_index(points_mm)
    assert np.abs(index - np.rint(index)).max(initial=0) < 1e-3, "voxels lie between those of the scan"
    placed = np.zeros(geometry.shape, np.uint8)
    placed[tuple(np.rint(index).astype(int).T)] = values[tuple(at.T)]
    return placed
