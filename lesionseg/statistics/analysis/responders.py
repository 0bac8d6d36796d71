"""Responders: subjects whose change reached a bound, counted arm by arm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from lesionseg.core.plan import Responder
from lesionseg.statistics.analysis.columns import UNDEFINED_CHANGE
from lesionseg.statistics.analysis.endpoint_table import endpoint_table
from lesionseg.statistics.analysis.results import ResponderResult
from lesionseg.statistics.analysis.subjects import TREATED, JoinedTrial
from lesionseg.statistics.proportions import risk_difference

LEFT_OUT, NON_RESPONDER = "left-out", "non-responder"


def compare_responders(trial: JoinedTrial) -> Iterator[ResponderResult]:
    """Yield each of the plan's responders under both rules for missing values.

    ``left-out`` counts subjects with a value; ``non-responder`` the whole population, a missing value being
    no response. Subjects whose relative change does not exist (baseline 0) are in neither.
    """
    names = trial.parameter_names
    for responder in trial.plan.responders:
        table = endpoint_table(trial, responder)
        undefined = int(table.frame["reason"].isin(UNDEFINED_CHANGE).sum())
        notes = (f"{undefined} subjects have no relative change (baseline 0)",) if undefined else ()
        for missing, frame in ((LEFT_OUT, table.observed), (NON_RESPONDER, table.defined)):
            counts = _counts(responder, frame)
            found = risk_difference(*counts, alpha=trial.plan.alpha, alternative=trial.plan.alternative)
            yield ResponderResult(
                responder=responder,
                parameter_name=names[responder.parameter],
                missing=missing,
                yes_treatment=counts[0],
                yes_control=counts[2],
                comparison=replace(found, notes=(*found.notes, *notes)),
            )


def _counts(responder: Responder, frame: pd.DataFrame) -> tuple[int, int, int, int]:
    """Return responders and subjects of treatment, then of control."""
    yes, treated = _responds(responder, frame["value"]), frame[TREATED]
    return int((yes & treated).sum()), int(treated.sum()), int((yes & ~treated).sum()), int((~treated).sum())


def _responds(responder: Responder, values: pd.Series) -> pd.Series:
    """Tell who reached the bound; a missing value is no response."""
    if responder.at_most is not None:
        return values <= responder.at_most
    return values >= float(responder.at_least or 0.0)
