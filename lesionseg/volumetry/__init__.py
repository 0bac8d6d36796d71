"""Volumes, proportions, severity and quality flags of a label map, whoever drew it."""

from lesionseg.volumetry.columns import COLUMNS, Column
from lesionseg.volumetry.measure import measure
from lesionseg.volumetry.quality import QualityFlag, Severity
from lesionseg.volumetry.results import Measurements
from lesionseg.volumetry.settings import MeasurementSettings, QualityLimits
from lesionseg.volumetry.sides import Side, split_lungs

__all__ = [
    "COLUMNS",
    "Column",
    "MeasurementSettings",
    "Measurements",
    "QualityFlag",
    "QualityLimits",
    "Severity",
    "Side",
    "measure",
    "split_lungs",
]
