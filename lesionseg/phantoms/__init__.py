"""Phantoms: volumes built in code whose lung, lesion and solid millilitres are known.

`geometric_phantom` gives analytic shapes of exact volume on any grid; `chest_phantom` a procedural chest CT
of random habitus with vessels, airways and noise; `add_lesions` puts ground glass and consolidation of a
requested proportion into it. No patient data takes part.
"""

from lesionseg.phantoms.chest import ChestPhantom, ChestSettings, chest_phantom
from lesionseg.phantoms.habitus import Habitus, HabitusRanges, draw_habitus
from lesionseg.phantoms.lesions import LesionSettings, add_lesions
from lesionseg.phantoms.shapes import (
    Ellipsoid,
    GeometricPhantomSettings,
    Phantom,
    geometric_phantom,
    sphere,
)
from lesionseg.phantoms.truth import PhantomTruth

__all__ = [
    "ChestPhantom",
    "ChestSettings",
    "Ellipsoid",
    "GeometricPhantomSettings",
    "Habitus",
    "HabitusRanges",
    "LesionSettings",
    "Phantom",
    "PhantomTruth",
    "add_lesions",
    "chest_phantom",
    "draw_habitus",
    "geometric_phantom",
    "sphere",
]
