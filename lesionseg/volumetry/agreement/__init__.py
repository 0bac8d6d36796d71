"""Agreement of two masks of one scan, and of two lists of figures over many scans."""

from lesionseg.volumetry.agreement.bland_altman import BlandAltman, bland_altman
from lesionseg.volumetry.agreement.bootstrap import bootstrap_interval
from lesionseg.volumetry.agreement.cases import compare_label_maps
from lesionseg.volumetry.agreement.estimates import Estimate
from lesionseg.volumetry.agreement.labels import REGIONS, RegionLabels
from lesionseg.volumetry.agreement.overlap import dice
from lesionseg.volumetry.agreement.pooled import PooledFigure, Resampling, pool
from lesionseg.volumetry.agreement.reliability import concordance, icc_agreement, icc_of_ratings
from lesionseg.volumetry.agreement.results import RegionAgreement
from lesionseg.volumetry.agreement.settings import ComparisonSettings
from lesionseg.volumetry.agreement.surfaces import surface_dice

__all__ = [
    "REGIONS",
    "BlandAltman",
    "ComparisonSettings",
    "Estimate",
    "PooledFigure",
    "RegionAgreement",
    "RegionLabels",
    "Resampling",
    "bland_altman",
    "bootstrap_interval",
    "compare_label_maps",
    "concordance",
    "dice",
    "icc_agreement",
    "icc_of_ratings",
    "pool",
    "surface_dice",
]
