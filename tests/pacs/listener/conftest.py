from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import Dataset

from tests.support.ct_series import Series, chest_volume, write_series


@pytest.fixture(scope="session")
def small_series(tmp_path_factory: pytest.TempPathFactory) -> Series:
    """Six slices of 16 by 16; too small to be segmented in earnest."""
    return write_series(tmp_path_factory.mktemp("small") / "scan", chest_volume((6, 16, 16)))


@pytest.fixture
def slices(small_series: Series) -> list[Dataset]:
    return small_series.datasets()


@pytest.fixture
def slice_files(small_series: Series) -> list[Path]:
    return list(small_series.paths)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The listener's folder."""
    return tmp_path / "listener"
