"""The test PACS itself: if this fails, the other tests in this folder say nothing."""

from __future__ import annotations

from pathlib import Path

from tests.pacs.orthanc import Orthanc
from tests.support.ct_series import chest_volume, write_series


def test_what_storescu_sends_is_found_through_qido(orthanc: Orthanc, tmp_path: Path) -> None:
    series = write_series(tmp_path / "series", chest_volume((3, 8, 8)))
    orthanc.store(series.folder)
    (found,) = orthanc.qido("series", Modality="CT")
    assert found["0020000E"]["Value"] == [series.settings.series_uid]
    assert len(orthanc.qido("instances")) == 3


def test_each_test_begins_with_an_empty_pacs(orthanc: Orthanc) -> None:
    assert orthanc.qido("studies") == []
