"""What a verb may put on the screen: tables and sentences, one JSON object, progress, an error panel."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lesionseg.core.errors import LesionSegError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from lesionseg.workflow.progress import CaseProgress

GOOD, BAD, HINT = "good", "bad", "hint"
_MARKS = {GOOD: ("✓", "ok", "green"), BAD: ("✗", "x", "bold red"), HINT: ("!", "!", "yellow")}


@dataclass(frozen=True)
class Screen:
    """Where one verb writes.

    Attributes
    ----------
    verb : str
        Named in the JSON object.
    as_json : bool
        Only the JSON object goes to stdout.
    quiet : bool
        Neither tables nor progress.
    """

    verb: str
    as_json: bool = False
    quiet: bool = False

    @cached_property
    def _console(self) -> Console:
        return _console()

    def show(self, renderable: RenderableType = "", style: str = "") -> None:
        """Print for a person, unless JSON or quiet was asked for; square brackets stay as they are."""
        from rich.text import Text

        if not (self.as_json or self.quiet):
            self._console.print(Text(renderable, style) if isinstance(renderable, str) else renderable)

    def mark(self, kind: str, text: str) -> None:
        """Print a line with a tick, a cross or an exclamation mark in front."""
        from rich.table import Table
        from rich.text import Text

        sign, plain, style = _MARKS[kind]
        utf = (self._console.encoding or "").lower().startswith("utf")
        line = Table.grid(padding=(0, 1))
        line.add_row("", Text(sign if utf else plain, style), Text(text))
        self.show(line)

    def caution(self, text: str) -> None:
        """Print a line on stderr that nobody should miss, unless quiet was asked for."""
        from rich.text import Text

        if not self.quiet:
            _console(stderr=True).print(Text(f"! {text}", "bold yellow"))

    def result(self, payload: Mapping[str, Any], *, ok: bool = True) -> None:
        """Print the JSON object, if it was asked for."""
        if self.as_json:
            write_json({"command": self.verb, "ok": ok, **payload})

    @contextmanager
    def progress(self) -> Iterator[CaseProgress]:
        """Bars on stderr, one per stage; nothing where stderr is no terminal."""
        from lesionseg.cli.progress_bars import progress_bars
        from lesionseg.workflow.progress import no_progress

        if self.quiet or not sys.stderr.isatty():
            yield no_progress
            return
        with progress_bars() as report:
            yield report


def write_json(payload: Mapping[str, Any]) -> None:
    """Write one JSON object and a line feed to stdout; what is not a number is written as null."""
    sys.stdout.write(json.dumps(_finite(payload), indent=2, ensure_ascii=True, allow_nan=False) + "\n")
    sys.stdout.flush()


def error_panel(error: LesionSegError) -> None:
    """Explain an error on stderr: case, problem, expected, found, what to do."""
    from rich.box import ASCII, ROUNDED
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    console = _console(stderr=True)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    rows = (
        ("case", error.case),
        ("problem", error.problem),
        ("expected", error.expected),
        ("found", error.found),
        ("what to do", error.remedy),
    )
    for name, text in rows:
        if text:
            grid.add_row(name, Text(text))
    box = ROUNDED if (console.encoding or "").lower().startswith("utf") else ASCII
    console.print(
        Panel(grid, title=f"lesionseg: {error.code}", title_align="left", border_style="red", box=box)
    )


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=False)


def _finite(value: Any) -> Any:
    """Replace NaN and infinities by None, and keys and leaves that JSON lacks by text."""
    if isinstance(value, Mapping):
        return {str(key): _finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)
