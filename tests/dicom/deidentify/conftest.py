"""A key, and a quick way to de-identify data sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from lesionseg.dicom.deidentify import PseudonymKey, Settings, Subjects, clean_file, write_clean
from tests.support.ct_series import save

KEY = PseudonymKey(bytes(range(32)))
OTHER_KEY = PseudonymKey(bytes(range(32, 64)))
Deidentify = Callable[..., list[Dataset]]


@pytest.fixture
def settings() -> Settings:
    return Settings(KEY, "0.0")


@pytest.fixture
def deidentify(tmp_path: Path, settings: Settings) -> Deidentify:
    """Save, clean, write and read back; the files lie in ``in`` and ``out`` of the test's folder."""

    def run(
        datasets: Sequence[Dataset], settings: Settings = settings, subjects: Subjects | None = None
    ) -> list[Dataset]:
        subjects = Subjects(settings.key) if subjects is None else subjects
        (tmp_path / "out").mkdir(exist_ok=True)
        results = []
        for number, dataset in enumerate(datasets):
            source, target = tmp_path / "in" / f"{number}.dcm", tmp_path / "out" / f"{number}.dcm"
            write_clean(clean_file(save(dataset, source), subjects, settings), target)
            results.append(dcmread(target))
        return results

    return run
