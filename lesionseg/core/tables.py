"""Writing JSON and CSV that read the same everywhere and have the same bytes on every run."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write indented UTF-8 JSON; a NaN is refused (ValueError), so that none appears by accident."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def plain_json(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping as JSON would give it back: lists for tuples, text for text-like values."""
    plain: dict[str, Any] = json.loads(json.dumps(content, allow_nan=False))
    return plain


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a table with a header: comma, decimal point, UTF-8, line feeds; None is an empty cell.

    All rows have the columns of the first; there is at least one.
    """
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
