"""A machine that does not see what the others see is refused with path and remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lesionseg.batch.cases import BatchCase, FileSet
from lesionseg.batch.cluster.places import SAMPLES, Places, marked_places, refuse_unseen, with_full_paths
from lesionseg.core.errors import ClusterError


@pytest.fixture
def cases(tmp_path: Path) -> list[BatchCase]:
    files = [tmp_path / f"scan{number}.nii" for number in range(3)]
    for file in files:
        file.write_bytes(b"12345")
    return [BatchCase(file.name, file.name, file, FileSet.of([file])) for file in files]


@pytest.fixture
def cases_folder(tmp_path: Path) -> Path:
    return tmp_path / "out" / "cases"


def test_a_machine_that_sees_everything_leaves_no_trace(cases: list[BatchCase], cases_folder: Path) -> None:
    with marked_places(cases_folder, cases) as places:
        assert [size for _, size in places.samples] == [5, 5, 5]
        refuse_unseen(places, "node")
        assert [path.name for path in cases_folder.iterdir()] == [places.token.name]
    assert not list(cases_folder.iterdir())


def refused(places: Places) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        refuse_unseen(places, "node 7")
    assert "node 7" in caught.value.expected
    assert "Mount" in caught.value.remedy
    return caught.value


def test_a_scan_that_is_not_there_is_named(cases: list[BatchCase], cases_folder: Path) -> None:
    with marked_places(cases_folder, cases) as places:
        cases[1].path.unlink()
        error = refused(places)
    assert error.case == str(cases[1].path)
    assert error.found == "No such file or directory"


def test_another_scan_under_the_same_path_is_refused(cases: list[BatchCase], cases_folder: Path) -> None:
    with marked_places(cases_folder, cases) as places:
        cases[2].path.write_bytes(b"1234567")
        assert refused(places).found == "7 bytes instead of 5"


def test_results_that_are_not_there_are_refused(cases: list[BatchCase], cases_folder: Path) -> None:
    with marked_places(cases_folder, cases) as places:
        elsewhere = replace(places, token=cases_folder.parent / "nowhere" / places.token.name)
        assert "results" in refused(elsewhere).problem


def test_another_results_folder_under_the_same_path_is_refused(
    cases: list[BatchCase], cases_folder: Path
) -> None:
    with marked_places(cases_folder, cases) as places:
        assert "another folder" in refused(replace(places, word="something else")).found


def test_of_many_scans_some_are_looked_for(
    tmp_path: Path, cases: list[BatchCase], cases_folder: Path
) -> None:
    many = [replace(cases[0], case_id=str(number)) for number in range(1000)]
    with marked_places(cases_folder, many) as places:
        assert SAMPLES <= len(places.samples) <= 2 * SAMPLES


def test_paths_hold_in_every_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    case = BatchCase("A", "A", Path("a"), FileSet("a", ("1.dcm",)), FileSet("a", ("1.dcm", "2.dcm")))
    full = with_full_paths(case)
    assert full.path == tmp_path / "a"
    assert full.slices.paths == (tmp_path / "a" / "1.dcm", tmp_path / "a" / "2.dcm")
    assert Path(full.files.folder).is_absolute()
    assert with_full_paths(BatchCase("B", "B", Path("b"))).files == FileSet()
