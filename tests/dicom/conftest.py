"""A small good series, written once, and fresh data sets of it to alter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydicom import Dataset

from tests.support.ct_series import Series, chest_volume, save_all, write_series

SMALL_SHAPE, SMALL_SPACING_MM = (6, 32, 32), (40.0, 11.0, 11.0)
SaveSeries = Callable[[Sequence[Dataset]], Path]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Series:
    """Six slices of 32 x 32, 40 mm apart, z from -100 to 100 mm."""
    return write_series(
        tmp_path_factory.mktemp("small") / "series", chest_volume(SMALL_SHAPE, SMALL_SPACING_MM)
    )


@pytest.fixture
def slices(small: Series) -> list[Dataset]:
    """Fresh data sets of the small series in slice order."""
    return small.datasets()


@pytest.fixture
def save_series(tmp_path: Path) -> SaveSeries:
    """Saves data sets as numbered files of one folder and names the folder."""

    def saved(datasets: Sequence[Dataset], name: str = "input") -> Path:
        save_all(datasets, tmp_path / name)
        return tmp_path / name

    return saved
