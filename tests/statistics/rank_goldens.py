"""R's stored answers on the rank tests; `python -m tests.statistics.rank_goldens` says how near ours are."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from lesionseg.statistics.estimate import Estimate
from lesionseg.statistics.rank.hodges_lehmann import hodges_lehmann
from lesionseg.statistics.rank.rank_sum import rank_sum
from lesionseg.statistics.rank.van_elteren import van_elteren

FOLDER = Path(__file__).resolve().parent.parent / "golden"
FIGURES = {"p": "p_value", "low": "low", "high": "high", "estimate": "effect"}
"""Name of each figure in R's answer and in ours."""

Case = dict[str, Any]


@cache
def golden(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return content


def numbers(values: list[Any]) -> list[float]:
    """Missing values as NaN; the edge cases are stored as text."""
    return [float("nan") if value in (None, "NA") else float(value) for value in values]


def our_rank_sum(case: Case) -> Estimate:
    return rank_sum(
        numbers(case["x"]),
        numbers(case["y"]),
        alpha=1 - case["level"],
        alternative=case["alternative"].replace(".", "-"),
    )


def our_van_elteren(case: Case) -> Estimate:
    strata = case.get("strata", ["all"] * len(case["values"]))
    treated = [bool(flag) for flag in case["treated"]]
    alternative = case.get("alternative", "two-sided").replace(".", "-")
    return van_elteren(case["values"], treated, strata, alternative=alternative)


def difference(ours: Estimate, theirs: dict[str, Any], figure: str) -> float:
    """Size of the difference; infinite where one has the figure and the other has not."""
    mine, other = getattr(ours, FIGURES[figure]), theirs.get(figure)
    if mine is None or other is None:
        return 0.0 if mine is other else float("inf")
    return abs(mine - other)


def has_answer(case: Case) -> bool:
    return "error" not in case["r"]


@cache
def rank_sum_answers() -> list[tuple[Case, Estimate]]:
    """Every random table that R has an answer to, with ours."""
    return [(case, our_rank_sum(case)) for case in golden("rank_sum")["cases"] if has_answer(case)]


@cache
def van_elteren_answers() -> list[tuple[Case, Estimate]]:
    return [(case, our_van_elteren(case)) for case in golden("van_elteren")["stratified"]]


def largest_rank_sum_differences(against: str) -> dict[str, float]:
    """`against`: "r" for R with a tight root, "loose" for R with its default tolerance."""
    largest = dict.fromkeys(FIGURES if against == "r" else ("low", "high", "estimate"), 0.0)
    for case, ours in rank_sum_answers():
        if case[against]:
            for figure in largest:
                largest[figure] = max(largest[figure], difference(ours, case[against], figure))
    return largest


def largest_van_elteren_difference() -> float:
    return max(difference(ours, case, "p") for case, ours in van_elteren_answers())


def parts_of_the_interval_to_the_median() -> list[float]:
    """Distance of effect and plain median, where they differ, over the interval's width."""
    parts = []
    for case, ours in rank_sum_answers():
        plain = hodges_lehmann(numbers(case["x"]), numbers(case["y"]))
        if not ours.exact and abs(plain - ours.effect) > 1e-9 and None not in (ours.low, ours.high):
            parts.append(abs(plain - ours.effect) / (ours.high - ours.low))
    return parts


def main() -> None:
    answered = rank_sum_answers()
    exact = sum(ours.exact for _, ours in answered)
    print(
        f"rank_sum: R answers {len(answered)} of {len(golden('rank_sum')['cases'])} tables, {exact} exactly"
    )
    print("largest differences:", largest_rank_sum_differences("r"))
    print("to R with its default tol.root:", largest_rank_sum_differences("loose"))
    parts = parts_of_the_interval_to_the_median()
    told = sum("estimating equation" in " ".join(ours.notes) for _, ours in answered)
    print(
        f"plain median apart from the effect in {len(parts)} two-sided tables, told in {told} of all;",
        end=" ",
    )
    print(f"up to {100 * max(parts):.2g} % of the interval, in the median {100 * median(parts):.2g} %")
    print("van_elteren:", len(van_elteren_answers()), "tables, largest difference of P:", end=" ")
    print(largest_van_elteren_difference())


if __name__ == "__main__":
    main()
