"""All estimates as tables and as forest plots: all endpoints, and one endpoint under every analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lesionseg.reports.trial.codes import analysis_words, parameter_words
from lesionseg.reports.trial.headline import Arms, Rules, effect_unit, lower_level
from lesionseg.reports.trial.plot_forest import ForestHeads, ForestPanel, ForestRow, forest_svg
from lesionseg.reports.trial.table import Cell, Figure, Head, Table
from lesionseg.reports.trial.words import (
    NOTHING,
    as_sentence,
    digits_for,
    interval,
    p_cell,
    signed_fixed,
)

PRIMARY, SENSITIVITY = "primary", "sensitivity:"
Estimate = Mapping[str, Any]


def endpoint_forest(estimates: Sequence[Estimate], arms: Arms, rules: Rules) -> Figure | None:
    """Draw every endpoint's main estimate."""
    chosen = [each for each in estimates if each.get("analysis") == PRIMARY]
    caption = (
        "Every endpoint of the plan by the rank-sum test on complete cases: Hodges-Lehmann difference "
        f"{arms.treatment} less {arms.control} with its {rules.level}. Endpoints in other units have axes "
        "of their own. P is not adjusted; the table below has the adjusted P."
    )
    return _forest(chosen, _endpoint_words, arms, rules, caption)


def analysis_forest(estimates: Sequence[Estimate], endpoint: str, arms: Arms, rules: Rules) -> Figure | None:
    """Draw one endpoint under every analysis of it."""
    chosen = [each for each in estimates if each.get("endpoint") == endpoint]
    caption = (
        f"The endpoint “{endpoint}” under every analysis of the plan. Rank-based analyses estimate a shift, "
        "models a difference of means: they need not agree in size, but should agree in what they say."
    )
    return _forest(chosen, _analysis_words, arms, rules, caption) if len(chosen) > 1 else None


def estimate_tables(estimates: Sequence[Estimate], arms: Arms, rules: Rules) -> list[Table]:
    """Return one table of the endpoints' main estimates, and one of every further analysis."""
    main = [each for each in estimates if each.get("analysis") == PRIMARY]
    further = [each for each in estimates if each.get("analysis") != PRIMARY and not _is_sensitivity(each)]
    heads = (
        Head("Endpoint", left=True),
        Head(f"Median change {arms.treatment}"),
        Head(f"Median change {arms.control}"),
        Head(f"Difference ({rules.level})"),
        Head("P"),
        Head("P adjusted"),
    )
    tables = [Table(heads, tuple(_main_row(each, rules) for each in main), "Endpoints")]
    if further:
        tables.append(_further_table(further, arms, rules, "Further analyses"))
    return tables


def sensitivity_table(estimates: Sequence[Estimate], arms: Arms, rules: Rules) -> Table | None:
    """Return the analyses that fill missing values, each below the one that leaves them out."""
    filled = {each.get("endpoint") for each in estimates if _is_sensitivity(each)}
    chosen = [
        each for each in estimates
        if each.get("endpoint") in filled and (each.get("analysis") == PRIMARY or _is_sensitivity(each))
    ]  # fmt: skip
    return _further_table(chosen, arms, rules, "") if chosen else None


def notes_of(estimates: Sequence[Estimate]) -> list[tuple[str, tuple[str, ...]]]:
    """Return what the analyses remark, each remark once with the endpoints and analyses it concerns."""
    found: dict[str, list[str]] = {}
    for each in estimates:
        where = f"{each.get('endpoint')}, {analysis_words(str(each.get('analysis')))}"
        for note in each.get("notes") or ():
            found.setdefault(as_sentence(str(note)), []).append(where)
    return [(note, tuple(dict.fromkeys(places))) for note, places in found.items()]


def _is_sensitivity(estimate: Estimate) -> bool:
    return str(estimate.get("analysis", "")).startswith(SENSITIVITY)


def _main_row(estimate: Estimate, rules: Rules) -> tuple[Cell, ...]:
    adjusted = p_cell(estimate.get("p_adjusted"), rules.alpha)
    unit = str(estimate.get("unit") or "").replace("percentage ", "")
    return (
        Cell(_title(estimate), f"{_when(estimate)}; {estimate.get('role')}, {estimate.get('population')}"),
        Cell(_signed(estimate.get("median_treatment"), unit), _n(estimate.get("n_treatment"))),
        Cell(_signed(estimate.get("median_control"), unit), _n(estimate.get("n_control"))),
        _difference(estimate),
        Cell(p_cell(estimate.get("p_value"), rules.alpha), "exact" if estimate.get("exact") else ""),
        Cell(adjusted, "significant" if estimate.get("significant") else ""),
    )


