"""What a reading amounts to: values and place, whatever the order of its axes. numpy alone."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tests.support.compare import AFFINE_TOLERANCE_MM, HU_TOLERANCE, standard_order


@dataclass(frozen=True)
class Fingerprint:
    """Shape, hash of the whole Hounsfield units and affine, in standard axial order."""

    shape: tuple[int, ...]
    sha256: str
    affine: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, held: dict[str, Any]) -> Fingerprint:
        return cls(tuple(held["shape"]), held["sha256"], tuple(held["affine"]))

    def fault(self, truth: Fingerprint) -> str:
        """What is wrong with this reading; empty where nothing is."""
        if self.shape != truth.shape:
            return f"shape {self.shape}, not {truth.shape}"
        matrices = [np.array(one.affine).reshape(4, 4) for one in (self, truth)]
        corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(truth.shape) - 1)
        corners = np.c_[corners, np.ones(len(corners))]
        shift_mm = float(np.abs(corners @ (matrices[0] - matrices[1]).T).max())
        if not shift_mm <= AFFINE_TOLERANCE_MM:
            return f"a corner off by {shift_mm:.4g} mm"
        return "" if self.sha256 == truth.sha256 else "other values"


def fingerprint(hu: Any, affine: Any) -> Fingerprint:
    """Of an array with indices to LPS mm; values that are not whole give a hash that nothing equals."""
    array, turned = standard_order(np.asarray(hu), np.asarray(affine))
    whole = np.empty(array.shape, np.int16)
    for source, target in zip(array, whole, strict=True):
        np.rint(source, out=target, casting="unsafe")
        if np.abs(source.astype(np.float32) - target).max() > HU_TOLERANCE:
            return Fingerprint(array.shape, "values that are not whole", tuple(turned.ravel()))
    return Fingerprint(array.shape, hashlib.sha256(whole.data).hexdigest(), tuple(map(float, turned.ravel())))
