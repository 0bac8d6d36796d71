"""Do both inference runtimes give the same labels? Torch in eager mode against OpenVINO, over real scans.

    .venv/bin/python scripts/runtimes_agree.py --data ../shared/data --json runtimes.json
    .venv/bin/python scripts/runtimes_agree.py --data ../shared/data --scans ct-64Dicom lungdx-A0002_8mm

Both run on the processor with the same bundle and windows, the whole way from volume to label map: torch in
32-bit floats, OpenVINO as `lesionseg` runs it, in bfloat16 where the processor has instructions for it. Equal
labels are counted among the voxels that either runtime calls lung. Prints a Markdown table; exit code 1 where
a scan has less than 99.9 % equal labels, or a proportion that differs by more than 0.1 percentage points, or
where a scan could not be run or none was found. A scan in which both find no lung is listed and not judged.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lesionseg.core.errors import LesionSegError
from lesionseg.core.provenance import package_versions
from lesionseg.segmentation import Segmenter, open_segmenter
from lesionseg.volume import LabelMap
from lesionseg.workflow.loading import load_volume

TORCH, OPENVINO = "torch", "openvino"
LEAST_EQUAL_PCT = 99.9
LARGEST_DIFFERENCE_POINTS = 0.1
_FOLDERS = ("ct", "dicom-traps/cip-ct64-series/ct-64Dicom")
_VOLUMES = "ct-1p5mm/*_ct.nii.gz"


@dataclass(frozen=True)
class Agreement:
    """One scan by both runtimes.

    Attributes
    ----------
    scan : str
    lung_voxels : int
        That either runtime calls lung.
    equal_pct : float or None
        Share of these with equal labels; None without lung.
    lesion_pct, solid_pct : (float or None, float or None)
        Proportion of the lung by torch and by OpenVINO; None without lung.
    """

    scan: str
    lung_voxels: int
    equal_pct: float | None
    lesion_pct: tuple[float | None, float | None]
    solid_pct: tuple[float | None, float | None]

    @property
    def difference_points(self) -> float | None:
        """The larger of the two proportions' differences; None where only one runtime found lung."""
        pairs = (self.lesion_pct, self.solid_pct)
        if any(None in pair for pair in pairs):
            return None
        return max(abs(first - second) for first, second in pairs)  # type: ignore[operator]

    @property
    def judged(self) -> bool:
        return self.lung_voxels > 0

    @property
    def holds(self) -> bool:
        """Both limits kept; without lung in either there is nothing to disagree on."""
        if not self.judged:
            return True
        difference = self.difference_points
        return (
            self.equal_pct is not None
            and self.equal_pct >= LEAST_EQUAL_PCT
            and difference is not None
            and difference <= LARGEST_DIFFERENCE_POINTS
        )


def find_scans(data: Path) -> dict[str, Path]:
    """Every scan below the data folder, by name: DICOM folders and volume files."""
    folders = [data / name for name in _FOLDERS]
    found = [path for path in folders[0].glob("*") if path.is_dir()]
    found += [path for path in folders[1:] if path.is_dir()]
    found += data.glob(_VOLUMES)
    return {path.name.removesuffix("_ct.nii.gz"): path for path in sorted(found)}


def compare(scan: str, first: LabelMap, second: LabelMap) -> Agreement:
    """Compare two label maps of one scan, by torch and by OpenVINO."""
    lung = first.lung | second.lung
    voxels = int(np.count_nonzero(lung))
    equal = int(np.count_nonzero((first.labels == second.labels) & lung))
    return Agreement(
        scan,
        voxels,
        100 * equal / voxels if voxels else None,
        (_proportion_pct(first.lesion, first.lung), _proportion_pct(second.lesion, second.lung)),
        (_proportion_pct(first.solid, first.lung), _proportion_pct(second.solid, second.lung)),
    )


