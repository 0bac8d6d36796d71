from __future__ import annotations

from pathlib import Path

import pytest

from tests.batch.builders import write_scans
from tests.workflow.trial_builders import hurry


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Pictures and pages have tests of their own and take seconds."""
    hurry(monkeypatch)


@pytest.fixture(scope="session")
def four_scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed."""
    root = tmp_path_factory.mktemp("scans")
    write_scans(root, 4)
    return root


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Three scans that a test may change."""
    write_scans(tmp_path / "scans", 3)
    return tmp_path / "scans"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"
