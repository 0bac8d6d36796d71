"""docs/performance.md says what the files of results say, and nothing else."""

import json

import pytest

from scripts.bench.performance_rows import BUSY, NOT_MEASURED, TABLES, Results
from scripts.bench.performance_table import PAGE, RESULTS, filled

MACHINE = {"cpu": "Some CPU", "cpus": 2, "memory_gib": 24, "quiet": True}
CASE = {
    "case_wall_s": 11.25, "case_cpu_s": 20.5, "peak_gib": 1.625, "cpus": 2,
    "bundle": "tiny 1", "runtime": "openvino 1",
    "stages_wall_s": {"read": 1.0, "network": 8.5}, "stages_cpu_s": {"read": 1.5, "network": 17.0},
}  # fmt: skip
LOADERS = {
    "machine": MACHINE, "slices": 300, "matrix": 512, "repeats": 2, "damaged_series": 200,
    "versions": {"SimpleITK": "2.5"},
    "rows": [
        {"reader": "lesionseg", "encoding": "RLE", "wall_s": 0.75, "fault": ""},
        {"reader": "SimpleITK", "encoding": "RLE", "wall_s": 11.5, "fault": "other values"},
        {"reader": "dcm2niix", "encoding": "RLE", "error": "no output"},
    ],
    "survival": {"lesionseg": {"read": 50, "refused": 150, "crash": 0, "hang": 0}},
    "verdicts": [
        {"encoding": "RLE", "against": "SimpleITK", "seconds_ratio": 1.5, "limit": 1.0, "holds": False}
    ],
}  # fmt: skip


def results(folder, **contents):
    for name, content in contents.items():
        (folder / f"{name.replace('__', '.').replace('_', '-')}.json").write_text(json.dumps(content))
    return Results(folder)


def test_the_page_is_what_the_files_say():
    page = PAGE.read_text(encoding="utf-8")
    assert filled(page, Results(RESULTS)) == page


def test_filling_again_changes_nothing(tmp_path):
    page = "".join(f"before\n<!-- table {name} -->\nold\n<!-- end {name} -->\n" for name in TABLES)
    once = filled(page, Results(tmp_path))
    assert "old" not in once
    assert filled(once, Results(tmp_path)) == once


@pytest.mark.parametrize("lost", ["<!-- table peers -->", "<!-- end peers -->"])
def test_a_table_without_its_place_is_an_error(tmp_path, lost):
    page = "".join(f"<!-- table {name} -->\n<!-- end {name} -->\n" for name in TABLES).replace(lost, "")
    with pytest.raises(ValueError, match="peers"):
        filled(page, Results(tmp_path))


def test_without_files_every_table_says_so(tmp_path):
    for make in TABLES.values():
        assert NOT_MEASURED in make(Results(tmp_path))


def test_figures_come_from_the_files(tmp_path):
    found = results(tmp_path, case_P001=CASE, case_P001__machine=MACHINE)
    assert "| laptop: 2 cores, no GPU, 148 slices | 11.2 | 1.62 |" in TABLES["expect"](found)
    assert "one NVIDIA GPU | not measured | not measured |" in TABLES["expect"](found)
    table = TABLES["stages"](found)
    assert table.index("| network | 8.50 | 17.00 |") < table.index("| read | 1.00 | 1.50 |")
    assert "Measured on Some CPU, 2 cores, 24 GiB." in table


def test_figures_of_a_busy_machine_are_marked(tmp_path):
    found = results(tmp_path, case_P001=CASE, case_P001__machine={**MACHINE, "quiet": False})
    assert BUSY in TABLES["stages"](found)
    (tmp_path / "case-P001.machine.json").unlink()
    assert "not recorded" in TABLES["stages"](found)


def test_growth_tells_each_size_and_what_is_missing(tmp_path):
    table = TABLES["growth"](results(tmp_path, case_phantom_300=CASE))
    assert "| 300 x 512 x 512 | 11.2 | 38 | 1.62 | 8.5 |" in table
    assert "| 600 x 512 x 512 | not measured |" in table


def test_readers_that_are_wrong_or_refuse_and_verdicts_that_fail_are_told(tmp_path):
    table = TABLES["loaders"](results(tmp_path, loaders=LOADERS))
    assert "| lesionseg | 0.75 | 0, 0 |" in table
    assert "| SimpleITK | 11.50 (wrong: other values) | not measured |" in table
    assert "| dcm2niix | refused |" in table
    assert "at most 1 wanted: **does not hold**" in table


def test_a_peer_that_failed_or_ran_in_part_is_told(tmp_path):
    rows = [
        {"name": "lesionseg", "whole_s": 10.0, "part": "all", "peak_gib": 1.5, "times_of_lesionseg": 1.0},
        {"name": "lungmask", "runtime": "torch", "whole_s": 200.0, "part": "40 of 148 slices run, scaled",
         "peak_gib": 2.5, "times_of_lesionseg": 20.0},
        {"name": "nnU-Net", "runtime": "openvino", "error": "killed", "part": "all"},
    ]  # fmt: skip
    content = {"machine": MACHINE, "scan": "P001", "scan_slices": 148, "threads": 2, "rows": rows}
    table = TABLES["peers"](results(tmp_path, segmentation=content))
    assert "| lungmask (eager torch) | 40 of 148 slices run, scaled | 200.0 | 20.0 | 2.50 |" in table
    assert "| nnU-Net (OpenVINO) | failed: killed | not measured |" in table


def test_memory_and_throughput_of_a_batch_are_told_apart(tmp_path):
    memory = {
        "scans": 300,
        "shape": [40, 96, 96],
        "peak_mib_by_tenths": [500, 510],
        "growth_mib_per_scan": 0.0123,
    }
    throughput = {"scans": 24, "shape": [80, 192, 192], "batch_seconds": 60.0, "throughput_ratio": 1.25,
                  "same_case_files": True}  # fmt: skip
    table = TABLES["batch"](results(tmp_path, batch_memory=memory))
    assert "| growth of memory, MiB a scan | 0.012 |" in table
    assert "times | 1.25 |" not in table
    table = TABLES["batch"](results(tmp_path, batch_memory=memory, batch_throughput=throughput))
    assert "| seconds a scan | 2.50 |" in table
    assert "over the same scans, times | 1.25 |" in table


def test_a_batch_that_lost_something_is_told(tmp_path):
    kills = {"scans": 60, "kills": 20, "each_done_once": True, "same_bytes": False}
    table = TABLES["trials"](
        results(tmp_path, batch_kills=kills, batch_faults={"scans": 60, "disk_full": {"good": True}})
    )
    assert "killed 20 times: each done once | holds |" in table
    assert "undisturbed run | **does not hold** |" in table
    assert "read-only" not in table
