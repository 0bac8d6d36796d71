"""A methods paragraph: what was done, from the plan and what the tables called for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lesionseg.core.plan import Endpoint, TrialPlan
from lesionseg.statistics.analysis.results import PRIMARY, EndpointEstimate

_MULTIPLICITY = {
    "fixed-sequence": "Primary and secondary endpoints were tested in the fixed sequence {names}; each is "
    "declared significant only if it and all before it reach P <= {alpha:g}.",
    "holm": "P values of the primary and secondary endpoints ({names}) were adjusted by Holm's method.",
    "none": "P values of the endpoints ({names}) were not adjusted for multiplicity.",
}
_SENSITIVITY = {
    "worst-case": "worst-case imputation (missing treated subjects get the worst change, missing control "
    "subjects the best)",
    "multiple-imputation": "multiple imputation within arms ({draws}, {imputations} imputations, "
    "Rubin's rules)",
    "tipping-point": "a tipping-point analysis",
}
_DRAWS = {"regression": "linear regression with normal errors", "matching": "predictive mean matching"}


def methods_text(
    plan: TrialPlan, estimates: Sequence[EndpointEstimate], versions: Mapping[str, str], *, events: bool
) -> str:
    """Return the paragraph; `events` says whether adverse events were compared."""
    return " ".join(_sentences(plan, estimates, versions, events=events))


def _sentences(
    plan: TrialPlan, estimates: Sequence[EndpointEstimate], versions: Mapping[str, str], *, events: bool
) -> Iterator[str]:
    analyses = {estimate.analysis for estimate in estimates}
    level = f"{100 * (1 - plan.alpha):g} %"
    yield (
        f"The arms {plan.arms.treatment} and {plan.arms.control} were compared by the Wilcoxon rank-sum "
        "test. The effect is the Hodges-Lehmann estimate of the shift, treatment minus control, with its "
        f"{level} confidence interval."
    )
    yield _sidedness(plan)
    yield " ".join(_endpoint(endpoint) for endpoint in plan.endpoints if endpoint.role == PRIMARY)
    if "stratified" in analyses:
        yield f"The stratified analysis is van Elteren's test, stratified by {_listed(plan.strata)}."
    yield from _models(plan, analyses)
    names = _listed([endpoint.name for endpoint in plan.confirmatory])
    yield _MULTIPLICITY[plan.multiplicity].format(names=names, alpha=plan.alpha)
    yield _missing(plan)
    if plan.responders:
        yield (
            "Proportions of responders were compared by Fisher's exact test, with the risk difference and "
            "Newcombe's interval, leaving missing values out and counting them as no response."
        )
    if events:
        yield "Subjects with each adverse event were compared among all randomised by Fisher's exact test."
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    yield f"Analysis plan SHA-256 {plan.sha256 or 'not given'}; seed {plan.seed}; software: {packages}."


def _sidedness(plan: TrialPlan) -> str:
    if plan.alternative == "two-sided":
        return f"Tests are two-sided at the level {plan.alpha:g}."
    side = "below" if plan.alternative == "less" else "above"
    return f"Tests are one-sided (treatment {side} control) at the level {plan.alpha:g}."


def _endpoint(endpoint: Endpoint) -> str:
    return (
        f"Primary endpoint: {endpoint.change} change of {endpoint.parameter} from baseline to "
        f"{endpoint.visit} in the population {endpoint.population} ({endpoint.name})."
    )


def _models(plan: TrialPlan, analyses: set[str]) -> Iterator[str]:
    adjusted = _listed(["baseline", *plan.covariates])
    if "ancova" in analyses:
        log = ", also on the log ratio of follow-up to baseline," if "ancova-log-ratio" in analyses else ""
        yield f"Analyses of covariance{log} are adjusted for {adjusted}."
    if "repeated-measures" in analyses:
        yield (
            "A mixed model for repeated measures over all visits (arm by visit, unstructured covariance) is "
            f"adjusted for {adjusted}."
        )


def _missing(plan: TrialPlan) -> str:
    text = "Subjects without a value are left out of the primary analysis (complete cases) and listed."
    words = {"imputations": plan.missing.imputations, "draws": _DRAWS[plan.missing.imputation_method]}
    rules = [_SENSITIVITY[name].format(**words) for name in plan.missing.sensitivity]
    more = f" Sensitivity analyses where values are missing: {_listed(rules)}." if rules else ""
    none = " A baseline of 0 has no relative change; such a subject stays in the absolute analyses."
    return text + more + none


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
