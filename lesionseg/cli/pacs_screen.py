"""What ``lesionseg pacs`` says of series and objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from rich.table import Table

    from lesionseg.pacs.web import PulledSeries, PushedObject, SeriesFound


def report_found(screen: Screen, found: Sequence[SeriesFound]) -> None:
    """Show what a query finds."""
    if found:
        screen.show(_table(found))
    else:
        screen.mark(HINT, "The archive holds no series that fits.")
    screen.result({"series": [asdict(one) for one in found]})


def report_pulled(screen: Screen, pulled: Sequence[PulledSeries]) -> None:
    """Show what became of each series."""
    for one in pulled:
        if one.error is not None:
            screen.mark(BAD, str(one.error))
            continue
        note = f" ({one.note})" if one.note else ""
        screen.mark(GOOD, f"{one.state}{note}: {one.instances} objects in {one.folder}")
    screen.result(
        {"series": [_pulled_dict(one) for one in pulled]}, ok=all(one.error is None for one in pulled)
    )


def report_pushed(screen: Screen, pushed: Sequence[PushedObject]) -> None:
    """Show what became of each object."""
    for one in pushed:
        what = f"{one.sent.modality} {one.sent.file.name}"
        reason = f": {one.reason}" if one.reason else ""
        mark = BAD if one.state == "failed" else HINT if one.reason else GOOD
        screen.mark(mark, f"{what} {one.state}{reason}")
    screen.result(
        {"objects": [_pushed_dict(one) for one in pushed]}, ok=all(one.state != "failed" for one in pushed)
    )


def _table(found: Sequence[SeriesFound]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("patient", "date", "study", "series", "modality"):
        table.add_column(name, overflow="fold")
    table.add_column("objects", justify="right")
    table.add_column("Series Instance UID", overflow="fold")
    for one in found:
        words = (one.patient_id, one.study_date, one.study_description, one.description, one.modality)
        counted = "" if one.instances is None else str(one.instances)
        table.add_row(*(Text(word) for word in (*words, counted, one.series_uid)))
    return table


def _pulled_dict(one: PulledSeries) -> dict[str, Any]:
    return {
        **asdict(one.series),
        "folder": str(one.folder),
        "state": one.state,
        "instances": one.instances,
        "bytes": one.bytes,
        "note": one.note,
        "error": one.error.as_dict() if one.error else None,
    }


def _pushed_dict(one: PushedObject) -> dict[str, Any]:
    return {**asdict(one.sent), "file": str(one.sent.file), "state": one.state, "reason": one.reason}
