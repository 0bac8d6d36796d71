"""Programs of others that judge what we write; tests skip visibly where they are not installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def run_tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a system program, or one installed beside this Python."""
    beside = Path(sys.executable).parent / name
    program = shutil.which(name) or (str(beside) if beside.exists() else None)
    if program is None:
        pytest.skip(f"{name} is not installed")
    return subprocess.run(
        [program, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def dciodvfy_remarks(path: Path) -> tuple[set[str], set[str]]:
    """What dicom3tools says of a file: its errors and its warnings, each once."""
    said = run_tool("dciodvfy", path).stderr.splitlines()
    assert said, "dciodvfy names the kind of object at least"
    errors = {line for line in said if "error" in line.lower()}
    return errors, {line for line in said if line.startswith("Warning")} - errors
