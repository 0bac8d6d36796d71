"""``lesionseg power``: how many patients a trial needs, by simulation from a pilot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.screen import HINT, Screen

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.statistics.planning.pilot import Effect, Pilot
    from lesionseg.statistics.planning.power import Power, PowerSettings


def power(
    pilot: Annotated[
        Path,
        typer.Argument(
            metavar="PILOT.csv",
            show_default=False,
            help="adlesion.csv or adtrial.csv, or subject, parameter, visit, baseline, value.",
        ),
    ],
    *,
    parameter: Annotated[str, typer.Option(metavar="CODE", help="Parameter, as SOLPCT.")] = "LESPCT",
    visit: Annotated[str, typer.Option(help="Follow-up visit.")] = "day 28",
    change: Annotated[str, typer.Option(metavar="relative|absolute", help="Which change.")] = "relative",
    arm: Annotated[str, typer.Option(help="Draw from this arm of the pilot only.")] = "",
    shift: Annotated[
        float | None,
        typer.Option(show_default=False, help="Treatment adds so much to every change, in its unit."),
    ] = None,
    shrink: Annotated[
        float | None,
        typer.Option(show_default=False, help="Treatment takes so many per cent off every follow-up value."),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("--n", min=2, show_default=False, help="Patients randomised: give their power."),
    ] = None,
    wanted: Annotated[
        float | None,
        typer.Option("--power", show_default=False, help="Search for the patients it takes; 0.8 if no --n."),
    ] = None,
    allocation: Annotated[str, typer.Option(metavar="A:B", help="Treatment to control.")] = "1:1",
    dropout: Annotated[float, typer.Option(help="Share of patients without the follow-up.")] = 0.0,
    alpha: Annotated[float, typer.Option(help="Significance level.")] = 0.05,
    alternative: Annotated[str, typer.Option(help="two-sided, less or greater.")] = "two-sided",
    runs: Annotated[int, typer.Option(help="Simulated trials for each size.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Of the simulation.")] = 20201,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Simulate trials from a pilot's patients: power of the rank-sum test, or the patients it takes."""
    del verbose
    if (shift is None) == (shrink is None):
        raise typer.BadParameter("give exactly one of --shift and --shrink")
    if n is not None and wanted is not None:
        raise typer.BadParameter("give one of --n and --power")
    rules = _settings(allocation, dropout=dropout, alpha=alpha, alternative=alternative, runs=runs, seed=seed)
    from lesionseg.statistics.planning.pilot import Effect, PilotQuestion, read_pilot
    from lesionseg.statistics.planning.power import sample_size, simulate_power

    screen = Screen("power", as_json=as_json, quiet=quiet)
    table = read_pilot(pilot, PilotQuestion(parameter, visit, _checked_change(change), arm))
    effect = Effect(shift or 0.0, shrink or 0.0)
    if n is not None:
        found = simulate_power(table, effect, n, rules)
        tried: tuple[Power, ...] = (found,)
    else:
        search = sample_size(table, effect, 0.8 if wanted is None else wanted, rules)
        found, tried = search.found, search.tried
    _report(screen, table, found, tried, f"{parameter}, {change} change at {visit}")
    screen.result(_as_dict(table, effect, rules, found, tried))


def _settings(allocation: str, **rules: Any) -> PowerSettings:
    """Read the options; what makes no sense is misuse of the command line."""
    from lesionseg.core.errors import ConfigurationError
    from lesionseg.statistics.planning.power import PowerSettings

    try:
        treated, control = (int(part) for part in allocation.split(":"))
    except ValueError as error:
        raise typer.BadParameter(f"--allocation is a ratio such as 2:1, not {allocation}") from error
    try:
        return PowerSettings((treated, control), **rules)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from error


def _checked_change(change: str) -> Any:
    if change not in ("relative", "absolute"):
        raise typer.BadParameter(f"--change is relative or absolute, not {change}")
    return change


def _report(screen: Screen, pilot: Pilot, found: Power, tried: tuple[Power, ...], what: str) -> None:
    screen.show(_table(tried, found, what))
    screen.show(f"Shift that a very large trial would find: {found.shift:.4g}")
    if pilot.left_out:
        screen.mark(HINT, f"Subjects of the pilot without such a change, left out: {pilot.left_out}")
    screen.mark(
        HINT,
        f"The intervals hold the error of {found.runs} simulated trials, not that of a pilot of "
        f"{pilot.baselines.size} patients",
    )


def _table(tried: tuple[Power, ...], found: Power, what: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(what), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("patients", "treatment", "control", "power", "95 % interval"):
        table.add_column(name, justify="right")
    for size in tried:
        cells = (str(size.n), str(size.n_treatment), str(size.n_control), f"{size.power:.3f}")
        style = "bold" if size == found else ""
        table.add_row(*cells, f"{size.low:.3f} to {size.high:.3f}", style=style)
    return table


def _as_dict(
    pilot: Pilot, effect: Effect, rules: PowerSettings, found: Power, tried: tuple[Power, ...]
) -> dict[str, Any]:
    return {
        "pilot": {
            "subjects": int(pilot.baselines.size),
            "left_out": pilot.left_out,
            "change": pilot.change,
            "median": pilot.median,
        },
        "effect": asdict(effect),
        "settings": asdict(rules),
        "found": {**asdict(found), "n": found.n},
        "tried": [{**asdict(size), "n": size.n} for size in tried],
    }
