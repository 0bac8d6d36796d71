"""The index page of a batch: what failed first, then every case with a link to its page or picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lesionseg.core.files import write_text
from lesionseg.reports.page import NOTICE, render_page

TEMPLATE = "batch_index.html.j2"
_SEVERITIES = ("critical", "warning", "info")
_SHARES = ("lesion_proportion_pct", "solid_proportion_pct")
_VOLUMES = ("lung_ml", "lesion_ml", "solid_ml")


@dataclass(frozen=True)
class BatchIndex:
    """What the page is made of.

    Attributes
    ----------
    model, version : str
        Of the model bundle, and of lesionseg.
    rows : sequence of mapping of str to str
        Of the summary: ``case``, ``state``, ``reason``, ``reason_text``, ``warnings``, ``path`` and the
        columns of a measurement.
    links : mapping of str to mapping of str to str
        For each case what there is to open: ``page``, ``overview``, relative to the index.
    left_over : sequence of (str, str, str)
        What was not taken: kind, path, reason.
    remarks : sequence of str
        Why this is not the whole batch.
    """

    model: str
    version: str
    rows: Sequence[Mapping[str, str]]
    links: Mapping[str, Mapping[str, str]]
    left_over: Sequence[tuple[str, str, str]] = ()
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class _Line:
    """A measured case."""

    case: str
    link: str
    overview: str
    figures: tuple[str, ...]
    severity: str
    flags: tuple[str, ...]
    warnings: str


def write_batch_index(index: BatchIndex, path: Path) -> None:
    """Write the page; the same index gives the same bytes.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_text(path, render_batch_index(index))


def render_batch_index(index: BatchIndex) -> str:
    """Return the page as HTML; every text in it is escaped."""
    states = {state: [row for row in index.rows if row["state"] == state] for state in _states(index)}
    failed, done = states.pop("failed", []), states.pop("done", [])
    content: dict[str, Any] = {
        "notice": NOTICE,
        "model": index.model,
        "version": index.version,
        "total": len(index.rows),
        "failed": failed,
        "waiting": [row for rows in states.values() for row in rows],
        "done": [_line(row, index.links.get(row["case"], {})) for row in done],
        "left_over": index.left_over,
        "remarks": index.remarks,
    }
    return render_page(TEMPLATE, content)


def _states(index: BatchIndex) -> list[str]:
    return list(dict.fromkeys(row["state"] for row in index.rows))


def _line(row: Mapping[str, str], links: Mapping[str, str]) -> _Line:
    flags = [part.partition("=") for part in row["flags"].split(";") if part]
    flags.sort(key=lambda part: _SEVERITIES.index(part[2]) if part[2] in _SEVERITIES else len(_SEVERITIES))
    return _Line(
        case=row["case"],
        link=quote(links.get("page") or links.get("overview", "")),
        overview=quote(links.get("overview", "")),
        figures=(*(_figure(row[name], 0) for name in _VOLUMES), *(_figure(row[name], 1) for name in _SHARES)),
        severity=row["worst_flag"],
        flags=tuple(f"{code.strip()} ({severity})" for code, _, severity in flags),
        warnings=row["warnings"],
    )


def _figure(cell: str, decimals: int) -> str:
    return f"{float(cell):.{decimals}f}" if cell else "none"
