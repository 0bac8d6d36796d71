"""Measure bundles and classical methods, row by row; see docs/accuracy.md.

    python -m scripts.evaluation --data DATA --out OUT
    python -m scripts.evaluation --data DATA --out OUT --rows 1,5 --methods default,threshold,mixture
    python -m scripts.evaluation --data DATA --out OUT --rows 6 --folds FOLDER --research-model FOLDER

OUT receives figures.csv, figures.json and table.md after every row.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from lesionseg.core.errors import LesionSegError
from lesionseg.core.provenance import package_versions
from lesionseg.segmentation import NetworkSegmenter, open_segmenter
from scripts.evaluation import (
    clear_lungs,
    contours,
    cost,
    expert_slices,
    output,
    overlays,
    repeatability,
    slice_labels,
    synthetic,
)
from scripts.evaluation.figures import Figure
from scripts.evaluation.inputs import Inputs
from scripts.evaluation.methods import DEFAULT, METHODS, RESEARCH, Bench, say

ROWS: dict[int, Callable[[Bench, Inputs], Iterator[Figure]]] = {
    synthetic.ROW: synthetic.figures,
    contours.ROW: contours.figures,
    clear_lungs.ROW: clear_lungs.figures,
    slice_labels.ROW: slice_labels.figures,
    expert_slices.ZERO_SHOT_ROW: expert_slices.zero_shot,
    expert_slices.CROSS_VALIDATED_ROW: expert_slices.cross_validated,
    overlays.ROW: overlays.figures,
    repeatability.ROW: repeatability.figures,
    cost.ROW: cost.figures,
}


def main() -> int:
    options = parse_arguments()
    try:
        return evaluate(options)
    except LesionSegError as error:
        say(str(error))
        return 1


def evaluate(options: argparse.Namespace) -> int:
    """Run the rows that were asked for; one that cannot be run is left out, and the exit code says so."""
    bench = open_bench(options)
    inputs = Inputs(options.data, options.cases, options.left_out_model, options.folds, options.pictures)
    earlier, runs = output.read_earlier(options.out)
    figures = output.without_stale(earlier, bench.sources)
    if len(figures) < len(earlier):
        say(f"{len(earlier) - len(figures)} figures of other bundles dropped from {options.out}")
    failed = []
    for row in options.rows:
        started = time.perf_counter()
        try:
            found = [_sourced(figure, bench) for figure in ROWS[row](bench, inputs)]
        except LesionSegError as error:
            say(f"row {row} left out: {error}")
            failed.append(row)
            continue
        figures = output.merged(figures, found)
        runs[str(row)] = how_run(options, time.perf_counter() - started)
        output.write(options.out, figures, runs)
        say(f"row {row}: {runs[str(row)]['seconds']} s")
    print(output.as_table(figures), end="")
    return 1 if failed else 0


def _sourced(figure: Figure, bench: Bench) -> Figure:
    return figure if figure.source else replace(figure, source=bench.sources[figure.method])


def how_run(options: argparse.Namespace, seconds: float) -> dict[str, Any]:
    """What a row's figures depend on beside the bundles."""
    return {
        "methods": options.methods,
        "cases": options.cases,
        "device": options.device,
        "seconds": round(seconds),
        "versions": package_versions(),
    }


def open_bench(options: argparse.Namespace) -> Bench:
    """Open the bundles that the methods need: one at least, to lend its lungs to the classical methods."""
    segmenters: dict[str, NetworkSegmenter] = {}
    models = {DEFAULT: options.model, RESEARCH: options.research_model}
    for name, model in models.items():
        needed = name in options.methods or (name == DEFAULT and RESEARCH not in options.methods)
        if needed and not (name == RESEARCH and model is None):
            segmenters[name] = open_segmenter(model, device=options.device, threads=options.threads)
    return Bench(segmenters, tuple(name for name in METHODS if name in options.methods))


def parse_rows(text: str) -> list[int]:
    """Rows from a list such as ``1,3-5``."""
    rows: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            rows += range(int(first), int(last or first) + 1)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"not a list of rows: {text}") from error
    if not rows or any(row not in ROWS for row in rows):
        raise argparse.ArgumentTypeError(f"rows are {', '.join(map(str, ROWS))}: {text}")
    return rows


def parse_methods(text: str) -> list[str]:
    """Methods from a comma-separated list."""
    names = [name.strip() for name in text.split(",")]
    if any(name not in METHODS for name in names):
        raise argparse.ArgumentTypeError(f"methods are {', '.join(METHODS)}: {text}")
    return names


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.evaluation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with ct, ct-1p5mm, covid-slices-2d")
    parser.add_argument("--out", type=Path, required=True, help="folder for the figures")
    parser.add_argument("--rows", type=parse_rows, default=[1, 2, 3, 4, 5, 8, 9], help="for instance 1,3-5")
    parser.add_argument("--methods", type=parse_methods, default=[DEFAULT], help=", ".join(METHODS))
    parser.add_argument("--model", help="the default bundle, if another than the shipped one")
    parser.add_argument("--research-model", help="folder or name of the research bundle")
    parser.add_argument("--left-out-model", type=Path, help="row 3: a bundle trained without the clear scans")
    parser.add_argument("--folds", type=Path, help="row 6: folder with the folds' bundles and folds.json")
    parser.add_argument("--pictures", type=Path, help="row 7: folder for overlays, outside any checkout")
    parser.add_argument("--cases", type=int, default=100, help="row 1: synthetic cases, half of each kind")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
