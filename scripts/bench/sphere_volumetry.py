"""How far voxel counting departs from the true volume of a sphere, over its place in the voxel grid.

A perfect mask holds every voxel whose centre lies in the sphere. Its volume depends on where the sphere lies
between the voxel centres, so one figure would say little: here the sphere is put at every point of an even
lattice through one voxel, which gives the mean error, and at as many random points besides; the worst error
is over both, as a lattice alone may step over the worst places.

    python scripts/bench/sphere_volumetry.py            # the tables of docs/measurements.md
    python scripts/bench/sphere_volumetry.py --steps 6  # a coarser lattice, quicker
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lesionseg.core.labels import Label
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry
from lesionseg.volumetry import Measurements, measure

DIAMETERS_MM = (20.0, 30.0, 40.0, 60.0)
SPACINGS_MM = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0)
CT_PIXEL_MM = 0.7
TARGET_PCT = 0.5
LATTICE_STEPS = 12
SEED = 20

Spacing = tuple[float, float, float]


@dataclass(frozen=True)
class SphereErrors:
    """Relative errors in % of one sphere on one grid, over its places on the lattice and at random."""

    even_pct: np.ndarray
    random_pct: np.ndarray

    @property
    def mean_pct(self) -> float:
        return float(self.even_pct.mean())

    @property
    def typical_pct(self) -> float:
        return float(np.abs(self.even_pct).mean())

    @property
    def worst_pct(self) -> float:
        return float(max(np.abs(self.even_pct).max(), np.abs(self.random_pct).max()))

    @property
    def cell(self) -> str:
        """Mean, mean size and worst error for a table; bold where the worst is within the target."""
        mark = "**" if self.worst_pct <= TARGET_PCT else ""
        mean_pct = round(self.mean_pct, 2) + 0.0
        return f"{mean_pct:+.2f} / {self.typical_pct:.2f} / {mark}{self.worst_pct:.2f}{mark}"


def isotropic(spacing_mm: float) -> Spacing:
    return (spacing_mm, spacing_mm, spacing_mm)


def ct_grid(slice_mm: float) -> Spacing:
    return (slice_mm, CT_PIXEL_MM, CT_PIXEL_MM)


def lattice(steps: int) -> np.ndarray:
    """Places within one voxel, as fractions from -0.5 to 0.5, evenly spread."""
    fractions = (np.arange(steps) + 0.5) / steps - 0.5
    return np.stack(np.meshgrid(fractions, fractions, fractions), axis=-1).reshape(-1, 3)


def random_places(count: int) -> np.ndarray:
    """Random places within one voxel, the same on every run."""
    return np.random.default_rng(SEED).uniform(-0.5, 0.5, (count, 3))


def sphere_mask(diameter_mm: float, spacing_mm: Spacing, place: np.ndarray) -> np.ndarray:
    """Voxels whose centre lies in a sphere, `place` voxels away from the centre of the middle one."""
    reach = [int(np.ceil(diameter_mm / 2 / length)) + 1 for length in spacing_mm]
    squares = [
        ((np.arange(-half, half + 1) - shift) * length) ** 2
        for half, shift, length in zip(reach, place, spacing_mm, strict=True)
    ]
    return np.add.outer(np.add.outer(squares[0], squares[1]), squares[2]) <= (diameter_mm / 2) ** 2


def sphere_ml(diameter_mm: float) -> float:
    return np.pi * diameter_mm**3 / 6 / 1000


def sphere_errors(diameter_mm: float, spacing_mm: Spacing, steps: int = LATTICE_STEPS) -> SphereErrors:
    """Count the voxels of a sphere at every place of the lattice, and at as many random ones."""
    voxel_ml = float(np.prod(spacing_mm)) / 1000

    def errors_pct(places: np.ndarray) -> np.ndarray:
        counts = [np.count_nonzero(sphere_mask(diameter_mm, spacing_mm, place)) for place in places]
        return 100 * (np.array(counts) * voxel_ml / sphere_ml(diameter_mm) - 1)

    return SphereErrors(errors_pct(lattice(steps)), errors_pct(random_places(steps**3)))


def measure_sphere(diameter_mm: float, spacing_mm: Spacing, place: np.ndarray) -> Measurements:
    """Run the whole measurement on a sphere that is solid throughout, so lung, lesion and solid are one."""
    mask = sphere_mask(diameter_mm, spacing_mm, place)
    geometry = VolumeGeometry.from_axes(mask.shape, spacing_mm)
    hu = np.where(mask, -100, 40).astype(np.int16)
    labels = np.where(mask, Label.SOLID, Label.BACKGROUND).astype(np.uint8)
    return measure(CTVolume(hu, geometry), LabelMap(labels, geometry))


def table(title: str, grid_of: Callable[[float], Spacing], steps: int) -> Iterator[str]:
    """Markdown table of mean and worst error for all diameters and spacings."""
    yield f"| {title} | " + " | ".join(f"{diameter:g} mm sphere" for diameter in DIAMETERS_MM) + " |"
    yield "|---|" + "---|" * len(DIAMETERS_MM)
    for spacing in SPACINGS_MM:
        cells = [sphere_errors(diameter, grid_of(spacing), steps).cell for diameter in DIAMETERS_MM]
        yield f"| {spacing:g} mm | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=LATTICE_STEPS, help="lattice points along each axis")
    steps = parser.parse_args().steps
    print(f"Error in % of the true volume: mean and mean size over {steps**3} places evenly through a voxel,")
    print(f"worst over these and as many random ones. Bold: within {TARGET_PCT:g} % at all of them.\n")
    print("\n".join(table("cubic voxels", isotropic, steps)))
    print()
    print("\n".join(table(f"slices, {CT_PIXEL_MM:g} mm pixels", ct_grid, steps)))


if __name__ == "__main__":
    main()
