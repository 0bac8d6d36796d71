"""Does the analysis keep its promises? Simulated trials of 65 + 35 patients with a known effect.

    python -m scripts.evaluation.trial_simulation --out OUT
    python -m scripts.evaluation.trial_simulation --out OUT --rules multiple-imputation --runs 1000 --jobs 2

Type I error and coverage of the 95 % interval, for complete data and for every rule about missing values,
with their Monte-Carlo error. OUT/simulation.csv grows condition by condition; what stands there is not run
again. docs/statistics-simulation.md says what is simulated and what came out.

Rules that end in one rank-sum test are evaluated for all runs at once: P values by the same arithmetic, and
an interval holds the true shift where neither one-sided test at half alpha rejects it from within. The first
trials of every condition are analysed by the package's own functions too; any difference stops the script.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from lesionseg.core.files import write_text
from lesionseg.statistics.estimate import Estimate
from lesionseg.statistics.missing.draws import ImputationMethod
from lesionseg.statistics.missing.imputation import ImputationPlan, multiple_imputation
from lesionseg.statistics.missing.worst_case import worst_case
from lesionseg.statistics.planning.repeated_tests import rank_sum_p_values
from lesionseg.statistics.rank.rank_sum import rank_sum
from scripts.evaluation.trial_scenarios import (
    EFFECT,
    FLOOR,
    MECHANISMS,
    N_TREATMENT,
    SCENARIOS,
    Trials,
    missing,
    simulate,
    true_shift,
)

ALPHA = 0.05
NONE, COMPLETE_DATA = "none", "complete data"
COMPLETE_CASE, WORST_CASE, IMPUTATION = "complete-case", "worst-case", "multiple-imputation"
MATCHING = "multiple-imputation by matching"
RULES = (COMPLETE_CASE, WORST_CASE, IMPUTATION, MATCHING)
CHECKED_RUNS = 40
BIAS_RUNS = 2000
BETWEEN_VALUES = 0.25
"""Tenths of a per cent: less than the distance of two values."""


@dataclass(frozen=True)
class Condition:
    """What is simulated and how it is analysed."""

    scenario: str
    effect: float
    mechanism: str
    rule: str
    runs: int
    seed: int


@dataclass(frozen=True)
class Outcome:
    """Shares of the runs.

    `rejected`: P <= alpha; `for_treatment`: so, with an estimate that favours the treatment; `covered`: the
    interval holds the true shift; `bias`: mean estimate minus true shift, % of baseline; `lost`: share of
    patients not seen; `unusable`: runs without an estimate.
    """

    scenario: str
    effect: float
    mechanism: str
    rule: str
    runs: int
    seed: int
    true_shift: float
    rejected: float
    for_treatment: float
    covered: float
    bias: float
    lost: float
    unusable: int
    seconds: int


@dataclass(frozen=True)
class Decisions:
    """One entry for every run; `effects` for the first ones alone, in tenths."""

    rejected: np.ndarray
    for_treatment: np.ndarray
    covered: np.ndarray
    effects: np.ndarray
    unusable: int = 0


def main() -> int:
    options = parse_arguments()
    path = options.out / "simulation.csv"
    wanted = [condition for condition in conditions(options) if condition not in _done(path)]
    with ProcessPoolExecutor(max_workers=options.jobs) as pool:
        for outcome in pool.map(run, wanted) if options.jobs > 1 else map(run, wanted):
            _append(path, outcome)
            print(as_line(outcome), file=sys.stderr, flush=True)
    write_text(options.out / "simulation.md", as_table(read(path)))
    return 0


def conditions(options: argparse.Namespace) -> Iterator[Condition]:
    for scenario in SCENARIOS:
        if scenario.name not in options.scenarios:
            continue
        for mechanism in options.mechanisms:
            rules = (COMPLETE_DATA,) if mechanism == NONE else RULES
            for rule in rules:
                if rule in options.rules:
                    for effect in (0.0, EFFECT):
                        yield Condition(scenario.name, effect, mechanism, rule, options.runs, options.seed)


def run(condition: Condition) -> Outcome:
    """Simulate and analyse; the same trials for every mechanism and rule of a scenario and effect."""
    started = time.perf_counter()
    scenario = next(one for one in SCENARIOS if one.name == condition.scenario)
    truth = true_shift(scenario, condition.effect)
    rng = np.random.default_rng(
        [condition.seed, zlib.crc32(scenario.name.encode()), int(condition.effect == 0)]
    )
    trials = simulate(scenario, condition.effect, condition.runs, rng)
    seen = trials.day_28.copy()
    if condition.mechanism != NONE:
        chance = np.random.default_rng([condition.seed, zlib.crc32(condition.mechanism.encode())])
        seen[missing(condition.mechanism, trials, chance)] = np.nan
    if condition.rule in (IMPUTATION, MATCHING):
        method: ImputationMethod = "matching" if condition.rule == MATCHING else "regression"
        found = decide_by_imputation(trials, seen, truth, method)
    else:
        found = decide_at_once(condition.rule, seen, truth)
    return Outcome(
        *astuple(condition),
        true_shift=truth / 10,
        rejected=float(found.rejected.mean()),
        for_treatment=float(found.for_treatment.mean()),
        covered=float(found.covered.mean()),
        bias=float(np.mean(found.effects) - truth) / 10,
        lost=float(np.isnan(seen).mean()),
        unusable=found.unusable,
        seconds=round(time.perf_counter() - started),
    )


# --- rules that end in one rank-sum test ----------------------------------------------------------------


def decide_at_once(rule: str, seen: np.ndarray, truth: float) -> Decisions:
    """Decide for all runs at once, and compare the first with the package's own functions."""
    values = filled_worst(seen) if rule == WORST_CASE else seen
    treatment, control = values[:, :N_TREATMENT], values[:, N_TREATMENT:]
    rejected = rank_sum_p_values(treatment, control) <= ALPHA
    below = rank_sum_p_values(treatment, control, alternative="less") <= ALPHA / 2
    covered = holds(treatment, control, truth)
    few = slice(0, min(BIAS_RUNS, len(values)))
    effects = medians_of_differences(treatment[few], control[few])
    _check(rule, seen, truth, Decisions(rejected, below, covered, effects))
    return Decisions(rejected, rejected & below, covered, effects)


