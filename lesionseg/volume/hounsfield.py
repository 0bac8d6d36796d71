"""Are these values Hounsfield units? And padding outside the reconstruction circle.

A DICOM series says so itself; a NIfTI, NRRD or MetaImage file does not, and is often written from windowed
or unrescaled pixels. The shares below are far from both sides: over fifteen real chest CTs of seven
collections (1.5 to 8 mm slices, with and without contrast, cropped, clamped or padded) air held 31 to 60 %
of all voxels, soft tissue 36 to 64 %, and the band of unrescaled soft tissue 0.07 to 0.8 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import IntensityError
from lesionseg.volume.ct_volume import CTVolume, HUArray

AIR_HU = -1024
"""What padding is set to: the lowest value of the usual 12-bit CT scale, as the DICOM loader does."""
PADDING_AT_MOST_HU = -1500
"""No tissue, air or noise lies here: pixels outside the reconstruction circle (-2000, -2048, -3024)."""

AIR_BAND_HU = (-1100, -600)  # air and aerated lung
TISSUE_BAND_HU = (-200, 200)  # fat, muscle, blood
UNRESCALED_BAND = (700, 1300)  # where soft tissue lies when 1024 was not subtracted, and inverted air
MINIMUM_AIR_SHARE = 0.01
MINIMUM_TISSUE_SHARE = 0.02
MAXIMUM_DENSE_SHARE = 0.10
_SAMPLED_SLICES, _SAMPLED_ROWS = 64, 32
"""Slices, and rows of a slice, that are looked at for shares; at most twice as many."""
_EXPECTED = "Hounsfield units: air about -1000, soft tissue about 0 to 100"
_REMEDY = "Export the scan as 16-bit Hounsfield units, or give the DICOM folder"


@dataclass(frozen=True)
class _Summary:
    lowest: float
    highest: float
    air_share: float
    tissue_share: float
    dense_share: float
    padded_share: float


def check_hounsfield(volume: CTVolume, ends: tuple[float, float] | None = None) -> tuple[str, ...]:
    """Refuse a volume whose values are clearly not Hounsfield units of a body in air.

    Parameters
    ----------
    volume : CTVolume
    ends : tuple of float, optional
        Its least and largest value, where they are known already.

    Returns
    -------
    tuple of str
        Oddities that change no volume, for the manifest: padding, values clamped at a round limit.

    Raises
    ------
    IntensityError
        If all voxels are equal, none is negative, or air or soft tissue is missing from where the
        Hounsfield scale puts them. Says what the values look like instead.
    """
    summary = _summarise(volume.hu, ends or (float(volume.hu.min()), float(volume.hu.max())))
    problem = _problem(summary)
    if problem:
        raise IntensityError(
            "the values are not Hounsfield units",
            case=volume.name,
            expected=_EXPECTED,
            found=f"{summary.lowest:g} to {summary.highest:g}: {problem}",
            remedy=_REMEDY,
        )
    return _notes(volume.hu, summary)


def replace_padding(volume: CTVolume) -> tuple[CTVolume, int]:
    """Set voxels outside the reconstruction circle to air.

    Returns
    -------
    CTVolume
        The same object where nothing is padded, else a copy with voxels of at most -1500 HU set to -1024.
    int
        How many voxels were replaced, for the manifest.
    """
    padded = volume.hu <= PADDING_AT_MOST_HU
    count = int(np.count_nonzero(padded))
    if count == 0:
        return volume, 0
    hu = volume.hu.copy()
    hu[padded] = AIR_HU
    return CTVolume(hu, volume.geometry, volume.name, volume.acquisition), count


def _summarise(hu: HUArray, ends: tuple[float, float]) -> _Summary:
    lowest, highest = ends
    sample = _sample(hu)
    has_padding = lowest <= PADDING_AT_MOST_HU
    valid = sample.size - (int(np.count_nonzero(sample <= PADDING_AT_MOST_HU)) if has_padding else 0)

    def share(band: tuple[int, int]) -> float:
        inside = (sample >= band[0]) & (sample <= band[1])
        return int(np.count_nonzero(inside)) / max(1, valid)

    return _Summary(
        lowest=lowest,
        highest=highest,
        air_share=share(AIR_BAND_HU),
        tissue_share=share(TISSUE_BAND_HU),
        dense_share=share(UNRESCALED_BAND),
        padded_share=int(np.count_nonzero(hu <= PADDING_AT_MOST_HU)) / hu.size if has_padding else 0.0,
    )


def _sample(hu: HUArray) -> HUArray:
    """Evenly spread rows of evenly spread slices, in one block."""
    slices, rows = max(1, hu.shape[0] // _SAMPLED_SLICES), max(1, hu.shape[1] // _SAMPLED_ROWS)
    return hu[::slices, ::rows].copy()


def _problem(summary: _Summary) -> str:
    """Say what the values look like, or nothing if they look like Hounsfield units."""
    low, high = summary.lowest, summary.highest
    no_air = summary.air_share < MINIMUM_AIR_SHARE
    dense = summary.dense_share > MAXIMUM_DENSE_SHARE
    answers = (
        (low == high, "every voxel has the same value"),
        (low >= -1 and high <= 1, "they look scaled to 0..1 or -1..1"),
        (low >= 0 and high <= 255, "they look like an 8-bit window, or like labels"),
        (low >= 0, "none is negative; they look like stored pixels before the rescale intercept of -1024"),
        (no_air and dense, "no air, but much near +1000; the scale looks inverted or shifted"),
        (no_air, "there is no air or aerated lung; they look clipped to a window"),
        (dense, "too much lies near +1000; the rescale intercept looks missing"),
        (
            summary.tissue_share < MINIMUM_TISSUE_SHARE,
            "there is no soft tissue; they look shifted, or the volume holds no body",
        ),
    )
    return next((answer for applies, answer in answers if applies), "")


def _notes(hu: HUArray, summary: _Summary) -> tuple[str, ...]:
    notes = []
    if summary.padded_share > 0:
        notes.append(f"{100 * summary.padded_share:.1f} % of voxels are padding ({summary.lowest:g} HU)")
    if _is_clamped(hu, summary.highest):
        notes.append(f"values are clamped at {summary.highest:g} HU")
    return tuple(notes)


def _is_clamped(hu: npt.NDArray[np.generic], highest: float) -> bool:
    """Whether the largest value is a round number that several voxels share: a limit, not a maximum."""
    return highest % 100 == 0 and int(np.count_nonzero(hu == highest)) > 1
