"""How the case page writes a scan's measurements: table cells, figures, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lesionseg.reports.caption import UNUSUAL
from lesionseg.reports.validation.words import NOTHING, Cell, Writer, amount

REGION_NAMES = {
    "whole": "Both lungs",
    "right": "Right lung",
    "left": "Left lung",
    "apical": "Apical third, both lungs",
    "middle": "Middle third, both lungs",
    "basal": "Basal third, both lungs",
    "right_apical": "Right apical",
    "right_middle": "Right middle",
    "right_basal": "Right basal",
    "left_apical": "Left apical",
    "left_middle": "Left middle",
    "left_basal": "Left basal",
}
GROUPS = (
    ("Lungs", ("whole", "right", "left")),
    ("Thirds of the lungs' height", ("apical", "middle", "basal")),
    ("Zones", tuple(name for name in REGION_NAMES if "_" in name)),
)
_FIGURES = (
    "lung_ml", "lesion_ml", "lesion_proportion_pct", "non_solid_ml", "solid_ml", "solid_proportion_pct",
    "solid_fraction_pct",
)  # fmt: skip
_SEVERITY_BOXES = {"critical": "bad", "warning": "note"}
_SHORT_HASH = 12


@dataclass(frozen=True)
class RegionLine:
    """One line of the table of regions."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Remark:
    """A quality flag in words and the kind of box it stands in."""

    severity: str
    box: str
    sentence: str


def region_groups(measurements: Mapping[str, Any]) -> Iterator[tuple[str, list[RegionLine]]]:
    """Yield the table of regions in its groups: lungs, thirds, zones."""
    for title, names in GROUPS:
        yield title, [RegionLine(REGION_NAMES[name], tuple(_cells(measurements, name))) for name in names]


def remarks(flags: list[Mapping[str, Any]]) -> list[Remark]:
    """Write the quality flags, in the order given; a scan unlike the reference scans with its score."""
    found = []
    for flag in flags:
        sentence = str(flag["sentence"])
        if flag["code"] == UNUSUAL and flag["value"] is not None:
            sentence += f" Score {flag['value']:.1f} (reference scans: up to 1)."
        severity = str(flag["severity"])
        found.append(Remark(severity, _SEVERITY_BOXES.get(severity, "info"), sentence))
    return found


def headline(measurements: Mapping[str, Any], part: str) -> Cell:
    """Write the share of the lungs that `part` (``lesion`` or ``solid``) takes, with its interval."""
    name = f"{part}_proportion_pct"
    whole, sure = measurements["regions"]["whole"], measurements["confidence"]
    found = _cell(whole[name], amount, whole["missing"].get(name, ""))
    low, high = (sure[f"{part}_proportion_{end}_pct"] for end in ("low", "high"))
    if low is None or high is None:
        return found
    return Cell(found.text, f"{amount(low)} to {amount(high)}", found.reason)


def further_figures(measurements: Mapping[str, Any]) -> list[tuple[str, str, Cell]]:
    """List the other figures of the scan: name, unit, value or the reason why there is none."""
    density, dense = measurements["density"], measurements["dense_lesion"]
    pieces, severity, sure = (measurements[name] for name in ("components", "severity", "confidence"))
    threshold = f"{dense['threshold_hu']:g}".replace("-", "\N{MINUS SIGN}")
    lung, lesion = density["lung"], density["lesion"]
    return [
        ("Mean density of the lung, lesions included", "HU", _from(lung, "mean_hu", _whole)),
        ("Mean density of the lesion", "HU", _from(lesion, "mean_hu", _whole)),
        ("Mass of the lesion", "g", _cell(density["lesion_mass_g"], amount, "")),
        (f"Dense lesion, {threshold} HU and above after smoothing", "ml", _from(dense, "dense_lesion_ml")),
        ("Dense lesion, of the lung", "%", _from(dense, "dense_lesion_proportion_pct")),
        ("Separate lesions", "", _from(pieces, "lesion_component_count", _whole)),
        ("Largest lesion", "ml", _from(pieces, "largest_lesion_component_ml")),
        ("Six-zone severity score, 0 to 24", "", _from(severity, "six_zone_score_0_24", _whole)),
        ("Out-of-distribution score, reference scans up to 1", "", _from(sure, "ood_score")),
    ]


def provenance(manifest: Mapping[str, Any]) -> str:
    """Say in one line what made the figures, from what."""
    model = manifest["model"]
    parts = [f"lesionseg {manifest['lesionseg']}", f"labels by {model['bundle']}"]
    if "weights_sha256" in model:
        parts.append(f"weights {model['weights_sha256'][:_SHORT_HASH]}")
    parts += [
        f"{model['runtime']} on {model['device']}",
        f"input {manifest['input']['sha256'][:_SHORT_HASH]}",
        f"voxels {manifest['volume']['sha256'][:_SHORT_HASH]}",
    ]
    return " · ".join(parts)


def scan_line(manifest: Mapping[str, Any]) -> str:
    """Say in one line how the scan was taken; without the patient's name or number."""
    volume, series = manifest["volume"], manifest.get("source", {}).get("series", {})
    shape = " x ".join(str(length) for length in volume["shape"])
    spacing = " x ".join(f"{length:.2f}" for length in volume["spacing_mm"])
    parts = [f"{shape} voxels of {spacing} mm"]
    if date := series.get("study_date"):
        parts.insert(0, f"scanned {date[:4]}-{date[4:6]}-{date[6:]}" if len(date) == 8 else f"scanned {date}")
    known = volume.get("acquisition", {})
    parts += [f"{name} {known[key]}" for key, name in (("kernel", "kernel"), ("manufacturer", "by"))
              if known.get(key)]  # fmt: skip
    if uid := series.get("series_uid"):
        parts.append(f"series {uid}")
    return ", ".join(parts)


def _cells(measurements: Mapping[str, Any], name: str) -> Iterator[Cell]:
    region = measurements["regions"][name]
    for key in _FIGURES:
        part = key.removesuffix("_proportion_pct")
        if name == "whole" and part != key:
            yield headline(measurements, part)
        else:
            yield _cell(region[key], amount, region["missing"].get(key, ""))
    grade = measurements["severity"]["zone_grades_0_4"].get(name)
    yield Cell("" if grade is None else str(grade))


def _from(block: Mapping[str, Any], key: str, write: Writer = amount) -> Cell:
    return _cell(block[key], write, block.get("missing", {}).get(key, ""))


def _cell(value: float | None, write: Writer, reason: str) -> Cell:
    return Cell(NOTHING, reason=reason.replace("-", " ")) if value is None else Cell(write(value))


def _whole(value: float) -> str:
    return f"{value:,.0f}".replace("-", "\N{MINUS SIGN}")
