"""Which value of a label map means which region: our own maps, and those that a reader drew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import ConfigurationError, MeasurementError
from lesionseg.core.labels import Label, LabelScheme
from lesionseg.volumetry.agreement.overlap import Mask

LUNG, LESION, NON_SOLID, SOLID, BACKGROUND = "lung", "lesion", "non_solid", "solid", "background"
REGIONS = (LUNG, LESION, NON_SOLID, SOLID)
"""Regions that are compared, in the order of the output."""
_NAMES = (*REGIONS, BACKGROUND)
ANY_VALUES = LabelScheme(names=tuple(str(value) for value in range(256)), colours=())
"""For reading a label map whose values `RegionLabels` will tell."""


@dataclass(frozen=True)
class RegionLabels:
    """Values of a label map by what they mean; one voxel has one value.

    Attributes
    ----------
    lung : tuple of int
        Lung without lesion; both sides may have values of their own.
    lesion : tuple of int
        Lesion whose kind is not told.
    non_solid, solid : tuple of int
        The two kinds of lesion.
    background : tuple of int
        Values besides 0 that count as background.

    Raises
    ------
    ConfigurationError
        If a value is not from 1 to 255, stands for two things, or none stands for a region.
    """

    lung: tuple[int, ...] = (int(Label.LUNG),)
    lesion: tuple[int, ...] = ()
    non_solid: tuple[int, ...] = (int(Label.NON_SOLID),)
    solid: tuple[int, ...] = (int(Label.SOLID),)
    background: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        values = [value for name in _NAMES for value in getattr(self, name)]
        wrong = [value for value in values if not 1 <= value <= 255]
        repeated = sorted({value for value in values if values.count(value) > 1})
        if wrong or repeated:
            raise ConfigurationError(
                "the label values do not tell regions apart",
                expected="each value from 1 to 255, and for one region only",
                found=", ".join(map(str, wrong or repeated)),
            )
        if not any(getattr(self, name) for name in REGIONS):
            raise ConfigurationError("no label value stands for a region", expected=", ".join(REGIONS))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``lung=1+2,lesion=3``; regions that are not named are not in the label map.

        Raises
        ------
        ConfigurationError
            If a name is unknown or named twice, or a value is not a whole number from 1 to 255.
        """
        found: dict[str, tuple[int, ...]] = dict.fromkeys(_NAMES, ())
        for part in text.split(","):
            name, _, values = part.strip().partition("=")
            numbers = [number.strip() for number in values.split("+")]
            known = name in found and not found[name]
            if not known or not all(number.isascii() and number.isdigit() for number in numbers):
                raise ConfigurationError(
                    "the label values are not understood",
                    expected=f"for instance lung=1+2,lesion=3, of {', '.join(_NAMES)}, each once",
                    found=part.strip() or "nothing",
                )
            found[name] = tuple(int(number) for number in numbers)
        return cls(**found)

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions that such a label map tells, in the order of `REGIONS`."""
        known = {name for name in REGIONS if getattr(self, name)}
        if self.non_solid and self.solid:
            known.add(LESION)
        return tuple(name for name in REGIONS if name in known)

    def region(self, labels: npt.NDArray[np.uint8], name: str) -> Mask:
        """Mask of a region: lesion holds both its kinds, lung holds the lesions."""
        members = {
            LUNG: self.lung + self.lesion + self.non_solid + self.solid,
            LESION: self.lesion + self.non_solid + self.solid,
            NON_SOLID: self.non_solid,
            SOLID: self.solid,
        }
        table = np.zeros(256, np.bool_)
        table[list(members[name])] = True
        return np.asarray(table[labels])

    def refuse_unknown(self, labels: npt.NDArray[np.uint8], case: str) -> None:
        """Raise `MeasurementError` where a label map holds a value that stands for nothing."""
        present = np.flatnonzero(np.bincount(labels.ravel(), minlength=256)).tolist()
        known = {0, *(value for name in _NAMES for value in getattr(self, name))}
        unknown = [value for value in present if value not in known]
        if unknown:
            raise MeasurementError(
                "the label map holds values that stand for no region",
                case=case,
                expected=f"0 or {self}",
                found=", ".join(map(str, unknown)),
                remedy="Say what they mean, for instance lung=1,lesion=2, or background=4 to leave one out",
            )

    def refuse_lesion_without_lung(self, labels: npt.NDArray[np.uint8], case: str) -> None:
        """Raise `MeasurementError` where lung should be told, but there is lesion without any lung around it.

        A reader who drew that drew lesions only, and its proportion of the lung would be 100 %.
        """
        present = set(np.flatnonzero(np.bincount(labels.ravel(), minlength=256)).tolist())
        lesion = present & {*self.lesion, *self.non_solid, *self.solid}
        if not self.lung or not lesion or present & set(self.lung):
            return
        rest = ",".join(part for part in str(self).split(",") if not part.startswith(f"{LUNG}="))
        raise MeasurementError(
            "there is lesion, but no lung around it",
            case=case,
            expected=str(self),
            found=f"no voxel of lung, {' or '.join(map(str, self.lung))}",
            remedy=f"If the lungs were not drawn, say so with --reference-labels {rest}",
        )

    def __str__(self) -> str:
        return ",".join(
            f"{name}={'+'.join(map(str, getattr(self, name)))}" for name in _NAMES if getattr(self, name)
        )
