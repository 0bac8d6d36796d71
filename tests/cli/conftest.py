from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lesionseg.cli.run import run
from tests.support.ct_series import Series, write_series
from tests.workflow.builders import RuleSegmenter


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        return json.loads(self.out)


Cli = Callable[..., Outcome]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run the command line in this process, on a wide screen that is no terminal."""
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("TERM", "dumb")

    def call(*words: object) -> Outcome:
        capsys.readouterr()
        code = run([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> RuleSegmenter:
    """In place of every network."""
    segmenter = RuleSegmenter()
    monkeypatch.setattr(
        "lesionseg.workflow.segmenting.DeferredSegmenter.from_settings", lambda settings: segmenter
    )
    return segmenter


@pytest.fixture
def quick_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(*arguments: object, **_: object) -> None:
        next(part for part in arguments if isinstance(part, Path)).write_bytes(b"picture")

    monkeypatch.setattr("lesionseg.reports.overview.draw_overview", draw)


@pytest.fixture(scope="session")
def good_series(tmp_path_factory: pytest.TempPathFactory) -> Series:
    return write_series(tmp_path_factory.mktemp("good") / "scan")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where results go; nothing else lies beside it."""
    place = tmp_path / "place"
    place.mkdir()
    return place / "out"
