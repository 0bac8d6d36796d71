"""Answers of R to the random tables of tests/golden."""

import json
from functools import cache
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[1] / "golden"


@cache
def golden(name: str) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))["tables"]
    return tables


def relative(ours: float, theirs: float) -> float:
    return abs(ours - theirs) / max(abs(theirs), 1e-300)
