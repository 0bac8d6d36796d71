"""Codes in words: parameters as one speaks of them, reasons, flags, analyses."""

from __future__ import annotations

from lesionseg.longitudinal.pairing_words import MEANINGS

PARAMETER_WORDS = {
    "LESPCT": "Lesion proportion",
    "SOLPCT": "Solid proportion",
    "NSLPCT": "Non-solid proportion",
    "LESPCTR": "Lesion proportion of the right lung",
    "SOLPCTR": "Solid proportion of the right lung",
    "NSLPCTR": "Non-solid proportion of the right lung",
    "LESPCTL": "Lesion proportion of the left lung",
    "SOLPCTL": "Solid proportion of the left lung",
    "NSLPCTL": "Non-solid proportion of the left lung",
    "LESML": "Lesion volume",
    "SOLML": "Solid volume",
    "NSLML": "Non-solid volume",
    "LUNGML": "Lung volume",
    "LESPCTA": "Inspiration-adjusted lesion proportion",
    "SOLPCTA": "Inspiration-adjusted solid proportion",
    "DENPCT": "Dense lesion proportion",
}
ANALYSIS_WORDS = {
    "primary": "Rank-sum test, complete cases",
    "stratified": "Stratified rank-sum (van Elteren)",
    "ancova": "Analysis of covariance",
    "ancova-log-ratio": "Analysis of covariance, log ratio",
    "repeated-measures": "Mixed model, repeated measures",
    "sensitivity:worst-case": "Missing filled against treatment",
    "sensitivity:multiple-imputation": "Multiple imputation",
    "sensitivity:tipping-point": "Tipping point",
}
REASON_WORDS = {
    "failed": "the scan could not be measured",
    "not-evaluable": "the scan was judged not evaluable",
    "zero-baseline": "0 at baseline, so no relative change",
    "negative-baseline": "negative at baseline, so no relative change",
    "no-baseline": "no baseline value",
    "no-scan": "no scan at this visit",
    "not-scanned": "never scanned",
    "no-value": "no value at this visit",
    "scan-failed": "the scan could not be measured",
    "figure-missing": "the scan lacks this figure",
    "not-adjustable": "lung volume cannot be adjusted for",
    "not-in-population": "outside the population",
}
_PAIRING = {str(code): words for code, words in MEANINGS.items()}


def parameter_words(code: str, name: str = "") -> str:
    """Name a parameter as one speaks of it; one that is not ours by its own name."""
    return PARAMETER_WORDS.get(code) or name or code


def analysis_words(code: str) -> str:
    """Name an analysis of the results."""
    return ANALYSIS_WORDS.get(code) or _spaced(code.removeprefix("sensitivity:"))


def reason_words(code: str) -> str:
    """Say why a value is missing or a scan not taken; an unknown code is shown as it is."""
    return REASON_WORDS.get(code) or _PAIRING.get(code) or _spaced(code)


def flag_words(codes: str) -> str:
    """Write flags, given as codes with or without ``=severity``, as words parted by commas."""
    parts = codes.replace(";", " ").split()
    return ", ".join(_flag(part) for part in parts)


def _flag(part: str) -> str:
    code, _, severity = part.partition("=")
    return f"{_spaced(code)} ({severity})" if severity else _spaced(code)


def _spaced(code: str) -> str:
    return code.replace("-", " ").replace("_", " ")