def filled_worst(seen: np.ndarray) -> np.ndarray:
    """Missing treated values take the highest change seen in the trial, missing control values the lowest."""
    treated = np.arange(seen.shape[1]) < N_TREATMENT
    worst, best = np.nanmax(seen, axis=1, keepdims=True), np.nanmin(seen, axis=1, keepdims=True)
    return np.where(np.isnan(seen), np.where(treated, worst, best), seen)


def holds(treatment: np.ndarray, control: np.ndarray, shift: float) -> np.ndarray:
    """Whether the interval holds the shift; its ends may fall on a value, so the tests look just inside."""
    from_below = rank_sum_p_values(treatment - (shift + BETWEEN_VALUES), control, alternative="greater")
    from_above = rank_sum_p_values(treatment - (shift - BETWEEN_VALUES), control, alternative="less")
    return np.asarray((from_below >= ALPHA / 2) & (from_above >= ALPHA / 2))


def medians_of_differences(treatment: np.ndarray, control: np.ndarray) -> np.ndarray:
    """The Hodges-Lehmann shift of every run."""
    return np.array(
        [np.nanmedian(np.subtract.outer(one, other)) for one, other in zip(treatment, control, strict=True)]
    )


def _check(rule: str, seen: np.ndarray, truth: float, found: Decisions) -> None:
    analyse: Callable[[np.ndarray], Estimate] = _worst_case if rule == WORST_CASE else _rank_sum
    for number, row in enumerate(seen[:CHECKED_RUNS]):
        one = analyse(row)
        if one.p_value is None or one.low is None or one.high is None:
            raise RuntimeError(f"{rule}, run {number}: no estimate")
        same = ((one.p_value <= ALPHA) == found.rejected[number]) and (
            (one.low <= truth <= one.high) == found.covered[number]
        )
        if not same:
            raise RuntimeError(f"{rule}, run {number}: the package decides otherwise: {one}")


def _rank_sum(row: np.ndarray) -> Estimate:
    return rank_sum(row[:N_TREATMENT], row[N_TREATMENT:], alpha=ALPHA)


