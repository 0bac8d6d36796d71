"""What a report rests on: hashes of plan and tables, versions, and the sources of its methods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from lesionseg.core.provenance import package_versions
from lesionseg.reports.trial.input import ReportInput
from lesionseg.reports.trial.table import Cell, Head, Table

_SOURCES = {
    "primary": (
        "Wilcoxon F. Individual comparisons by ranking methods. Biometrics Bulletin 1945;1:80-83.",
        "Hodges JL, Lehmann EL. Estimates of location based on rank tests. Ann Math Stat 1963;34:598-611.",
    ),
    "stratified": (
        "van Elteren PH. On the combination of independent two sample tests of Wilcoxon. Bull Int Stat Inst "
        "1960;37:351-361.",
    ),
    "repeated-measures": (
        "Mallinckrodt CH et al. Recommendations for the primary analysis of continuous endpoints in "
        "longitudinal clinical trials. Drug Inf J 2008;42:303-319.",
    ),
    "sensitivity:multiple-imputation": (
        "Rubin DB. Multiple Imputation for Nonresponse in Surveys. Wiley 1987.",
    ),
}
_COUNTED = (
    "Newcombe RG. Interval estimation for the difference between independent proportions. Stat Med "
    "1998;17:873-890.",
)
_MULTIPLICITY = {
    "holm": "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.",
    "fixed-sequence": "Maurer W, Hothorn LA, Lehmacher W. Multiple comparisons in drug clinical trials and "
    "preclinical assays: a-priori ordered hypotheses. Biometrie in der chemisch-pharmazeutischen "
    "Industrie 6, 1995.",
}


@dataclass(frozen=True)
class Provenance:
    """Hashes, versions and sources, ready for the page."""

    files: Table
    versions: str
    sources: tuple[str, ...]


def provenance(source: ReportInput) -> Provenance:
    """Gather what an auditor needs to repeat the report."""
    heads = (Head("Role", left=True), Head("File", left=True), Head("SHA-256", left=True, code=True))
    rows = dict.fromkeys(_files(source))
    return Provenance(
        Table(heads, tuple(tuple(Cell(part) for part in row) for row in rows)),
        ", ".join(f"{name} {number}" for name, number in _versions(source).items()),
        tuple(_sources(source.analysis)) if source.analysis else (),
    )


def _files(source: ReportInput) -> Iterator[tuple[str, str, str]]:
    """Name files without their folders, which belong to the machine and not to the trial."""
    manifest = source.change_manifest
    if source.plan.get("sha256"):
        yield "analysis plan", _name_in(manifest.get("plan")), str(source.plan["sha256"])
    for role, entry in (*_inputs(manifest), *_inputs(source.analysis or {})):
        yield role, _base_name(entry.get("path") or entry.get("file")), str(entry.get("sha256") or "")
    for file in source.files:
        yield "this report", file.name, file.sha256


def _inputs(origin: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield role and entry, from a mapping by role or from a list whose entries name theirs."""
    inputs = origin.get("inputs") or {}
    if isinstance(inputs, Mapping):
        yield from ((str(role), entry) for role, entry in inputs.items())
    else:
        yield from ((str(entry.get("role") or "input"), entry) for entry in inputs)


def _name_in(entry: object) -> str:
    if isinstance(entry, Mapping) and (entry.get("path") or entry.get("file")):
        return _base_name(entry.get("path") or entry.get("file"))
    return "plan"


def _base_name(path: object) -> str:
    return PurePath(str(path or "")).name


def _versions(source: ReportInput) -> dict[str, str]:
    found = {name: number for name, number in package_versions(("lesionseg",)).items() if name != "python"}
    for origin in (source.change_manifest, source.analysis or {}):
        versions = origin.get("versions") or origin.get("packages") or {}
        if isinstance(versions, Mapping):
            found |= {str(name): str(number) for name, number in versions.items()}
    return found


def _sources(analysis: Mapping[str, Any]) -> Iterator[str]:
    """Cite what was used, and nothing else."""
    used = {str(each.get("analysis")) for each in analysis.get("estimates", ())}
    for name, cited in _SOURCES.items():
        if name in used:
            yield from cited
    if analysis.get("responders") or analysis.get("adverse_events"):
        yield from _COUNTED
    rule = str(analysis.get("plan", {}).get("multiplicity"))
    if rule in _MULTIPLICITY:
        yield _MULTIPLICITY[rule]
