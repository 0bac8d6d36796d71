"""A trial of invented patients in real chests: true against measured change, true against estimated effect.

    python -m scripts.evaluation.semi_synthetic_trial --data DATA --out OUT
    python -m scripts.evaluation.semi_synthetic_trial --data DATA --out OUT --model FOLDER --patients 2

Writes patients.csv (after every patient), estimates.csv and table.md. The lesions are synthetic, of the kind
that bundles learn from, in scans some of which the bundle was trained on: the figures say how well change is
followed when the scan changes between visits too, not how well real disease is found. A run that was broken
off goes on where it stopped, if bundle and patients are the same.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lesionseg.core.errors import LesionSegError
from lesionseg.core.files import write_text
from lesionseg.core.labels import Label
from lesionseg.segmentation import NetworkSegmenter, open_segmenter
from lesionseg.statistics.rank.rank_sum import rank_sum
from lesionseg.training.evaluation import ClearLungs
from lesionseg.volume import LabelMap
from lesionseg.volumetry import measure
from lesionseg.volumetry.agreement import bland_altman
from scripts.evaluation.inputs import Inputs
from scripts.evaluation.methods import say, source_of
from scripts.evaluation.semi_synthetic_patients import (
    BASELINE,
    DAY_28,
    TREATMENT,
    VISITS,
    Patient,
    PatientScan,
    clear_chest,
    draw_patients,
    only_judged,
    patient_scan,
)

SEED = 20201
REGIONS = {"lesion": "whole lesion", "solid": "solid component"}
TRUE, MEASURED = "true", "measured"
FAINT_BELOW_HU = 150.0
"""Of rise over clear lung: lesion that is missed below it is told apart from the rest that is missed."""
FATES = {
    "found": "found",
    "background": "taken for tissue outside the lung",
    "faint": f"taken for lung, less than {FAINT_BELOW_HU:g} HU denser than lung",
    "other": "taken for lung, denser",
}
"""What becomes of the true lesion; exclusive."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Compared:
    """One figure of one region: true against measured per patient, and the arms by each.

    Differences are measured minus true; effects are treatment minus control, Hodges-Lehmann with 95 %
    interval.
    """

    region: str
    figure: str
    unit: str
    patients: int
    bias: float
    sd: float
    lower: float
    upper: float
    true_effect: float | None = None
    true_low: float | None = None
    true_high: float | None = None
    measured_effect: float | None = None
    measured_low: float | None = None
    measured_high: float | None = None
    true_p: float | None = None
    measured_p: float | None = None


def main() -> int:
    options = parse_arguments()
    try:
        run(options)
    except LesionSegError as error:
        say(str(error))
        return 1
    return 0


def run(options: argparse.Namespace) -> None:
    segmenter = open_segmenter(options.model, device=options.device, threads=options.threads)
    source = source_of(segmenter.bundle)
    patients = draw_patients(options.patients, options.seed)
    path = options.out / "patients.csv"
    rows = earlier_rows(path, patients, source)
    known = {row["subject"] for row in rows}
    left = [patient for patient in patients if patient.subject not in known]
    for row in measured_patients(segmenter, Inputs(options.data), left):
        rows.append(row)
        write_text(path, as_csv(rows))
    kept = [row for row in rows if row["scan"] not in options.leave_out]
    compared = list(compare(kept))
    write_text(options.out / "estimates.csv", as_csv([asdict(one) for one in compared]))
    table = as_table(compared, source, len(kept)) + fates_table(fates_pct(kept))
    write_text(options.out / "table.md", table)
    print(table, end="")


def earlier_rows(path: Path, patients: Sequence[Patient], source: str) -> list[Row]:
    """Rows of an earlier run with the same bundle and the same patients; none where anything differs."""
    if not path.exists():
        return []
    with path.open(newline="") as stream:
        stored: list[Row] = list(csv.DictReader(stream))
    if stored and not stored[0].keys() >= {_fate_column(fate, name) for fate in FATES for name in VISITS}:
        return []
    seeds = {patient.subject: str(patient.seed) for patient in patients}
    return [row for row in stored if row["bundle"] == source and row["seed"] == seeds.get(row["subject"])]


