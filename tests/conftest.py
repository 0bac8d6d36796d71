"""Fixtures and settings for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_DATA_VARIABLE = "LESIONSEG_REAL_DATA"

# The same examples on every run, no deadline on loaded machines; HYPOTHESIS_PROFILE=explore looks further.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, max_examples=50)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real scans; the test is skipped where there is none."""
    named = os.environ.get(REAL_DATA_VARIABLE)
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real scans are absent: no folder {folder} (name one in {REAL_DATA_VARIABLE})")
    return folder
