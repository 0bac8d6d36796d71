"""A disk that is really full: a small file system in memory, where one may be mounted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lesionseg.core.errors import OutputError
from lesionseg.workflow.case import segment_case
from lesionseg.workflow.request import CaseRequest
from tests.support.ct_series import Series
from tests.support.small_disk import mounted
from tests.workflow.builders import RuleSegmenter


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """64 KiB: the labels fit, the overview does not."""
    with mounted(tmp_path / "disk", "64k") as place:
        yield place


def test_real_full_disk_is_said_and_leaves_nothing(
    good_series: Series, small_disk: Path, segmenter: RuleSegmenter
) -> None:
    with pytest.raises(OutputError) as caught:
        segment_case(CaseRequest(good_series.folder, small_disk / "out"), segmenter)
    assert "space" in caught.value.found
    assert list(small_disk.iterdir()) == []
