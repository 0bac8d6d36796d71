"""Fixtures of the PACS tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pacs.fake_archive import FakeArchive, running_archive
from tests.pacs.orthanc import Orthanc, running_orthanc


@pytest.fixture(scope="session")
def orthanc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """One Orthanc for all tests; skipped visibly where it is not installed."""
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture
def orthanc(orthanc_server: Orthanc) -> Orthanc:
    """That Orthanc, empty."""
    orthanc_server.clear()
    return orthanc_server


@pytest.fixture
def fake() -> Iterator[FakeArchive]:
    """A DICOMweb server that fails on command; nothing in it."""
    with running_archive() as archive:
        yield archive
