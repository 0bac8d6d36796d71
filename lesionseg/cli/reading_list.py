"""``lesionseg reading list`` and ``withdraw``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.audit import KeyFileOption, given_key
from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.screen import GOOD, HINT, Screen

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.readings.reading import Reading


def list_readings(
    readings: Annotated[Path, typer.Argument(metavar="FOLDER", show_default=False)],
    *,
    everything: Annotated[
        bool, typer.Option("--all", metavar="", help="Superseded and withdrawn ones too.")
    ] = False,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """List the readings, after checking the audit log and every file of theirs."""
    del verbose
    from lesionseg.workflow.reading.store import load_readings

    screen = Screen("reading list", as_json=as_json, quiet=quiet)
    store = load_readings(readings, key=given_key(key_file))
    standing = {each.reading_id for each in store.current}
    shown = [each for each in store.readings if everything or each.reading_id in standing]
    rows = [_row(each, stands=each.reading_id in standing) for each in shown]
    screen.show(_table(rows))
    for folder in store.unrecorded:
        screen.mark(HINT, f"{folder} is in no record: its adding was broken off. Add it again.")
    screen.result({"readings": rows, "unrecorded": [str(path) for path in store.unrecorded]})


def withdraw(
    readings: Annotated[Path, typer.Argument(metavar="FOLDER", show_default=False)],
    reading_id: Annotated[str, typer.Argument(metavar="READING", show_default=False)],
    *,
    by: Annotated[str, typer.Option(metavar="NAME", show_default=False, help="Who withdraws it.")],
    why: Annotated[str, typer.Option(metavar="TEXT", show_default=False)],
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Record that a reading counts no more; its files and its record stay."""
    del verbose
    from lesionseg.workflow.reading.withdraw import withdraw_reading

    screen = Screen("reading withdraw", as_json=as_json, quiet=quiet)
    record = withdraw_reading(readings, reading_id, by=by, why=why, key=given_key(key_file))
    screen.mark(GOOD, f"{reading_id} counts no more; record {record.number} of the audit log tells of it.")
    screen.result({"reading_id": reading_id, "record": record.number, "audit_sha256": record.sha256})


def figure_text(value: float | None) -> str:
    """Write a figure for a table; empty where it is missing."""
    return "" if value is None else f"{value:.2f}"


def _row(each: Reading, *, stands: bool) -> dict[str, Any]:
    return {
        "scan_id": each.scan.scan_id,
        "reading_id": each.reading_id,
        "reader": each.reader,
        "role": str(each.role),
        "stands": stands,
        "supersedes": each.supersedes,
        "recorded_utc": each.recorded_utc,
        "lesion_ml": each.value("LESML"),
        "lesion_pct": each.value("LESPCT"),
        "solid_pct": each.value("SOLPCT"),
        "why": each.why,
    }


def _table(rows: list[dict[str, Any]]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("scan", "reading", "reader", "role", "stands", "lesion, ml", "lesion, %", "solid, %", "why"):
        table.add_column(name, overflow="fold")
    for row in sorted(rows, key=lambda each: (each["scan_id"], each["recorded_utc"])):
        figures = (figure_text(row[name]) for name in ("lesion_ml", "lesion_pct", "solid_pct"))
        texts = (
            row["scan_id"],
            row["reading_id"],
            row["reader"],
            row["role"],
            "yes" if row["stands"] else "no",
        )
        table.add_row(*(Text(text) for text in (*texts, *figures, row["why"])))
    return table
