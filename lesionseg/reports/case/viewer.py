"""What the slice viewer of a page needs: the images, where to begin, the colours, and NiiVue itself."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from lesionseg.core.labels import Label, LabelScheme
from lesionseg.reports.case.viewer_images import OUTLINE, viewer_images
from lesionseg.volume import CTVolume, LabelMap

LABEL_WORDS = ("no label", "lung without lesion", "non-solid lesion", "solid component")
_VENDOR, _NIIVUE = "vendor", "niivue.umd.js"
_TEMPLATES, _SCRIPT = "templates", "viewer.js"


@dataclass(frozen=True)
class Viewer:
    """All that the page carries for its viewer.

    Attributes
    ----------
    ct, labels : str
        Compressed NIfTI files as base64.
    facts : str
        JSON for the script, safe within a script element.
    shape : tuple of int
        (slices, rows, columns) of both images.
    spacing_mm : tuple of float
        In the same order.
    scripts : tuple of str
        NiiVue, and what drives it.
    """

    ct: str
    labels: str
    facts: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    scripts: tuple[str, ...]


def make_viewer(volume: CTVolume, label_map: LabelMap) -> Viewer:
    """Put a scan and its label map, on one grid, into what a page carries."""
    images = viewer_images(volume, label_map)
    facts = {
        "shape_xyz": list(images.geometry.shape[::-1]),
        "start_xyz": list(start_place(images.labels, label_map.scheme)),
        "names": [*LABEL_WORDS, LABEL_WORDS[Label.LUNG]],
        "colours": _colours(label_map.scheme),
    }
    return Viewer(
        ct=base64.b64encode(images.ct_nifti()).decode(),
        labels=base64.b64encode(images.label_nifti()).decode(),
        facts=json.dumps(facts).replace("<", "\\u003c"),
        shape=images.geometry.shape,
        spacing_mm=images.geometry.spacing_mm,
        scripts=(_packaged(_VENDOR, _NIIVUE), _packaged(_TEMPLATES, _SCRIPT)),
    )


def start_place(labels: npt.NDArray[np.uint8], scheme: LabelScheme) -> tuple[float, float, float]:
    """Choose where the viewer opens: in the slice with most lesion, or most lung where there is no lesion.

    Returns
    -------
    tuple of float
        Fractions of the grid towards the patient's right, front and head, at the centre of the voxel of that
        region which lies nearest to its middle; the grid's middle where nothing is labelled.
    """
    for members in (scheme.lesion, scheme.lung):
        region = np.isin(labels, members)
        areas = np.count_nonzero(region, axis=(1, 2))
        if areas.any():
            level = int(np.argmax(areas))
            places = np.argwhere(region[level])
            middle = places[np.argmin(((places - places.mean(axis=0)) ** 2).sum(axis=1))]
            slices, rows, columns = labels.shape
            return 1 - (middle[1] + 0.5) / columns, 1 - (middle[0] + 0.5) / rows, (level + 0.5) / slices
    return 0.5, 0.5, 0.5


def _colours(scheme: LabelScheme) -> dict[str, Any]:
    """Colour table as NiiVue wants it, in the overview's colours: lung as an outline, lesions painted."""
    red, green, blue = zip(*scheme.colours, scheme.colours[Label.LUNG], strict=True)
    opacity = [255] * (OUTLINE + 1)
    opacity[Label.BACKGROUND] = opacity[Label.LUNG] = 0
    return {"R": red, "G": green, "B": blue, "A": opacity, "I": list(range(OUTLINE + 1))}


def _packaged(folder: str, name: str) -> str:
    """Text of a file of this room."""
    return resources.files("lesionseg.reports").joinpath(folder, name).read_text(encoding="utf-8")