def measured_patients(
    segmenter: NetworkSegmenter, inputs: Inputs, patients: Sequence[Patient]
) -> Iterator[Row]:
    """Yield one row for each patient, scan by scan, so that no chest is prepared twice."""
    chest: tuple[str, ClearLungs] | None = None
    for patient in sorted(patients, key=lambda one: one.scan.name):
        started = time.perf_counter()
        if chest is None or chest[0] != patient.scan.name:
            chest = (patient.scan.name, clear_chest(inputs, patient.scan))
        row = _described(patient, segmenter)
        for name in VISITS:
            scan = patient_scan(patient, chest[1], name)
            row |= _facts(patient, name, scan) | _shares(segmenter, scan, name)
        say(f"{patient.subject} {patient.scan.name}: {time.perf_counter() - started:.0f} s")
        yield row


def _described(patient: Patient, segmenter: NetworkSegmenter) -> Row:
    training = segmenter.bundle.metadata.training_data
    return {
        "subject": patient.subject,
        "seed": patient.seed,
        "arm": patient.arm,
        "scan": patient.scan.name,
        "trained_on": any(patient.scan.known_as in source.name for source in training),
        "bundle": source_of(segmenter.bundle),
        "zoom": round(patient.zoom, 4),
    }


def _facts(patient: Patient, name: str, scan: PatientScan) -> Row:
    visit = patient.visits[name]
    facts = {
        "slice_mm": scan.volume.geometry.spacing_mm[0],
        "stretch": visit.stretch,
        "blur_mm": visit.blur_mm,
        "noise_hu": visit.noise_hu,
    }
    return {f"{key} {name}": round(value, 3) for key, value in facts.items()}


def _shares(segmenter: NetworkSegmenter, scan: PatientScan, name: str) -> Row:
    """True and measured proportions of one visit."""
    found = only_judged(segmenter.segment(scan.volume), scan.judged)
    measured = measure(scan.volume, found).as_row()
    shares = _fates(scan, found, name)
    for region in REGIONS:
        shares[_column(TRUE, region, name)] = getattr(scan, f"{region}_pct")
        shares[_column(MEASURED, region, name)] = measured[f"{region}_proportion_pct"]
    return shares


def _fates(scan: PatientScan, found: LabelMap, name: str) -> Row:
    """Volumes of true lesion that are found and missed, ml."""
    true, labels = scan.lesion & scan.judged, found.labels
    missed_in_lung, faint = labels == Label.LUNG, scan.rise_hu < FAINT_BELOW_HU
    fates = {
        "found": true & (labels >= Label.NON_SOLID),
        "background": true & (labels == Label.BACKGROUND),
        "faint": true & missed_in_lung & faint,
        "other": true & missed_in_lung & ~faint,
    }
    voxel_ml = float(np.prod(scan.volume.geometry.spacing_mm)) / 1000.0
    return {_fate_column(fate, name): round(int(there.sum()) * voxel_ml, 3) for fate, there in fates.items()}


def _fate_column(fate: str, visit: str) -> str:
    return f"{fate}_lesion_ml {visit}"


def _column(kind: str, region: str, visit: str) -> str:
    return f"{kind}_{region}_pct {visit}"


# --- comparison -----------------------------------------------------------------------------------------


def compare(rows: Sequence[Row]) -> Iterator[Compared]:
    """Yield proportions at both visits, and both kinds of change with the arms' difference.

    A figure that fewer than two patients have is left out.
    """
    treated = np.array([row["arm"] == TREATMENT for row in rows])
    for region in REGIONS:
        shares = {
            (kind, visit): np.array([_number(row[_column(kind, region, visit)]) for row in rows])
            for kind in (TRUE, MEASURED)
            for visit in VISITS
        }
        for visit in VISITS:
            pair = {kind: shares[kind, visit] for kind in (TRUE, MEASURED)}
            yield from _compared(region, f"proportion, {visit}", "points", pair)
        changes = {kind: shares[kind, DAY_28] - shares[kind, BASELINE] for kind in (TRUE, MEASURED)}
        yield from _compared(region, "absolute change", "points", changes, treated)
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = {kind: 100 * changes[kind] / shares[kind, BASELINE] for kind in changes}
        yield from _compared(region, "relative change", "%", relative, treated)


