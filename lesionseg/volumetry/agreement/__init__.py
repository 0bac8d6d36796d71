"""Agreement of two masks of one scan, and of two lists of figures over many scans."""

from lesionseg.volumetry.agreement.bland_altman import BlandAltman, bland_altman
from lesionseg.volumetry.agreement.bootstrap import bootstrap_interval
from lesionseg.volumetry.agreement.estimates import Estimate
from lesionseg.volumetry.agreement.overlap import dice
from lesionseg.volumetry.agreement.reliability import concordance, icc_agreement, icc_of_ratings
from lesionseg.volumetry.agreement.surfaces import surface_dice

__all__ = [
    "BlandAltman",
    "Estimate",
    "bland_altman",
    "bootstrap_interval",
    "concordance",
    "dice",
    "icc_agreement",
    "icc_of_ratings",
    "surface_dice",
]
