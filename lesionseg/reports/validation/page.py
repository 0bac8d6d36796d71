"""The report of a validation: one HTML file that needs nothing else and no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lesionseg.reports.page import Picture, render_page, svg_uri
from lesionseg.reports.validation.plots import bland_altman_svg, scatter_svg
from lesionseg.reports.validation.words import (
    REGION_NAMES,
    STATUS_NAMES,
    Cell,
    amount,
    cell,
    pooled_cell,
    share,
    signed,
)
from lesionseg.volumetry.agreement import RegionAgreement
from lesionseg.volumetry.agreement.findings import NO_REFERENCE, Findings
from lesionseg.volumetry.agreement.results import BOTH_EMPTY

TEMPLATE = "validation.html"
_OPEN_REGION = "lesion"
_signed_amount = signed(amount)


@dataclass(frozen=True)
class PageSource:
    """Where a report's figures come from.

    Attributes
    ----------
    predictions, references : str
        As the user named them.
    version : str
        Of lesionseg.
    packages : mapping of str to str
        Versions of what it stands on.
    """

    predictions: str
    references: str
    version: str
    packages: Mapping[str, str]


@dataclass(frozen=True)
class CaseLine:
    """One line of a table of cases."""

    case: str
    empty: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class RegionSection:
    """What the page says about one region."""

    name: str
    cases: int
    both_empty: int
    overlap: tuple[Cell, ...]
    volume: tuple[Cell, ...]
    proportion: tuple[Cell, ...]
    plots: tuple[Picture, ...]
    lines: tuple[CaseLine, ...]
    open: bool


def write_validation_page(findings: Findings, path: Path, source: PageSource) -> None:
    """Write the report; the same findings give the same bytes.

    Parameters
    ----------
    findings : Findings
        With at least one compared case.
    path : Path
    source : PageSource
    """
    path.write_text(render_validation_page(findings, source), encoding="utf-8", newline="\n")


def render_validation_page(findings: Findings, source: PageSource) -> str:
    """Return the report as HTML; every name in it is escaped."""
    return render_page(TEMPLATE, _content(findings, source))


def _content(findings: Findings, source: PageSource) -> dict[str, Any]:
    sections = [_section(findings, region) for region in findings.settings.compared]
    lost = [left for left in findings.left_out if left.status != NO_REFERENCE]
    return {
        "source": source,
        "findings": findings,
        "sections": sections,
        "agreements": list(_agreement_tables(sections)),
        "lost": lost,
        "unreferenced": [left.case for left in findings.left_out if left.status == NO_REFERENCE],
        "statuses": STATUS_NAMES,
        "tolerance": f"{findings.settings.tolerance_mm:g}",
    }


def _agreement_tables(
    sections: list[RegionSection],
) -> Iterator[tuple[str, str, list[tuple[str, tuple[Cell, ...]]]]]:
    yield "Volume", "ml", [(section.name, section.volume) for section in sections]
    shares = [(section.name, section.proportion) for section in sections if section.proportion]
    if shares:
        yield "Proportion of the lung", "percentage points", shares


def _section(findings: Findings, region: str) -> RegionSection:
    found = {case.case: each for case in findings.compared for each in case.regions if each.region == region}
    with_proportion = any(each.proportion_error_points is not None for each in found.values())
    worst_first = sorted(found.items(), key=lambda item: _goodness(*item))
    return RegionSection(
        name=REGION_NAMES[region],
        cases=len(found),
        both_empty=sum(each.empty == BOTH_EMPTY for each in found.values()),
        overlap=_overlap(findings, region),
        volume=_agreement(findings, region, "volume_ml", "error_ml"),
        proportion=(
            _agreement(findings, region, "proportion_pct", "proportion_error_points")
            if with_proportion
            else ()
        ),
        plots=tuple(_plots(list(found.values()), with_proportion=with_proportion)),
        lines=tuple(_line(case, each, with_proportion=with_proportion) for case, each in worst_first),
        open=region == _OPEN_REGION or len(findings.settings.compared) == 1,
    )


def _goodness(case: str, found: RegionAgreement) -> tuple[bool, float, float, str]:
    return found.empty == BOTH_EMPTY, found.dice, found.surface_dice, case


def _overlap(findings: Findings, region: str) -> tuple[Cell, ...]:
    statistics = ("mean", "mean_non_empty", "median")
    return tuple(
        pooled_cell(findings.figure(region, measure, statistic), share)
        for measure in ("dice", "surface_dice")
        for statistic in statistics
    )


def _agreement(findings: Findings, region: str, pair: str, error: str) -> tuple[Cell, ...]:
    limits = tuple(
        pooled_cell(findings.figure(region, pair, name), _signed_amount)
        for name in ("bias", "lower_limit", "upper_limit")
    )
    absolute = pooled_cell(findings.figure(region, error, "median_absolute"), amount)
    correlations = tuple(
        pooled_cell(findings.figure(region, pair, name), share) for name in ("icc_agreement", "concordance")
    )
    return (*limits, absolute, *correlations)


def _line(case: str, found: RegionAgreement, *, with_proportion: bool) -> CaseLine:
    missing = found.missing
    cells = [
        cell(found.dice, share),
        cell(found.surface_dice, share),
        cell(found.prediction_ml, amount),
        cell(found.reference_ml, amount),
        cell(found.error_ml, _signed_amount),
        cell(found.error_pct, _signed_amount, missing.get("error_pct", "")),
    ]
    if with_proportion:
        for name, write in (
            ("prediction_proportion_pct", amount),
            ("reference_proportion_pct", amount),
            ("proportion_error_points", _signed_amount),
        ):
            cells.append(cell(getattr(found, name), write, missing.get(name, "")))
    return CaseLine(case, found.empty, tuple(cells))


def _plots(found: list[RegionAgreement], *, with_proportion: bool) -> Iterator[Picture]:
    volumes = [(each.prediction_ml, each.reference_ml) for each in found]
    yield from _pair_of_plots(volumes, "ml", "ml")
    if with_proportion:
        shares = [
            (each.prediction_proportion_pct, each.reference_proportion_pct)
            for each in found
            if each.prediction_proportion_pct is not None and each.reference_proportion_pct is not None
        ]
        yield from _pair_of_plots(shares, "% of the lung", "percentage points")


def _pair_of_plots(pairs: list[tuple[float, float]], unit: str, difference_unit: str) -> Iterator[Picture]:
    if len(pairs) < 2:
        return
    prediction, reference = zip(*pairs, strict=True)
    yield Picture(svg_uri(scatter_svg(prediction, reference, unit)), f"Prediction over reference, {unit}")
    yield Picture(
        svg_uri(bland_altman_svg(prediction, reference, unit, difference_unit)),
        f"Difference over mean of prediction and reference, {unit}, with bias and limits of agreement",
    )