def _number(value: Any) -> float:
    return float("nan") if value is None or value == "" else float(value)


def _compared(
    region: str, figure: str, unit: str, pair: dict[str, np.ndarray], treated: np.ndarray | None = None
) -> Iterator[Compared]:
    usable = np.isfinite(pair[TRUE]) & np.isfinite(pair[MEASURED])
    if usable.sum() < 2:
        return
    limits = bland_altman(pair[MEASURED][usable], pair[TRUE][usable])
    values = [float(one.value) for one in (limits.bias, limits.lower, limits.upper) if one.value is not None]
    found = Compared(region, figure, unit, limits.cases, values[0], limits.sd, *values[1:])
    yield found if treated is None else replace(found, **_arms_compared(pair, usable, treated))


def _arms_compared(pair: dict[str, np.ndarray], usable: np.ndarray, treated: np.ndarray) -> dict[str, Any]:
    """Effect, interval and P of the same patients by truth and by measurement."""
    figures: dict[str, Any] = {}
    for kind, values in pair.items():
        one = rank_sum(values[usable & treated], values[usable & ~treated])
        ends = {"effect": one.effect, "low": one.low, "high": one.high, "p": one.p_value}
        figures |= {f"{kind}_{name}": value for name, value in ends.items()}
    return figures


def fates_pct(rows: Sequence[Row]) -> dict[str, float]:
    """Share of each fate in the true lesion of all patients and visits together, %."""
    ml = {fate: sum(_number(row[_fate_column(fate, v)]) for row in rows for v in VISITS) for fate in FATES}
    return {fate: 100 * volume / sum(ml.values()) for fate, volume in ml.items()}


# --- results --------------------------------------------------------------------------------------------


def as_csv(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_table(compared: Sequence[Compared], source: str, patients: int) -> str:
    """Markdown: agreement per patient, then the arms' difference by truth and by measurement."""
    lines = [
        f"{patients} patients; bundle {source}.",
        "",
        "| region | figure | patients | bias | limits of agreement | SD |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {REGIONS[one.region]} | {one.figure}, {one.unit} | {one.patients} | {one.bias:+.2f} "
        f"| {one.lower:+.2f} to {one.upper:+.2f} | {one.sd:.2f} |"
        for one in compared
    ]
    lines += [
        "",
        "| region | figure | true difference of the arms | measured difference | true P | measured P |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {REGIONS[one.region]} | {one.figure}, {one.unit} "
        f"| {_effect(one.true_effect, one.true_low, one.true_high)} "
        f"| {_effect(one.measured_effect, one.measured_low, one.measured_high)} "
        f"| {_p(one.true_p)} | {_p(one.measured_p)} |"
        for one in compared
        if one.true_effect is not None
    ]
    return "\n".join(lines) + "\n"


def fates_table(shares_pct: dict[str, float]) -> str:
    """Markdown: what becomes of the true lesion."""
    lines = ["", "| true lesion, all visits together | % of its volume |", "|---|---|"]
    lines += [f"| {FATES[fate]} | {share:.1f} |" for fate, share in shares_pct.items()]
    return "\n".join(lines) + "\n"


def _effect(effect: float | None, low: float | None, high: float | None) -> str:
    if effect is None or low is None or high is None:
        return "none" if effect is None else f"{effect:+.2f}"
    return f"{effect:+.2f} ({low:+.2f} to {high:+.2f})"


def _p(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.evaluation.semi_synthetic_trial",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with ct-1p5mm")
    parser.add_argument("--out", type=Path, required=True, help="folder for the figures")
    parser.add_argument("--model", help="bundle, by name or folder; the shipped default if left out")
    parser.add_argument("--patients", type=int, default=20, help="half of them in each arm")
    parser.add_argument("--leave-out", nargs="+", default=[], metavar="SCAN", help="not in the tables")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
