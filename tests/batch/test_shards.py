"""A batch in shards: shares, folders, and one summary over them."""

from __future__ import annotations

import csv
import json
import random
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.events import BatchEvent, Tally
from lesionseg.batch.folder import own_folder
from lesionseg.batch.merge import MergeResult, merge_shards
from lesionseg.batch.request import BatchRequest, BatchResult
from lesionseg.batch.run import BatchWatch, run_batch
from lesionseg.batch.shards import Shard, shard_folder, shards_in, share_of
from lesionseg.batch.work_list import list_cases
from lesionseg.core.errors import ConfigurationError, InputNotFoundError, OutputExistsError
from lesionseg.segmentation import Segmenter
from tests.batch.builders import batch, damage, fingerprint, name, times_done, write_scan
from tests.workflow.builders import RuleSegmenter
from tests.workflow.trial_builders import hurry


def cases(count: int) -> list[BatchCase]:
    return [BatchCase(f"c{n}", f"study 1.2.{n} of P{n}", Path(f"/scans/{n}")) for n in range(count)]


def run(
    scans: Path, out: Path, shard: str, segmenter: Segmenter | None = None, **options: Any
) -> BatchResult:
    share = Shard.parse(shard)
    settings = options.pop("settings", None)
    request = BatchRequest((scans,), shard_folder(out, share), shard=share)
    return run_batch(request, segmenter or RuleSegmenter(), settings=settings, watch=BatchWatch(**options))


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "summary.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def told(result: MergeResult) -> str:
    return "; ".join(result.remarks)


@pytest.fixture(scope="module")
def divided_once(four_scans: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("divided") / "out"
    with pytest.MonkeyPatch.context() as patch:
        hurry(patch)
        for number in (1, 2, 3):
            run(four_scans, out, f"{number}/3")
    return out


@pytest.fixture
def divided(divided_once: Path, out: Path) -> Path:
    """Four scans in three shards; a test may change it."""
    return shutil.copytree(divided_once, out)


@pytest.mark.parametrize("number", [1, 2, 3, 7, 50])
def test_shares_are_disjoint_complete_and_independent_of_order(number: int) -> None:
    listed = cases(40)
    shares = [share_of(listed, Shard(k, number)) for k in range(1, number + 1)]
    taken = [case.identity for share in shares for case in share.cases]
    assert sorted(taken) == sorted(case.identity for case in listed)
    assert len({share.list_sha256 for share in shares}) == 1
    random.Random(1).shuffle(listed)
    for share in shares:
        again = share_of(listed, share.shard)
        assert {case.identity for case in again.cases} == {case.identity for case in share.cases}
        assert again.list_sha256 == share.list_sha256


def test_a_scan_stays_in_its_share_when_others_come() -> None:
    before, after = (share_of(cases(count), Shard(2, 3)) for count in (20, 40))
    assert {case.identity for case in before.cases} <= {case.identity for case in after.cases}
    assert before.list_sha256 != after.list_sha256


def test_shares_are_about_equal() -> None:
    sizes = [len(share_of(cases(1000), Shard(k, 10)).cases) for k in range(1, 11)]
    assert min(sizes) > 60
    assert max(sizes) < 140


def test_names_are_unique_over_all_shares() -> None:
    same = [replace(case, case_id="P1_20200401") for case in cases(9)]
    named = [case.case_id for k in (1, 2, 3) for case in share_of(same, Shard(k, 3)).cases]
    assert sorted(named) == sorted(["P1_20200401", *(f"P1_20200401_{n}" for n in range(2, 10))])


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "", "1/4/2", "-1/4", "1/-4"])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="shard"):
        Shard.parse(text)


