"""How far every subject came: patient flow, each patient's outcome, and who was left out and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lesionseg.core.plan import Endpoint
from lesionseg.statistics.analysis.arm_table import ARM
from lesionseg.statistics.analysis.columns import REASON_WORDS
from lesionseg.statistics.analysis.endpoint_table import EndpointTable
from lesionseg.statistics.analysis.results import Exclusion
from lesionseg.statistics.analysis.subjects import TREATED, JoinedTrial

OUTSIDE = "not-in-population"


def patient_flow(trial: JoinedTrial, tables: Sequence[EndpointTable]) -> dict[str, Any]:
    """Return subjects found on scans and randomised, and for each arm how many came how far.

    `found` are randomised subjects with a scan at a visit, `not_scanned` those without; `not_randomised`
    stand in the table of changes with neither scan nor arm.
    `with_baseline` and `with_visit` count values of the first primary endpoint's parameter.
    """
    subjects = trial.subjects
    parameter = next(part.parameter for part in trial.plan.endpoints if part.role == "primary")
    return {
        "found": int(subjects["scanned"].sum()),
        "randomised": len(subjects),
        "not_randomised": list(trial.not_randomised),
        "not_scanned": [str(name) for name in subjects.index[~subjects["scanned"]]],
        "parameter": parameter,
        "arms": {
            "treatment": _arm(trial, tables, parameter, treated=True),
            "control": _arm(trial, tables, parameter, treated=False),
        },
    }


def _arm(
    trial: JoinedTrial, tables: Sequence[EndpointTable], parameter: str, *, treated: bool
) -> dict[str, Any]:
    members = trial.subjects[trial.subjects[TREATED] == treated]
    visits = {
        visit.name: int(trial.at(parameter, visit.name)["AVAL"].reindex(members.index).notna().sum())
        for visit in trial.plan.schedule
    }
    baseline = trial.plan.baseline.name
    return {
        "arm": trial.plan.arms.treatment if treated else trial.plan.arms.control,
        "randomised": len(members),
        "scanned": int(members["scanned"].sum()),
        "with_baseline": visits[baseline],
        "with_visit": {name: count for name, count in visits.items() if name != baseline},
        "populations": {
            population.name: int(members[population.variable].sum()) for population in trial.plan.populations
        },
        "analysed": {table.endpoint.name: table.values(treated=treated).size for table in tables},
    }


def patients(trial: JoinedTrial, tables: Sequence[EndpointTable]) -> list[dict[str, Any]]:
    """Return every randomised subject: its arm and, per primary and secondary endpoint, value or reason."""
    rows = {
        str(subject): {"subject": str(subject), "arm": str(arm), "values": {}, "reasons": {}}
        for subject, arm in trial.subjects[ARM].items()
    }
    for table in tables:
        name = table.endpoint.name
        if isinstance(table.endpoint, Endpoint) and table.endpoint.role == "exploratory":
            continue
        values = {str(subject): value for subject, value in table.observed["value"].items()}
        reasons = {str(subject): code for subject, code in table.missing["reason"].items()}
        for subject, row in rows.items():
            row["values"][name] = values.get(subject)  # type: ignore[index]
            if subject not in values:
                row["reasons"][name] = str(reasons.get(subject, OUTSIDE))  # type: ignore[index]
    return list(rows.values())


def exclusions(trial: JoinedTrial, tables: Sequence[EndpointTable]) -> Iterator[Exclusion]:
    """Yield everyone left out of an endpoint: outside its population, or without a value."""
    arms = {str(subject): str(arm) for subject, arm in trial.subjects[ARM].items()}
    for table in tables:
        endpoint = table.endpoint
        place = (endpoint.name, endpoint.population)
        words = f"outside the population {endpoint.population}"
        for subject in map(str, trial.subjects.index.difference(table.frame.index, sort=False)):
            yield Exclusion(subject, arms[subject], *place, OUTSIDE, words)
        for row in table.missing.itertuples():
            subject, code = str(row.Index), str(row.reason)
            text = str(row.reason_text) or REASON_WORDS.get(code, "")
            yield Exclusion(subject, arms[subject], *place, code, text)
