"""The tables of docs/performance.md, each from JSON files that benchmarks wrote; see performance_table.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOT_MEASURED = "not measured"
BUSY = "**The machine was busy: read ratios of these seconds with care, and nothing else of them.**"
_GROWTH = (100, 300, 600)
_CASE = "case-P001"
_FAULTS = {
    "damaged": "one in ten damaged: it alone fails, with code and patient; mended, it alone is done",
    "disk_full": "disk full in mid-run: said, what is called done is whole, the rest is done with more room",
    "read_only": "read-only results: refused before any work, nothing changed",
}


@dataclass(frozen=True)
class Results:
    """JSON files of one folder, by name; what is not there was not measured."""

    folder: Path

    def get(self, name: str) -> dict[str, Any] | None:
        path = self.folder / f"{name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def measured_on(self, name: str) -> str:
        """Say which machine a file's figures were taken on: as it says itself, or as its run recorded."""
        facts = (self.get(name) or {}).get("machine") or self.get(f"{name}.machine")
        if facts is None:
            return "The machine was not recorded."
        where = f"{facts['cpu']}, {facts['cpus']} cores, {facts['memory_gib']} GiB"
        return f"Measured on {where}." + ("" if facts["quiet"] else f" {BUSY}")


def figure(value: object, digits: int = 1) -> str:
    """Write a number, or that there is none."""
    if not isinstance(value, (int, float)):
        return NOT_MEASURED
    return f"{value:.{digits}f}"


