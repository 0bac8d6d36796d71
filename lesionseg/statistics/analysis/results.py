"""What an analysis found, in small frozen records that become rows and JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lesionseg.core.plan import Endpoint, Responder, TrialPlan
from lesionseg.statistics.adverse_events import EventRow
from lesionseg.statistics.analysis.trial_tables import InputFile
from lesionseg.statistics.estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "lesionseg-analysis/1"
"""Of ``analysis.json``; the number rises when a key changes its meaning or goes."""

PRIMARY = "primary"


@dataclass(frozen=True)
class EndpointEstimate:
    """One estimate of one endpoint.

    Attributes
    ----------
    endpoint : Endpoint
    parameter_name, unit : str
        Of the parameter, and of the effect.
    analysis : str
        ``primary``, ``stratified``, ``ancova``, ``ancova-log-ratio``, ``repeated-measures`` or
        ``sensitivity:`` and the rule for missing values.
    estimate : Estimate
    median_treatment, median_control : float or None
        Of the observed changes.
    p_adjusted : float or None
        Only of the primary analysis of primary and secondary endpoints.
    significant : bool or None
        Whether `p_adjusted` is at most alpha.
    """

    endpoint: Endpoint
    parameter_name: str
    unit: str
    analysis: str
    estimate: Estimate
    median_treatment: float | None
    median_control: float | None
    p_adjusted: float | None = None
    significant: bool | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return one flat row; `notes` is a list."""
        endpoint, estimate = self.endpoint, self.estimate
        return {
            "endpoint": endpoint.name,
            "parameter": endpoint.parameter,
            "parameter_name": self.parameter_name,
            "visit": endpoint.visit,
            "change": endpoint.change,
            "unit": self.unit,
            "role": endpoint.role,
            "population": endpoint.population,
            "analysis": self.analysis,
            "method": estimate.method,
            "effect": estimate.effect,
            "low": estimate.low,
            "high": estimate.high,
            "confidence_pct": estimate.confidence_pct,
            "p_value": estimate.p_value,
            "p_adjusted": self.p_adjusted,
            "significant": self.significant,
            "n_treatment": estimate.n_treatment,
            "n_control": estimate.n_control,
            "median_treatment": self.median_treatment,
            "median_control": self.median_control,
            "exact": estimate.exact,
            "notes": list(estimate.notes),
        }


@dataclass(frozen=True)
class ResponderResult:
    """Responders of both arms under one rule for missing values (``left-out`` or ``non-responder``)."""

    responder: Responder
    parameter_name: str
    missing: str
    yes_treatment: int
    yes_control: int
    comparison: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Return one flat row; percentages of the subjects counted, the difference in percentage points."""
        responder, found = self.responder, self.comparison
        counts = (self.yes_treatment, found.n_treatment), (self.yes_control, found.n_control)
        return {
            "responder": responder.name,
            "parameter": responder.parameter,
            "parameter_name": self.parameter_name,
            "visit": responder.visit,
            "change": responder.change,
            "at_most": responder.at_most,
            "at_least": responder.at_least,
            "population": responder.population,
            "missing": self.missing,
            "yes_treatment": self.yes_treatment,
            "n_treatment": found.n_treatment,
            "pct_treatment": percentage(*counts[0]),
            "yes_control": self.yes_control,
            "n_control": found.n_control,
            "pct_control": percentage(*counts[1]),
            "method": found.method,
            "effect": found.effect,
            "low": found.low,
            "high": found.high,
            "p_value": found.p_value,
            "notes": list(found.notes),
        }


@dataclass(frozen=True)
class TippingResult:
    """How far the imputed values of an endpoint may be shifted before its conclusion changes."""

    endpoint: str
    unit: str
    shift: float | None
    curve: tuple[tuple[float, Estimate], ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the shift and the curve with effect, interval and P at every shift tried."""
        curve = [
            {"shift": shift, "effect": at.effect, "low": at.low, "high": at.high, "p_value": at.p_value}
            for shift, at in self.curve
        ]
        return {**asdict(self), "curve": curve, "notes": list(self.notes)}


@dataclass(frozen=True)
class Exclusion:
    """A subject left out of an endpoint, and why."""

    subject: str
    arm: str
    endpoint: str
    population: str
    reason: str
    reason_text: str


@dataclass(frozen=True)
class TrialAnalysis:
    """Everything that ``analyze`` found; `as_dict` is ``analysis.json``.

    Attributes
    ----------
    plan : TrialPlan
    estimates : tuple of EndpointEstimate
        In the order of the plan's endpoints.
    responders, tipping_points, excluded
        See their classes.
    adverse_events : tuple of EventRow, optional
        None where no table was given.
    flow : dict
        Subjects found on scans, randomised, and per arm how far each came.
    baseline_table, descriptive, patients : tuple of dict
        Rows as documented in docs/statistics.md.
    inputs : tuple of InputFile
    versions : dict
    methods_text : str
        A paragraph for a methods section.
    adsl, adtrial : DataFrame
        Subjects and measurements with arms.
    """

    plan: TrialPlan
    estimates: tuple[EndpointEstimate, ...]
    responders: tuple[ResponderResult, ...]
    tipping_points: tuple[TippingResult, ...]
    adverse_events: tuple[EventRow, ...] | None
    excluded: tuple[Exclusion, ...]
    flow: dict[str, Any]
    baseline_table: tuple[dict[str, Any], ...]
    descriptive: tuple[dict[str, Any], ...]
    patients: tuple[dict[str, Any], ...]
    inputs: tuple[InputFile, ...]
    versions: dict[str, str]
    methods_text: str
    adsl: pd.DataFrame
    adtrial: pd.DataFrame

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the two tables, in JSON values without NaN."""
        events = self.adverse_events
        return {
            "schema": SCHEMA,
            "trial": self.plan.trial.model_dump(),
            "arms": self.plan.arms.model_dump(),
            "plan": self.plan.as_dict(),
            "estimates": [row.as_dict() for row in self.estimates],
            "responders": [row.as_dict() for row in self.responders],
            "tipping_points": [row.as_dict() for row in self.tipping_points],
            "adverse_events": None if events is None else [event_as_dict(row) for row in events],
            "flow": self.flow,
            "baseline_table": list(self.baseline_table),
            "descriptive": list(self.descriptive),
            "patients": list(self.patients),
            "excluded": [asdict(row) for row in self.excluded],
            "inputs": [
                {"role": file.role, "file": file.path.name, "sha256": file.sha256} for file in self.inputs
            ],
            "versions": self.versions,
            "methods_text": self.methods_text,
        }


def event_as_dict(row: EventRow) -> dict[str, Any]:
    """Return one flat row of the table of events; percentages of all randomised."""
    found = row.comparison
    return {
        "term": row.term,
        "subjects_treatment": row.treatment_subjects,
        "n_treatment": found.n_treatment,
        "pct_treatment": percentage(row.treatment_subjects, found.n_treatment),
        "events_treatment": row.treatment_events,
        "subjects_control": row.control_subjects,
        "n_control": found.n_control,
        "pct_control": percentage(row.control_subjects, found.n_control),
        "events_control": row.control_events,
        "method": found.method,
        "effect": found.effect,
        "low": found.low,
        "high": found.high,
        "p_value": found.p_value,
        "notes": list(found.notes),
    }


def percentage(part: int, whole: int) -> float | None:
    """Return 100 * part / whole; None for nothing of nothing."""
    return 100.0 * part / whole if whole else None
