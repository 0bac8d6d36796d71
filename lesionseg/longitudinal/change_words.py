"""Why a value or a change is missing: codes for programs, meanings for people."""

from __future__ import annotations

from typing import Final

NO_SCAN: Final = "no-scan"
SCAN_FAILED: Final = "scan-failed"
NOT_EVALUABLE: Final = "not-evaluable"
FIGURE_MISSING: Final = "figure-missing"
NOT_ADJUSTABLE: Final = "not-adjustable"
NO_BASELINE: Final = "no-baseline"
ZERO_BASELINE: Final = "zero-baseline"

MEANINGS = {
    NO_SCAN: "no value: no scan belongs to this visit",
    SCAN_FAILED: "no value: the visit's scan could not be measured",
    NOT_EVALUABLE: "no value: the visit's scan was judged not evaluable",
    FIGURE_MISSING: "no value: the scan was measured, but its measurements lack this figure",
    NOT_ADJUSTABLE: "no value: the lung's gas cannot account for the difference in lung volume",
    NO_BASELINE: "no change (of an adjusted parameter: no value): the baseline value is missing",
    ZERO_BASELINE: "no relative change: the baseline value is 0; the absolute change stands",
}
"""One line on each code of REASCD, for the documentation."""
ZERO_BASELINE_SENTENCE: Final = (
    "The baseline value is 0, so that there is no relative change; the absolute one stands."
)
NOT_ADJUSTABLE_SENTENCE: Final = (
    "The gas in the lung cannot account for the difference from the baseline's lung volume."
)


def no_baseline_sentence(why: str) -> str:
    """Say that change has no start, and why."""
    return f"There is no baseline value: {why[:1].lower()}{why[1:]}"
