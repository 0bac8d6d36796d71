from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.ct_series import Series, write_series
from tests.workflow.builders import RuleSegmenter


@pytest.fixture(scope="session")
def good_series(tmp_path_factory: pytest.TempPathFactory) -> Series:
    return write_series(tmp_path_factory.mktemp("good") / "scan")


@pytest.fixture
def segmenter() -> RuleSegmenter:
    return RuleSegmenter()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Where results go; nothing else lies beside it."""
    place = tmp_path / "place"
    place.mkdir()
    return place / "out"
