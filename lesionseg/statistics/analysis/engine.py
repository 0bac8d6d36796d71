"""The whole analysis: arms joined, every endpoint compared, P values adjusted, tables described."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from lesionseg.core.plan import TrialPlan
from lesionseg.core.provenance import package_versions
from lesionseg.statistics.adverse_events import EventRow, adverse_events
from lesionseg.statistics.analysis.arm_table import ARM, further_columns
from lesionseg.statistics.analysis.baseline_table import baseline_table
from lesionseg.statistics.analysis.comparisons import Comparison
from lesionseg.statistics.analysis.descriptive import change_unit, descriptive_table, median
from lesionseg.statistics.analysis.endpoint_table import EndpointTable, check_parameters, endpoint_table
from lesionseg.statistics.analysis.flow import exclusions, patient_flow, patients
from lesionseg.statistics.analysis.methods_text import methods_text
from lesionseg.statistics.analysis.responders import compare_responders
from lesionseg.statistics.analysis.results import PRIMARY, EndpointEstimate, TrialAnalysis
from lesionseg.statistics.analysis.subjects import TREATED, JoinedTrial, join_arms
from lesionseg.statistics.analysis.trial_tables import TrialTables
from lesionseg.statistics.multiplicity import fixed_sequence, holm

Rule = Callable[[Sequence[float | None]], tuple[float | None, ...]]
PACKAGES = ("lesionseg", "numpy", "scipy", "pandas", "pyarrow")


def analyze_trial(tables: TrialTables, plan: TrialPlan) -> TrialAnalysis:
    """Compare the arms as the plan says.

    Parameters
    ----------
    tables : TrialTables
        From `lesionseg.statistics.read_trial_tables`.
    plan : TrialPlan
        From `lesionseg.core.plan.read_plan`.

    Raises
    ------
    TableError
        If the tables do not agree on who takes part.
    PlanError
        If the plan names a parameter that no table has.
    """
    trial = join_arms(tables, plan)
    check_parameters(trial)
    endpoints = [endpoint_table(trial, endpoint) for endpoint in plan.endpoints]
    comparisons = [
        Comparison(plan, table, endpoint) for table, endpoint in zip(endpoints, plan.endpoints, strict=True)
    ]
    estimates = _adjusted(plan, [row for comparison in comparisons for row in _estimates(trial, comparison)])
    tipping = [comparison.tipping(_unit(trial, comparison.table)) for comparison in comparisons]
    versions = package_versions(PACKAGES)
    events = _events(tables, trial)
    return TrialAnalysis(
        plan=plan,
        estimates=tuple(estimates),
        responders=tuple(compare_responders(trial)),
        tipping_points=tuple(found for found in tipping if found is not None),
        adverse_events=events,
        excluded=tuple(exclusions(trial, endpoints)),
        flow=patient_flow(trial, endpoints),
        baseline_table=tuple(baseline_table(trial)),
        descriptive=tuple(descriptive_table(trial)),
        patients=tuple(patients(trial, endpoints)),
        inputs=tables.inputs,
        versions=versions,
        methods_text=methods_text(plan, estimates, versions, events=events is not None),
        adsl=_subject_table(trial),
        adtrial=trial.measurements,
    )


def _unit(trial: JoinedTrial, table: EndpointTable) -> str:
    return change_unit(trial.units.get(table.endpoint.parameter, ""), table.endpoint.change)


def _estimates(trial: JoinedTrial, comparison: Comparison) -> list[EndpointEstimate]:
    table = comparison.table
    medians = [median(table.values(treated=treated)) for treated in (True, False)]
    name, unit = trial.parameter_names[table.endpoint.parameter], _unit(trial, table)
    return [
        EndpointEstimate(
            endpoint=comparison.endpoint,
            parameter_name=name,
            unit=unit,
            analysis=analysis,
            estimate=estimate,
            median_treatment=medians[0],
            median_control=medians[1],
        )
        for analysis, estimate in comparison.estimates()
    ]


def _adjusted(plan: TrialPlan, estimates: Sequence[EndpointEstimate]) -> list[EndpointEstimate]:
    """Adjust the primary analyses of primary and secondary endpoints; they stand in the plan's order."""
    family = [row for row in estimates if row.analysis == PRIMARY and row.endpoint.role != "exploratory"]
    p_values = [row.estimate.p_value for row in family]
    rules: dict[str, Rule] = {"holm": holm, "fixed-sequence": fixed_sequence, "none": tuple}
    adjusted = dict(
        zip((row.endpoint.name for row in family), rules[plan.multiplicity](p_values), strict=True)
    )

    def with_adjusted(row: EndpointEstimate) -> EndpointEstimate:
        if row.analysis != PRIMARY or row.endpoint.name not in adjusted:
            return row
        p_adjusted = adjusted[row.endpoint.name]
        return replace(
            row, p_adjusted=p_adjusted, significant=None if p_adjusted is None else p_adjusted <= plan.alpha
        )

    return [with_adjusted(row) for row in estimates]


def _events(tables: TrialTables, trial: JoinedTrial) -> tuple[EventRow, ...] | None:
    if tables.adverse_events is None:
        return None
    events = [(str(row["subject"]), str(row["term"])) for row in tables.adverse_events.rows]
    treated = {str(subject): bool(value) for subject, value in trial.subjects[TREATED].items()}
    return adverse_events(events, treated, alpha=trial.plan.alpha).rows


def _subject_table(trial: JoinedTrial) -> pd.DataFrame:
    """Return ``adsl``: one row per randomised subject; flags are Y or N."""
    subjects, plan = trial.subjects, trial.plan
    flags = [population.variable for population in plan.populations]
    table = pd.DataFrame({"STUDYID": plan.trial.identifier, "USUBJID": subjects.index})
    table["TRT01P"] = subjects[ARM].to_numpy()
    for name in [*flags, "SCANFL"]:
        source = subjects["scanned" if name == "SCANFL" else name]
        table[name] = ["Y" if value else "N" for value in source]
    computed = {TREATED, "scanned", "stratum", *flags}
    for name in further_columns([str(column) for column in subjects.columns], plan):
        if name not in computed:
            table[name] = subjects[name].to_numpy()
    return table
