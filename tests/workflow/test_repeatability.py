"""The same input, model and settings give the same bytes, picture included."""

from __future__ import annotations

from pathlib import Path

from lesionseg.workflow.case import segment_case
from lesionseg.workflow.request import CASE_FILES, CaseRequest
from tests.support.ct_series import Series
from tests.workflow.builders import RuleSegmenter


def test_second_run_gives_the_same_bytes_but_for_the_times(good_series: Series, tmp_path: Path) -> None:
    manifests = []
    for name in ("first", "second"):
        request = CaseRequest(good_series.folder, tmp_path / name)
        manifests.append(segment_case(request, RuleSegmenter()).manifest)
    for name in CASE_FILES:
        if name != "manifest.json":
            assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
    for manifest in manifests:
        assert manifest.pop("times")["seconds"]["read"] > 0
    assert manifests[0] == manifests[1]
