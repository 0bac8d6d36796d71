"""One patient scanned in four ways, and every exported file read by code that is not ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry
from tests.export.conformance import run_tool
from tests.support.ct_series import chest_volume

ACQUISITIONS = ("axial", "reversed", "oblique", "sagittal")


def small_chest() -> CTVolume:
    """The chest phantom on a coarse grid, no two axes alike."""
    return chest_volume((24, 36, 48), (10.0, 9.0, 7.5))


def acquired(how: str) -> CTVolume:
    """The chest phantom, whose lesions differ between right and left, back and front, head and foot."""
    axial = small_chest()
    if how == "reversed":
        return _turned(axial, (0, 1, 2), flipped=(0, 1))
    if how == "sagittal":
        return _turned(axial, (2, 0, 1), flipped=(1,))
    return CTVolume(axial.hu, _rotated(axial.geometry)) if how == "oblique" else axial


def _turned(volume: CTVolume, axes: tuple[int, int, int], flipped: tuple[int, ...]) -> CTVolume:
    """The same voxels at the same places in the patient, in another order."""
    hu = np.flip(volume.hu.transpose(axes), flipped)
    affine = np.array(volume.geometry.affine)
    affine[:3, :3] = affine[:3, list(axes)]
    for axis in flipped:
        affine[:3, 3] += affine[:3, axis] * (hu.shape[axis] - 1)
        affine[:3, axis] *= -1
    return CTVolume(np.ascontiguousarray(hu), VolumeGeometry(hu.shape, affine))


def _rotated(geometry: VolumeGeometry) -> VolumeGeometry:
    """12 degrees about x and 7 about z."""
    about_x, about_z = np.deg2rad(12), np.deg2rad(7)
    tip = [[1, 0, 0], [0, np.cos(about_x), -np.sin(about_x)], [0, np.sin(about_x), np.cos(about_x)]]
    turn = [[np.cos(about_z), -np.sin(about_z), 0], [np.sin(about_z), np.cos(about_z), 0], [0, 0, 1]]
    affine = np.array(geometry.affine)
    affine[:3] = np.array(turn) @ np.array(tip) @ affine[:3]
    return VolumeGeometry(geometry.shape, affine)


def small_picture(*arguments: object, **_: object) -> None:
    """A picture in place of the overview, which takes a second: a light bar at its top left."""
    import SimpleITK

    pixels = np.zeros((24, 32, 3), np.uint8)
    pixels[2:8, 3:13] = (240, 160, 80)
    path = next(part for part in arguments if isinstance(part, Path))
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(pixels, isVector=True), str(path))


@dataclass(frozen=True)
class ReadImage:
    """Values in axes (column, row, slice) of the file, and the way from their indices to LPS mm."""

    values: npt.NDArray[np.generic]
    affine: npt.NDArray[np.float64]

    @property
    def voxel_ml(self) -> float:
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000

    def at(self, geometry: VolumeGeometry) -> npt.NDArray[np.generic]:
        """Values at the voxel centres of a grid of ours; outside the file's image they are 0."""
        exact = np.linalg.inv(self.affine) @ geometry.affine  # from our indices to the file's
        steps = np.rint(exact).astype(int)
        last = np.append(np.asarray(geometry.shape) - 1, 1)
        assert (np.abs(exact - steps) * last).max() < 1e-2, "the file's voxels do not lie on the grid's"
        assert (np.abs(steps[:3, :3]).sum(axis=0) == 1).all(), "the file's axes are not those of the grid"
        own = np.argmax(np.abs(steps[:3, :3]), axis=1)  # of each axis of the file, the axis of ours
        places = [
            steps[axis, 3] + steps[axis, ours] * np.arange(geometry.shape[ours])
            for axis, ours in enumerate(own)
        ]
        inside = [(at >= 0) & (at < length) for at, length in zip(places, self.values.shape, strict=True)]
        found = np.zeros([len(at) for at in places], self.values.dtype)
        there = [at[kept] for at, kept in zip(places, inside, strict=True)]
        found[np.ix_(*inside)] = self.values[np.ix_(*there)]
        return found.transpose(np.argsort(own))


def read_with_slicerio(path: Path) -> ReadImage:
    import slicerio

    read = slicerio.read_segmentation(str(path))
    return ReadImage(read["voxels"], read["ijkToLPS"])


def read_with_simpleitk(path: Path) -> ReadImage:
    import SimpleITK

    image = SimpleITK.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return ReadImage(SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0), affine)


def read_seg_with_highdicom(path: Path) -> ReadImage:
    from highdicom.seg import segread

    volume = segread(path).get_volume(combine_segments=True)
    return ReadImage(volume.array, volume.affine)


def read_seg_with_dcmqi(path: Path, folder: Path) -> dict[int, ReadImage]:
    """One mask for each segment number."""
    folder.mkdir()
    done = run_tool(
        "segimage2itkimage", "--inputDICOM", path, "--outputDirectory", folder, "--outputType", "nrrd"
    )
    if done.returncode != 0:
        pytest.fail(f"segimage2itkimage: {done.stdout}{done.stderr}")
    return {int(file.stem.split("-")[-1]): read_with_simpleitk(file) for file in folder.glob("*.nrrd")}


def ml_by_label(label_map: LabelMap) -> dict[int, float]:
    """Volume of each label, the background left out."""
    counts = np.bincount(label_map.labels.ravel(), minlength=4)
    return {value: int(counts[value]) * label_map.geometry.voxel_volume_ml for value in (1, 2, 3)}
