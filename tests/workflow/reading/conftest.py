from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.ct_series import Series, chest_volume, write_series
from tests.workflow.reading.builders import make_case
from tests.workflow.trial_builders import hurry

SHAPE, SPACING_MM = (20, 40, 40), (10.0, 10.0, 10.0)  # 1 ml a voxel


@pytest.fixture(autouse=True)
def quick_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture(scope="session")
def series(tmp_path_factory: pytest.TempPathFactory) -> Series:
    return write_series(tmp_path_factory.mktemp("read") / "scan", chest_volume(SHAPE, SPACING_MM))


@pytest.fixture(scope="session")
def case(series: Series, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        return make_case(series, tmp_path_factory.mktemp("read") / "case")


@pytest.fixture
def readings(tmp_path: Path) -> Path:
    return tmp_path / "readings"
