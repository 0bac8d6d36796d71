"""From stored values to Hounsfield units: unused bits off, sign on, rescaled, padding set to air."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from lesionseg.dicom.decoding import StoredArray
from lesionseg.dicom.headers import PixelFormat, SliceHeader
from lesionseg.dicom.settings import Note
from lesionseg.volume.ct_volume import HUArray
from lesionseg.volume.hounsfield import AIR_HU, PADDING_AT_MOST_HU

_INT16: Final = np.iinfo(np.int16)
_Numbers: TypeAlias = npt.NDArray[Any]
_Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SliceFacts:
    """The least and largest value of a slice; counts of voxels treated specially, and the lowest padding."""

    lowest_hu: float
    highest_hu: float
    padded: int = 0
    lowest_padding_hu: float = 0.0
    unused_bits_set: int = 0
    clipped: int = 0


def is_whole(slices: Sequence[SliceHeader]) -> bool:
    """Whether every slice's rescale gives whole Hounsfield units, so that int16 holds them exactly."""
    return all(
        float(header.rescale.slope or 0).is_integer() and float(header.rescale.intercept or 0).is_integer()
        for header in slices
    )


def to_hounsfield(stored: StoredArray, header: SliceHeader, out: HUArray) -> SliceFacts:
    """Write one slice's Hounsfield units into `out`.

    Values are masked to BitsStored at HighBit and sign-extended (PS3.5 8.1.1), rescaled, and padding is set
    to `AIR_HU`: voxels at PixelPaddingValue where that lies below air or could not be a measured value, and
    any down at `PADDING_AT_MOST_HU`. Values beyond int16 are clipped, never wrapped.

    Parameters
    ----------
    stored : ndarray, shape (rows, columns), uint8 or uint16
    header : SliceHeader
        Attribute-checked.
    out : ndarray, shape (rows, columns), int16 or float32
    """
    values, ends, unused = _values(stored, header.pixels)
    slope, intercept = header.rescale.slope or 0, header.rescale.intercept or 0
    lowest, highest = sorted(end * slope + intercept for end in ends)
    if lowest >= AIR_HU and unused is None and _rescaled_in_place(values, (lowest, highest), header, out):
        return SliceFacts(lowest, highest)
    number = np.int32 if out.dtype == np.int16 else np.float64
    hu: _Numbers = values * number(slope) + number(intercept)
    lowest_padding, padded = 0.0, 0
    outside = _outside(stored, values, hu, unused, header)
    if outside is not None:
        lowest_padding, padded = float(hu[outside].min()), int(outside.sum())
        hu[outside] = AIR_HU
    clipped = 0
    if out.dtype == np.int16 and not _fits((lowest, highest)):
        clipped = int(((hu > _INT16.max) | (hu < _INT16.min)).sum())
        hu = np.clip(hu, _INT16.min, _INT16.max)
    strangers = 0 if unused is None else int(unused.sum())
    out[...] = hu
    return SliceFacts(float(out.min()), float(out.max()), padded, lowest_padding, strangers, clipped)


def _rescaled_in_place(
    values: _Numbers, ends: tuple[float, float], header: SliceHeader, out: HUArray
) -> bool:
    """Rescale without a copy where 16 bits hold values, scale and result; False: not done."""
    slope, intercept = header.rescale.slope or 0, header.rescale.intercept or 0
    if not (values.dtype == out.dtype == np.int16 and _fits((*ends, slope, intercept))):
        return False
    if slope != 1:
        values = np.multiply(values, np.int16(slope), out=out)  # wraps, and back again with the intercept
    np.add(values, np.int16(intercept), out=out)
    return True


def _fits(ends: Sequence[float]) -> bool:
    return _INT16.min <= min(ends) and max(ends) <= _INT16.max


def notes_of(facts: Sequence[SliceFacts]) -> tuple[Note, ...]:
    """Sum up what was done to the voxels of a series."""
    notes: list[Note] = []
    padded = sum(fact.padded for fact in facts)
    if padded:
        lowest = min(fact.lowest_padding_hu for fact in facts)
        touched = sum(fact.padded > 0 for fact in facts)
        notes.append(
            Note(
                "padding-set-to-air",
                f"{padded} voxels outside the reconstruction (down to {lowest:g} HU) in {touched} slices "
                f"were set to {AIR_HU} HU",
            )
        )
    unused = sum(fact.unused_bits_set for fact in facts)
    if unused:
        notes.append(
            Note("unused-bits-masked", f"bits beyond BitsStored were set in {unused} voxels and masked")
        )
    clipped = sum(fact.clipped for fact in facts)
    if clipped:
        notes.append(
            Note(
                "values-clipped",
                f"{clipped} voxels beyond {_INT16.min} to {_INT16.max} HU were clipped to that",
            )
        )
    return tuple(notes)


def _values(stored: StoredArray, pixels: PixelFormat) -> tuple[_Numbers, Sequence[float], _Mask | None]:
    """Extract the stored values, the least and largest, and which voxels had bits set that belong to none.

    int16 where no bit need be touched for it, else int32; no mask where no voxel had such bits.
    """
    bits = pixels.bits_stored or 0
    high_bit = bits - 1 if pixels.high_bit is None else pixels.high_bit
    allocated = stored.dtype.itemsize * 8
    signed = pixels.pixel_representation
    typed: _Numbers = stored.view(f"i{stored.dtype.itemsize}") if signed else stored
    ends = int(typed.min()), int(typed.max())
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if high_bit == bits - 1 and lowest <= ends[0] and ends[1] <= min(highest, _INT16.max):
        return typed.view(np.int16) if allocated == 16 else typed.astype(np.int16), ends, None
    if bits == allocated:
        return typed.astype(np.int32), ends, None
    # left to the top bit, then right again: arithmetic shift extends the sign, logical shift clears the rest
    values = (typed << (allocated - 1 - high_bit)) >> (allocated - bits)
    placed = values << (high_bit + 1 - bits)
    in_field = ((1 << bits) - 1) << (high_bit + 1 - bits)
    # a negative value need not be sign-extended: only other set bits are strangers
    unused = (placed != typed) & ((stored & in_field) != stored)
    values = values.astype(np.int32)
    return values, (int(values.min()), int(values.max())), unused if unused.any() else None


def _outside(
    stored: StoredArray, values: _Numbers, hu: _Numbers, unused: _Mask | None, header: SliceHeader
) -> _Mask | None:
    """Find the voxels outside the reconstruction; None where there are none."""
    outside: _Mask | None = None
    if hu.min() <= PADDING_AT_MOST_HU:
        outside = hu <= PADDING_AT_MOST_HU
    if header.padding:
        impossible = hu < AIR_HU if unused is None else (hu < AIR_HU) | unused
        declared = _declared_padding(stored, values, header) & impossible
        outside = declared if outside is None else outside | declared
    return outside if outside is not None and outside.any() else None


def _declared_padding(stored: StoredArray, values: _Numbers, header: SliceHeader) -> _Mask:
    mask = np.iinfo(stored.dtype).max
    patterns = [end & mask for end in header.padding]
    if len(patterns) == 1:
        return np.asarray(stored == patterns[0])
    ends = [_signed(pattern, mask) if header.pixels.pixel_representation else pattern for pattern in patterns]
    return np.asarray((values >= min(ends)) & (values <= max(ends)))


def _signed(pattern: int, mask: int) -> int:
    return pattern - mask - 1 if pattern > mask // 2 else pattern
