"""What runs on the machines, called here without a cluster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.cluster.places import marked_places
from lesionseg.batch.cluster.worker import CaseWorker, SegmenterRecipe, WorkOrder
from lesionseg.batch.failures import Failure
from lesionseg.batch.request import BatchSettings
from lesionseg.batch.stages import WrittenCase
from lesionseg.batch.work_list import list_cases
from lesionseg.core.errors import BundleError, ClusterError, SegmentationError
from lesionseg.segmentation import Segmenter
from lesionseg.workflow.request import SegmenterSettings
from lesionseg.workflow.segmenting import DeferredSegmenter
from tests.segmentation.conftest import write_tiny_bundle
from tests.workflow.builders import RuleSegmenter


@pytest.fixture
def case(four_scans: Path) -> BatchCase:
    return list_cases([four_scans]).cases[0]


def order_for(folder: Path, case: BatchCase, segmenter: Segmenter | SegmenterRecipe) -> WorkOrder:
    with marked_places(folder, [case]) as places:
        kept = replace(places, token=folder / "token")
        kept.token.write_text(kept.word)
    return WorkOrder(BatchSettings(), segmenter, kept, folder, 1)


@pytest.fixture
def rule() -> RuleSegmenter:
    return RuleSegmenter()


@pytest.fixture
def worker(tmp_path: Path, case: BatchCase, rule: RuleSegmenter) -> CaseWorker:
    return CaseWorker(order_for(tmp_path / "cases", case, rule))


def test_a_case_in_four_steps(worker: CaseWorker, case: BatchCase, tmp_path: Path) -> None:
    assert worker.prepare() is None
    assert worker.read(case, tmp_path / "attempt") is None
    assert worker.segment(case.case_id) is None
    assert worker.measure(case.case_id) is None
    written = worker.write(case.case_id)
    assert isinstance(written, WrittenCase)
    found = {path.name for path in (tmp_path / "attempt" / case.case_id).iterdir()}
    assert found == set(written.outputs)
    assert "labels.nii.gz" in found


def test_a_scan_before_the_worker_is_ready_is_refused(worker: CaseWorker, case: BatchCase) -> None:
    assert worker.read(case, Path("nowhere")).reason == "cluster"  # type: ignore[union-attr]


def test_a_failure_comes_back_as_a_value_and_nothing_is_kept(
    worker: CaseWorker, case: BatchCase, rule: RuleSegmenter, tmp_path: Path
) -> None:
    worker.prepare()
    rule.error = SegmentationError("no sense")
    worker.read(case, tmp_path / "attempt")
    failure = worker.segment(case.case_id)
    assert isinstance(failure, Failure)
    assert (failure.reason, failure.ends_everything) == ("segmentation", False)
    assert not worker._in_work


def test_another_version_is_refused(worker: CaseWorker, case: BatchCase, tmp_path: Path) -> None:
    order = replace(order_for(tmp_path / "cases", case, RuleSegmenter()), version="0.0.1")
    failure = CaseWorker(order).prepare()
    assert isinstance(failure.error, ClusterError)  # type: ignore[union-attr]
    assert "another version" in failure.text  # type: ignore[union-attr]


def test_every_worker_must_have_the_same_bundle(case: BatchCase, tmp_path: Path) -> None:
    bundle = write_tiny_bundle(tmp_path / "tiny").folder
    how = SegmenterSettings(model=str(bundle), device="cpu", runtime="torch")
    recipe = SegmenterRecipe.of(DeferredSegmenter.from_settings(how))
    assert isinstance(recipe, SegmenterRecipe)
    assert recipe.open(1).bundle_name == "tiny 1"
    with pytest.raises(BundleError, match="another one"):
        replace(recipe, bundle_sha256="0" * 64).open(1)


def test_a_bundle_in_the_working_directory_is_found_from_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_bundle(tmp_path / "tiny")
    monkeypatch.chdir(tmp_path)
    recipe = SegmenterRecipe.of(DeferredSegmenter.from_settings(SegmenterSettings(model="tiny")))
    assert isinstance(recipe, SegmenterRecipe)
    assert recipe.settings.model == str(tmp_path / "tiny")