def _further_table(estimates: Sequence[Estimate], arms: Arms, rules: Rules, caption: str) -> Table:
    heads = (
        Head("Endpoint", left=True),
        Head("Analysis", left=True),
        Head(f"n {arms.treatment}"),
        Head(f"n {arms.control}"),
        Head(f"Difference ({rules.level})"),
        Head("P"),
    )
    rows = tuple(
        (
            Cell(str(each.get("endpoint"))),
            Cell(analysis_words(str(each.get("analysis"))), str(each.get("method") or "")),
            Cell(_plain_count(each.get("n_treatment"))),
            Cell(_plain_count(each.get("n_control"))),
            _difference(each),
            Cell(p_cell(each.get("p_value"), rules.alpha), "exact" if each.get("exact") else ""),
        )
        for each in estimates
    )
    return Table(heads, rows, caption)


def _difference(estimate: Estimate) -> Cell:
    effect, low, high = (estimate.get(name) for name in ("effect", "low", "high"))
    if effect is None:
        return Cell(NOTHING, "not estimated")
    digits = digits_for([effect, low, high])
    unit = effect_unit(estimate)
    level = lower_level(estimate)
    ends = interval(low, high, digits)
    return Cell(f"{signed_fixed(effect, digits)} {unit}".rstrip(), f"{ends} ({level} CI)" if level else ends)


def _forest(
    estimates: Sequence[Estimate], words: Callable[[Estimate], tuple[str, str]], arms: Arms, rules: Rules,
    caption: str,
) -> Figure | None:  # fmt: skip
    if not estimates:
        return None
    heads = ForestHeads("n", f"Difference ({rules.level})", "P", "lower", "higher")
    axes: dict[str, list[Estimate]] = {}
    for each in estimates:
        axes.setdefault(_axis(each), []).append(each)
    panels = [
        ForestPanel(title, tuple(_forest_row(each, words(each), rules) for each in found))
        for title, found in axes.items()
    ]
    words_below = f" Lower and higher: under {arms.treatment}; n: {arms.treatment} / {arms.control}."
    svg = forest_svg(panels, heads, f"Forest plot of {len(estimates)} estimates")
    return Figure(svg, caption + words_below)


def _forest_row(estimate: Estimate, words: tuple[str, str], rules: Rules) -> ForestRow:
    effect, low, high = (estimate.get(name) for name in ("effect", "low", "high"))
    return ForestRow(
        label=words[0],
        detail=words[1],
        numbers=f"{_plain_count(estimate.get('n_treatment'))} / {_plain_count(estimate.get('n_control'))}",
        effect=effect,
        low=low,
        high=high,
        digits=digits_for([effect, low, high]),
        p_words=p_cell(estimate.get("p_value"), rules.alpha),
        level=lower_level(estimate),
    )


def _axis(estimate: Estimate) -> str:
    """Name the axis an estimate belongs on; relative and absolute changes never share one."""
    if estimate.get("analysis") == "ancova-log-ratio":
        return "Ratio of follow-up to baseline, how much higher (%)"
    kind = "relative change" if estimate.get("change") == "relative" else "absolute change"
    unit = effect_unit(estimate)
    return f"Difference in {kind} ({unit})" if unit else f"Difference in {kind} of {_title(estimate)}"


def _endpoint_words(estimate: Estimate) -> tuple[str, str]:
    what = f"{estimate.get('change')} change to {estimate.get('visit')}"
    return _title(estimate), f"{what}; {estimate.get('role')}, {estimate.get('population')}"


def _analysis_words(estimate: Estimate) -> tuple[str, str]:
    return analysis_words(str(estimate.get("analysis"))), f"population {estimate.get('population')}"


def _title(estimate: Estimate) -> str:
    return parameter_words(str(estimate.get("parameter") or ""), str(estimate.get("parameter_name") or ""))


def _when(estimate: Estimate) -> str:
    return f"{estimate.get('change')} change, baseline to {estimate.get('visit')}"


def _signed(value: float | None, unit: str) -> str:
    return NOTHING if value is None else f"{signed_fixed(value, digits_for([value]))} {unit}".rstrip()


def _n(count: int | None) -> str:
    return "" if count is None else f"n = {count:,}"


def _plain_count(count: int | None) -> str:
    return NOTHING if count is None else f"{count:,}"