def _proportion_pct(part: np.ndarray, lung: np.ndarray) -> float | None:
    whole = int(np.count_nonzero(lung))
    return 100 * int(np.count_nonzero(part)) / whole if whole else None


def agree_on(name: str, path: Path, segmenters: Mapping[str, Segmenter]) -> Agreement:
    """Segment one scan with both, one after the other."""
    volume = load_volume(path)
    return compare(name, *(segmenters[runtime].segment(volume) for runtime in (TORCH, OPENVINO)))


def table(found: list[Agreement]) -> str:
    """As Markdown, a row a scan."""
    lines = [
        "| scan | lung voxels | equal labels % | lesion % (torch, OpenVINO) | solid % (torch, OpenVINO) |"
        " differ by points | holds |",
        "|---|---:|---:|---|---|---:|---|",
    ]
    for one in found:
        pairs = [", ".join(_figure(value, 3) for value in pair) for pair in (one.lesion_pct, one.solid_pct)]
        holds = ("yes" if one.holds else "**no**") if one.judged else "no lung"
        lines.append(
            f"| {one.scan} | {one.lung_voxels} | {_figure(one.equal_pct, 4)} | {' | '.join(pairs)} | "
            f"{_figure(one.difference_points, 4)} | {holds} |"
        )
    return "\n".join(lines)


def _figure(value: float | None, digits: int) -> str:
    return "none" if value is None else f"{value:.{digits}f}"


def as_json(found: list[Agreement], segmenters: Mapping[str, Segmenter]) -> dict[str, object]:
    voxels = sum(one.lung_voxels for one in found)
    differing = sum(one.lung_voxels * (1 - (one.equal_pct or 0) / 100) for one in found if one.judged)
    return {
        "bundle": segmenters[TORCH].bundle_name,
        "runtimes": {runtime: segmenters[runtime].runtime for runtime in (TORCH, OPENVINO)},
        "versions": package_versions(("lesionseg", "torch", "openvino", "numpy")),
        "limits": {"equal_pct": LEAST_EQUAL_PCT, "difference_points": LARGEST_DIFFERENCE_POINTS},
        "scans": len(found),
        "holds": passed(found),
        "equal_pct_of_all_voxels": 100 * (1 - differing / voxels) if voxels else None,
        "equal_pct_least": min((one.equal_pct for one in found if one.equal_pct is not None), default=None),
        "difference_points_largest": max(
            (one.difference_points for one in found if one.difference_points is not None), default=None
        ),
        "rows": [
            {**asdict(one), "difference_points": one.difference_points, "holds": one.holds} for one in found
        ],
    }


def passed(found: list[Agreement]) -> bool:
    """All hold, and at least one was judged."""
    return any(one.judged for one in found) and all(one.holds for one in found)


def main() -> int:
    options = _options()
    scans = find_scans(options.data)
    unknown = sorted(set(options.scans or ()) - set(scans))
    if unknown or not scans:
        print(f"not below {options.data}: {', '.join(unknown) or 'any scan'}", file=sys.stderr)
        return 1
    scans = {name: path for name, path in scans.items() if not options.scans or name in options.scans}
    segmenters = {
        runtime: open_segmenter(options.model, device="cpu", runtime=runtime, threads=options.threads)
        for runtime in (TORCH, OPENVINO)
    }
    found, failed = [], []
    for name, path in scans.items():
        try:
            found.append(agree_on(name, path, segmenters))
        except LesionSegError as error:
            failed.append(name)
            print(f"{name}: {error}", file=sys.stderr)
            continue
        print(table(found[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
        if options.json:
            options.json.write_text(json.dumps(as_json(found, segmenters), indent=1) + "\n", encoding="utf-8")
    print(table(found))
    return int(bool(failed) or not passed(found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds ct, ct-1p5mm, dicom-traps"
    )
    parser.add_argument("--scans", nargs="*", help="names of scans; all if left out")
    parser.add_argument("--model", help="bundle; the default one if left out")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path, help="rewritten after every scan")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
