"""Where the scans lie, and the options that rows share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from lesionseg.core.errors import InputNotFoundError
from lesionseg.dicom import load_series
from lesionseg.volume import CTVolume, standard_axis_order
from lesionseg.volume.files import read_volume_file


@dataclass(frozen=True)
class Inputs:
    """What the rows need beside the methods.

    Attributes
    ----------
    data : Path
        The folder that holds ``ct``, ``ct-1p5mm`` and ``covid-slices-2d``.
    cases : int
        Synthetic cases of row 1, all kinds together.
    left_out_model, folds, pictures : Path, optional
        Bundle that left the clear scans out (row 3), folder of cross-validation bundles (row 6), folder for
        the overlays (row 7).
    """

    data: Path
    cases: int = 100
    left_out_model: Path | None = None
    folds: Path | None = None
    pictures: Path | None = None

    def scan(self, name: str) -> CTVolume:
        """One of the scans of ``ct-1p5mm``.

        Raises
        ------
        InputNotFoundError
            If it is not there.
        """
        return replace(read_volume_file(self._thin(name, "ct")), name=name)

    def mask(self, name: str, kind: str) -> np.ndarray:
        """Integers of a scan's ``_lung`` or ``_gtv`` file, on the scan's grid. Raises as `scan` does."""
        return read_volume_file(self._thin(name, kind)).hu

    @cached_property
    def p001(self) -> CTVolume:
        """The COVID-19 DICOM series P001."""
        return replace(load_series(self.existing(self.p001_folder)).volume, name="P001")

    @property
    def p001_folder(self) -> Path:
        return self.data / "ct" / "P001"

    @property
    def p001_slice_labels(self) -> Path:
        return self.existing(self.data / "ct" / "P001_slice_labels.csv")

    @property
    def slices(self) -> Path:
        """Folder with the expert slices, ``img`` and ``gt``."""
        return self.existing(self.data / "covid-slices-2d" / "train")

    def existing(self, path: Path) -> Path:
        """Return `path`; raise `InputNotFoundError` where there is nothing."""
        if not path.exists():
            raise InputNotFoundError(
                "evaluation data is not there", case=str(path), remedy="Name it by --data"
            )
        return path

    def _thin(self, name: str, kind: str) -> Path:
        return self.existing(self.data / "ct-1p5mm" / f"{name}_{kind}.nii.gz")


def standard(volume: CTVolume, array: np.ndarray) -> np.ndarray:
    """Array of the volume's grid in standard axial order: feet first, front first, right first."""
    return np.ascontiguousarray(standard_axis_order(volume.geometry).apply(array))
