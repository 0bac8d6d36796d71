"""The four acquisitions, written and loaded once."""

from __future__ import annotations

import pytest

from tests.readings.masks.builders import DIRECTIONS, Scan, write_scan


@pytest.fixture(scope="session", params=sorted(DIRECTIONS))
def scan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """The chest in each acquisition in turn."""
    return write_scan(tmp_path_factory.mktemp(request.param) / "series", request.param)


@pytest.fixture(scope="session")
def axial(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """The axial acquisition."""
    return write_scan(tmp_path_factory.mktemp("axial-only") / "series")