def _worst_case(row: np.ndarray) -> Estimate:
    treated = np.arange(row.size) < N_TREATMENT
    return worst_case(pd.DataFrame({"value": row, "treated": treated}), better="lower", alpha=ALPHA)


# --- multiple imputation --------------------------------------------------------------------------------

IMPUTATIONS = 10


def decide_by_imputation(
    trials: Trials, seen: np.ndarray, truth: float, method: ImputationMethod
) -> Decisions:
    """Analyse run by run; baseline and day 10 predict what is missing."""
    decided = []
    unusable = 0
    for number, values in enumerate(seen):
        table = pd.DataFrame(
            {
                "value": values,
                "baseline": np.exp(2.7 + 0.7 * trials.log_baseline[number]),
                "day 10": trials.day_10[number],
                "treated": trials.treated,
            }
        )
        plan = ImputationPlan(("day 10",), (), IMPUTATIONS, number, FLOOR, method)
        one = multiple_imputation(table, plan, alpha=ALPHA)
        if one.effect is None or one.p_value is None or one.low is None or one.high is None:
            unusable += 1
            continue
        rejected = one.p_value <= ALPHA
        decided.append((rejected, rejected and one.effect < 0, one.low <= truth <= one.high, one.effect))
    rejected, favoured, covered, effects = (np.array(column) for column in zip(*decided, strict=True))
    return Decisions(rejected, favoured, covered, effects, unusable)


# --- results --------------------------------------------------------------------------------------------


def read(path: Path) -> list[Outcome]:
    if not path.exists():
        return []
    types = {
        field.name: {"str": str, "int": int, "float": float}[str(field.type)] for field in fields(Outcome)
    }
    with path.open(newline="") as stream:
        return [
            Outcome(**{name: types[name](text) for name, text in row.items()})
            for row in csv.DictReader(stream)
        ]


def _done(path: Path) -> set[Condition]:
    names = [field.name for field in fields(Condition)]
    return {Condition(**{name: getattr(outcome, name) for name in names}) for outcome in read(path)}


def _append(path: Path, outcome: Outcome) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, list(asdict(outcome)), lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(asdict(outcome))


def as_line(outcome: Outcome) -> str:
    return " · ".join(str(value) for value in asdict(outcome).values())


def as_table(outcomes: list[Outcome]) -> str:
    """Markdown: one line for each scenario, mechanism and rule, without and with effect."""
    lines = [
        "| changes | missing | rule | runs | type I error, % | of it for the treatment "
        "| coverage without effect, % | coverage with effect, % | power, % | bias, points |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    pairs: dict[tuple[str, str, str, int, int], dict[bool, Outcome]] = {}
    for outcome in outcomes:
        key = (outcome.scenario, outcome.mechanism, outcome.rule, outcome.runs, outcome.seed)
        pairs.setdefault(key, {})[outcome.effect == 0] = outcome
    lines += [_table_line(pair[True], pair[False]) for pair in pairs.values() if len(pair) == 2]
    return "\n".join(lines) + "\n"


def _table_line(null: Outcome, effect: Outcome) -> str:
    cells = [
        null.scenario,
        "none" if null.mechanism == NONE else f"{null.mechanism} ({100 * null.lost:.0f} %)",
        null.rule,
        f"{null.runs:,}",
        _share(null.rejected, null.runs),
        f"{100 * null.for_treatment:.1f}",
        _share(null.covered, null.runs),
        _share(effect.covered, effect.runs),
        f"{100 * effect.for_treatment:.1f}",
        f"{effect.bias:+.1f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _share(share: float, runs: int) -> str:
    """Per cent with its Monte-Carlo standard error."""
    return f"{100 * share:.1f} ± {100 * np.sqrt(share * (1 - share) / runs):.1f}"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.evaluation.trial_simulation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [scenario.name for scenario in SCENARIOS]
    rules = [COMPLETE_DATA, *RULES]
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20201)
    parser.add_argument("--rules", nargs="+", choices=rules, default=rules)
    parser.add_argument("--scenarios", nargs="+", choices=names, default=names)
    parser.add_argument("--mechanisms", nargs="+", choices=(NONE, *MECHANISMS), default=(NONE, *MECHANISMS))
    parser.add_argument("--jobs", type=int, default=1)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