def test_rows_of_other_shards_are_not_read(
    four_scans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lesionseg.dicom

    names = [f"scan{number}" for number in range(1, 5)]
    table = tmp_path / "scans.csv"
    lines = [f"{four_scans / f'P00{number}'},scan{number}" for number in range(1, 5)]
    table.write_text("\n".join(["path,id", *lines, ""]))
    read: list[str] = []
    real = lesionseg.dicom.index_folder

    def counted(root: Path) -> Any:
        read.append(root.name)
        return real(root)

    monkeypatch.setattr("lesionseg.dicom.index_folder", counted)
    shares = {k: list_cases((table,), shard=Shard(k, 2)) for k in (1, 2)}
    assert sorted(case.case_id for work in shares.values() for case in work.cases) == names
    assert sorted(read) == ["P001", "P002", "P003", "P004"]
    assert shares[1].share.list_sha256 == shares[2].share.list_sha256
    assert shares[1].share.scans_in_all == 4


def test_merged_results_are_those_of_an_undivided_batch(
    four_scans: Path, divided: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    undivided = batch(four_scans, whole).manifest
    result = merge_shards(divided)
    assert result.complete
    merged = rows(divided)
    for row in merged:
        shards, shard, case_folder = row["case_folder"].split("/", 2)
        assert (shards, Shard.of_folder(shard).of) == ("shards", 3)
        assert (divided / row["case_folder"] / "labels.nii.gz").is_file()
        row["case_folder"] = case_folder
    assert merged == rows(whole)
    tables = [pyarrow.parquet.read_table(place / "summary.parquet") for place in (divided, whole)]
    assert tables[0].schema == tables[1].schema
    assert tables[0].drop(["case_folder"]) == tables[1].drop(["case_folder"])
    assert [{**case, "shard": ""} for case in result.manifest["cases"]] == [
        {**case, "shard": ""} for case in undivided["cases"]
    ]
    for key in ("lesionseg", "inputs", "settings", "model", "counts", "left_over", "finished"):
        assert result.manifest[key] == undivided[key], key


def test_links_of_the_merged_index_lead_somewhere(divided: Path) -> None:
    import re

    merge_shards(divided)
    page = (divided / "index.html").read_text(encoding="utf-8")
    links = [link for link in re.findall(r'href="([^"#]+)"', page) if link.startswith("shards/")]
    assert len(set(links)) == 4
    assert all((divided / link).is_file() for link in links)
    assert "Not the whole batch" not in page


def test_merging_again_changes_nothing(divided: Path) -> None:
    merge_shards(divided)
    before = {path.name: path.read_bytes() for path in divided.iterdir() if path.is_file()}
    merge_shards(divided)
    assert {path.name: path.read_bytes() for path in divided.iterdir() if path.is_file()} == before


def test_a_missing_shard_is_said(divided: Path) -> None:
    lost = next(shard for shard in shards_in(divided) if rows(divided / "shards" / shard.folder_name))
    held = [row["case"] for row in rows(divided / "shards" / lost.folder_name)]
    shutil.rmtree(divided / "shards" / lost.folder_name)
    result = merge_shards(divided)
    assert not result.complete
    assert f"shard {lost} was not begun" in told(result)
    assert result.manifest["finished"] is False
    assert result.manifest["scans_in_all"] == 4
    assert {row["case"] for row in rows(divided)}.isdisjoint(held)
    assert f"shard {lost} was not begun" in (divided / "index.html").read_text(encoding="utf-8")


def test_a_stopped_shard_is_said_and_its_next_run_completes_it(four_scans: Path, out: Path) -> None:
    full = max((Shard(k, 2) for k in (1, 2)), key=lambda s: len(list_cases((four_scans,), shard=s).cases))
    other = Shard(3 - full.number, 2)
    run(four_scans, out, str(other))
    stop = threading.Event()

    def observer(event: BatchEvent, tally: Tally) -> None:
        if event.kind == "listed":
            stop.set()

    assert run(four_scans, out, str(full), observer=observer, stop=stop).stopped
    result = merge_shards(out)
    assert f"shard {full} ended before all of its" in told(result)
    assert not result.complete
    assert {row["state"] for row in rows(out)} >= {"pending"}
    run(four_scans, out, str(full))
    assert merge_shards(out).complete
    counted = [times_done(out / "shards" / shard.folder_name) for shard in shards_in(out)]
    assert {times for shard in counted for times in shard.values()} == {1}


def test_a_killed_shard_is_said(divided: Path) -> None:
    folder = divided / "shards" / "2-of-3"
    manifest = json.loads((folder / "manifest.json").read_text())
    begun = {key: manifest[key] for key in ("format", "lesionseg", "settings", "model", "shard")}
    (folder / "manifest.json").write_text(json.dumps({**begun, "finished": False}))
    assert "shard 2/3 ended before" in told(merge_shards(divided))


def test_a_shard_at_work_is_left_alone_and_said(divided: Path) -> None:
    with own_folder(divided / "shards" / "1-of-3"):
        result = merge_shards(divided)
    assert "shard 1/3 is at work" in told(result)
    assert [part.state for part in result.parts] == ["at-work", "finished", "finished"]
    assert merge_shards(divided).complete


def test_a_failed_scan_stands_in_the_merged_summary(scans: Path, out: Path) -> None:
    damage(write_scan(scans, "P004"))
    for number in (1, 2):
        run(scans, out, f"{number}/2")
    result = merge_shards(out)
    assert result.remarks == ()
    assert not result.complete
    assert [row["case"] for row in rows(out) if row["state"] == "failed"] == [name("P004")]


def test_shards_of_different_lists_are_said(scans: Path, out: Path) -> None:
    run(scans, out, "1/2")
    write_scan(scans, "P009")
    run(scans, out, "2/2")
    assert "different lists of scans" in told(merge_shards(out))
    run(scans, out, "1/2")
    assert merge_shards(out).complete


def test_shards_of_different_models_are_not_mixed(four_scans: Path, out: Path) -> None:
    run(four_scans, out, "1/2")
    run(four_scans, out, "2/2", RuleSegmenter(bundle_name="rule 2"))
    with pytest.raises(ConfigurationError, match="same model"):
        merge_shards(out)
    assert not (out / "summary.csv").exists()
    run(four_scans, out, "1/2", RuleSegmenter(bundle_name="rule 2"))
    assert merge_shards(out).complete


def test_another_number_of_shards_is_refused(divided: Path) -> None:
    with pytest.raises(OutputExistsError, match="divided in another way"):
        shard_folder(divided, Shard(1, 4))
    shutil.copytree(divided / "shards" / "1-of-3", divided / "shards" / "1-of-4")
    with pytest.raises(ConfigurationError, match="several ways"):
        merge_shards(divided)


def test_divided_and_undivided_batches_do_not_share_a_folder(four_scans: Path, out: Path) -> None:
    batch(four_scans, out)
    before = fingerprint(out)
    with pytest.raises(OutputExistsError, match="no divided batch"):
        shard_folder(out, Shard(1, 2))
    assert fingerprint(out) == before
    run(four_scans, out.with_name("shards"), "1/2")
    with pytest.raises(OutputExistsError, match="not an earlier batch"):
        batch(four_scans, out.with_name("shards"))


def test_somebodys_files_are_not_merged_over(divided: Path) -> None:
    (divided / "summary.csv").write_text("mine")
    with pytest.raises(OutputExistsError, match="no merge has written"):
        merge_shards(divided)
    assert (divided / "summary.csv").read_text() == "mine"


def test_a_folder_without_shards_is_refused(out: Path) -> None:
    with pytest.raises(InputNotFoundError, match="no shards"):
        merge_shards(out)


def test_an_undivided_batch_is_no_shard(four_scans: Path, out: Path) -> None:
    batch(four_scans, out / "shards" / "1-of-1")
    with pytest.raises(OutputExistsError, match="not this shard"):
        merge_shards(out)


def test_a_share_without_scans_is_done(scans: Path, out: Path) -> None:
    segmenter = RuleSegmenter()
    empty = next(k for k in range(1, 40) if not list_cases((scans,), shard=Shard(k, 40)).cases)
    result = run(scans, out, f"{empty}/40", segmenter)
    assert result.complete
    assert segmenter.calls == 0
    folder = out / "shards" / f"{empty}-of-40"
    assert rows(folder) == []
    assert "lesion_ml" in (folder / "summary.csv").read_text()
    assert pyarrow.parquet.read_table(folder / "summary.parquet").num_rows == 0


def test_scans_of_one_name_that_came_on_different_days_keep_a_row_each(tmp_path: Path, out: Path) -> None:
    """Names are given over the list of the day, so two shards may come to give the same one."""
    first, later = tmp_path / "b" / "P001", tmp_path / "a" / "P001"
    write_scan(first.parent, "P001")
    (old,) = list_cases((first,)).cases
    home = next(k for k in (1, 2) if Shard(k, 2).holds(old.identity))
    run(first, out, f"{home}/2")
    for entropy in range(20):
        shutil.rmtree(later, ignore_errors=True)
        write_scan(later.parent, "P001", entropy=str(entropy))
        (new,) = list_cases((later,)).cases
        if not Shard(home, 2).holds(new.identity):
            break
    for number in (1, 2):
        request = BatchRequest((later, first), shard_folder(out, Shard(number, 2)), shard=Shard(number, 2))
        run_batch(request, RuleSegmenter())
    assert [path.name for path in out.glob("shards/*/cases/*")] == [name("P001")] * 2
    assert merge_shards(out).complete
    assert [row["case"] for row in rows(out)] == [name("P001"), f"{name('P001')}_2"]
    assert len({row["case_folder"] for row in rows(out)}) == 2
