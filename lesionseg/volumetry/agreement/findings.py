"""All that a validation finds: for the tables, the report and the screen."""

from __future__ import annotations

from dataclasses import dataclass, field

from lesionseg.volumetry.agreement.pooled import PooledFigure, Resampling
from lesionseg.volumetry.agreement.results import RegionAgreement
from lesionseg.volumetry.agreement.settings import ComparisonSettings

COMPARED, FAILED, NO_PREDICTION, NO_REFERENCE = "compared", "failed", "no-prediction", "no-reference"


@dataclass(frozen=True)
class ComparedCase:
    """A case and what was found in each of its regions."""

    case: str
    regions: tuple[RegionAgreement, ...]


@dataclass(frozen=True)
class LeftOutCase:
    """A case that is not in the figures.

    Attributes
    ----------
    case : str
    status : str
        ``failed``, ``no-prediction`` or ``no-reference``.
    problem : str
        In words, with the remedy.
    code : str
        Of the error, where it failed.
    """

    case: str
    status: str
    problem: str
    code: str = ""


@dataclass(frozen=True)
class Findings:
    """What a validation found.

    Attributes
    ----------
    compared : tuple of ComparedCase
        By case name.
    left_out : tuple of LeftOutCase
        Everything else that was given.
    pooled : tuple of PooledFigure
        Over all compared cases.
    settings : ComparisonSettings
    resampling : Resampling
    notes : tuple of str
        What casts doubt on the figures, in words.
    """

    compared: tuple[ComparedCase, ...]
    left_out: tuple[LeftOutCase, ...]
    pooled: tuple[PooledFigure, ...]
    settings: ComparisonSettings
    resampling: Resampling = field(default_factory=Resampling)
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every reference was compared; a prediction without a reference takes nothing away."""
        return all(left.status == NO_REFERENCE for left in self.left_out)

    def figure(self, region: str, measure: str, statistic: str) -> PooledFigure | None:
        """Return one pooled figure; None where the region was not compared."""
        wanted = (region, measure, statistic)
        return next(
            (each for each in self.pooled if (each.region, each.measure, each.statistic) == wanted), None
        )