def rows(head: tuple[str, ...], body: list[tuple[str, ...]]) -> str:
    """Lay out Markdown; every column but the first is a number."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join(lines + ["| " + " | ".join(cells) + " |" for cells in body])


def expect(results: Results) -> str:
    """What each kind of user can count on."""
    case, ray = results.get(_CASE) or {}, results.get("ray") or {}
    peers = results.get("segmentation") or {}
    times = {
        row["runtime"]: row.get("times_of_lesionseg")
        for row in peers.get("rows", ())
        if row["name"].startswith("lungmask")
    }
    cpus = f"{case.get('cpus', 2)} cores, no GPU"
    two = ray.get("speedup_1_to_2_workers")
    body = [
        (f"laptop: {cpus}, 148 slices", figure(case.get("case_wall_s")), figure(case.get("peak_gib"), 2)),
        ("workstation: 8 cores or more, no GPU", NOT_MEASURED, NOT_MEASURED),
        ("workstation: one NVIDIA GPU", NOT_MEASURED, NOT_MEASURED),
    ]
    table = rows(("machine", "seconds a scan", "peak memory, GiB"), body)
    return (
        f"{table}\n\n{results.measured_on(_CASE)}\n\n"
        f"Cluster: throughput with two workers of one core against one, times: {figure(two, 2)}.\n"
        "lungmask's R231, lungs alone, takes longer than this whole case by a factor of: "
        f"{figure(times.get('torch'))} as its package runs it, "
        f"{figure(times.get('openvino'))} with its network moved to OpenVINO."
    )


def stages(results: Results) -> str:
    """Where the time of one case goes."""
    found = results.get(_CASE)
    if found is None:
        return NOT_MEASURED
    walls = sorted(found["stages_wall_s"].items(), key=lambda item: -item[1])
    body = [(name, figure(wall, 2), figure(found["stages_cpu_s"][name], 2)) for name, wall in walls]
    whole = ("**whole case**", figure(found["case_wall_s"], 2), figure(found["case_cpu_s"], 2))
    table = rows(("stage", "seconds", "processor seconds"), [*body, whole])
    return f"{table}\n\n{found['bundle']}, {found['runtime']}. {results.measured_on(_CASE)}"


def growth(results: Results) -> str:
    """How a case grows with its slices."""
    body, name = [], ""
    for slices in _GROWTH:
        found = results.get(f"case-phantom-{slices}") or {}
        wall = found.get("case_wall_s")
        name = f"case-phantom-{slices}" if found else name
        body.append(
            (
                f"{slices} x 512 x 512",
                figure(wall),
                figure(1000 * wall / slices if wall else None, 0),
                figure(found.get("peak_gib"), 2),
                figure(found.get("stages_wall_s", {}).get("network")),
            )
        )
    head = ("phantom of 300 mm", "seconds", "ms a slice", "peak memory, GiB", "of these in the network, s")
    return rows(head, body) + (f"\n\n{results.measured_on(name)}" if name else "")


def batch(results: Results) -> str:
    """How cost grows with scans: memory, then throughput."""
    parts = (_batch_memory(results), _batch_throughput(results))
    return (
        "\n\n".join(part for part in parts if part)
        or f"Throughput and memory over many scans: {NOT_MEASURED}."
    )


def _batch_memory(results: Results) -> str:
    found = results.get("batch-memory")
    if found is None:
        return ""
    body = [
        ("scans, and their shape", _scans(found)),
        ("peak memory of each tenth of the scans, MiB", ", ".join(map(str, found["peak_mib_by_tenths"]))),
        ("growth of memory, MiB a scan", figure(found["growth_mib_per_scan"], 3)),
    ]
    table = rows(("memory of a batch, tiny network", "figure"), body)
    return f"![Memory against scans done](images/batch-memory.png)\n\n{table}"


def _batch_throughput(results: Results) -> str:
    found = results.get("batch-throughput")
    if found is None:
        return ""
    body = [
        ("scans, and their shape", _scans(found)),
        ("seconds a scan", figure(found["batch_seconds"] / found["scans"], 2)),
        ("throughput against a plain loop over the same scans, times", figure(found["throughput_ratio"], 2)),
        ("case files equal to those of the loop", _yes(found["same_case_files"])),
    ]
    table = rows(("batch on one machine, shipped network", "figure"), body)
    return f"{table}\n\n{results.measured_on('batch-throughput')}"


def _scans(found: dict[str, Any]) -> str:
    return f"{found['scans']} of {' x '.join(map(str, found['shape']))}"


def trials(results: Results) -> str:
    """What a batch survives."""
    kills, faults = results.get("batch-kills"), results.get("batch-faults")
    body = []
    if kills:
        body += [
            (
                f"{kills['scans']} scans, killed {kills['kills']} times: each done once",
                _yes(kills["each_done_once"]),
            ),
            ("the same bytes as an undisturbed run", _yes(kills["same_bytes"])),
        ]
    if faults:
        tried = {name: text for name, text in _FAULTS.items() if name in faults}
        body += [
            (f"{faults['scans']} scans: {text}", _yes(faults[name]["good"])) for name, text in tried.items()
        ]
    return rows(("a batch in trouble", "found"), body) if body else NOT_MEASURED


def cluster(results: Results) -> str:
    """How throughput grows with workers."""
    found = results.get("ray")
    if found is None:
        return f"Throughput on Ray: {NOT_MEASURED}."
    body = [(name.replace("_", " "), figure(value, 2)) for name, value in found["scans_per_minute"].items()]
    ratio = figure(found["speedup_1_to_2_workers"], 2)
    table = rows(("engine, one core a worker", "scans a minute"), body)
    return f"{table}\n\nTwo workers against one: {ratio} times. {results.measured_on('ray')}"


def peers(results: Results) -> str:
    """Run against other networks on the same scan."""
    found = results.get("segmentation")
    if found is None:
        return NOT_MEASURED
    body = [
        (
            f"{row['name']} ({_runtime(row['runtime'])})" if "runtime" in row else row["name"],
            f"failed: {row['error'][-80:]}" if "error" in row else row["part"],
            figure(row.get("whole_s")),
            figure(row.get("times_of_lesionseg")),
            figure(row.get("peak_gib"), 2),
        )
        for row in found["rows"]
    ]
    table = rows(("what", "part that ran", "seconds", "times lesionseg", "peak memory, GiB"), body)
    threads = f"{found['scan']}, {found['scan_slices']} slices, {found['threads']} threads."
    return f"{table}\n\n{threads} {results.measured_on('segmentation')}"


def _runtime(name: str) -> str:
    return {"torch": "eager torch", "openvino": "OpenVINO"}.get(name, name)


def loaders(results: Results) -> str:
    """Read the same series with every reader."""
    found = results.get("loaders")
    if found is None:
        return NOT_MEASURED
    encodings = list(dict.fromkeys(row["encoding"] for row in found["rows"]))
    cells = {(row["reader"], row["encoding"]): _loader_cell(row) for row in found["rows"]}
    readers = dict.fromkeys(row["reader"] for row in found["rows"])
    survival = found.get("survival", {})
    body = [
        (name, *(cells.get((name, one), "") for one in encodings), _survived(name, survival))
        for name in readers
    ]
    head = ("seconds", *encodings, f"died, hung on {found['damaged_series']} damaged series")
    size = f"{found['slices']} slices of {found['matrix']} x {found['matrix']}, median of {found['repeats']}."
    verdict = "\n".join(_verdict_line(one) for one in found["verdicts"])
    versions = ", ".join(f"{name} {value}" for name, value in found["versions"].items())
    return (
        f"{rows(head, body)}\n\n{size} {results.measured_on('loaders')}\n\n{verdict}\n\nVersions: {versions}."
    )


def _loader_cell(row: dict[str, Any]) -> str:
    if "wall_s" not in row:
        return "refused"
    return figure(row["wall_s"], 2) + (f" (wrong: {row['fault']})" if row.get("fault") else "")


def _survived(name: str, survival: dict[str, dict[str, int]]) -> str:
    if name.startswith("floor"):
        return ""
    counts = survival.get(name)
    return f"{counts['crash']}, {counts['hang']}" if counts else NOT_MEASURED


def _verdict_line(one: dict[str, Any]) -> str:
    if one["seconds_ratio"] is None:
        return f"- {one['encoding']}: lesionseg did not read it"
    ratio = f"{one['seconds_ratio']:.2f} of the seconds of {one['against']}"
    return f"- {one['encoding']}: {ratio}, at most {one['limit']:g} wanted: {_yes(one['holds'])}"


def _yes(holds: object) -> str:
    return "holds" if holds else "**does not hold**"


def runtimes(results: Results) -> str:
    """Compare both runtimes over real scans."""
    found = results.get("runtimes")
    if found is None:
        return NOT_MEASURED
    limits = found["limits"]
    body = [
        (
            f"equal labels in the lungs, all voxels of {found['scans']} scans, %",
            figure(found["equal_pct_of_all_voxels"], 4),
            f"at least {limits['equal_pct']}",
        ),
        ("the same, worst scan, %", figure(found["equal_pct_least"], 4), f"at least {limits['equal_pct']}"),
        (
            "largest difference of a proportion, percentage points",
            figure(found["difference_points_largest"], 4),
            f"at most {limits['difference_points']}",
        ),
    ]
    table = rows(("OpenVINO against eager torch", "found", "wanted"), body)
    return f"{table}\n\n{found['bundle']}. In every scan: {_yes(found['holds'])}."


TABLES: dict[str, Callable[[Results], str]] = {
    "expect": expect,
    "stages": stages,
    "growth": growth,
    "batch": batch,
    "trials": trials,
    "cluster": cluster,
    "peers": peers,
    "loaders": loaders,
    "runtimes": runtimes,
}
