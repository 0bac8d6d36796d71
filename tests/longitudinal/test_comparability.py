from __future__ import annotations

from dataclasses import replace

import pytest

from lesionseg.longitudinal import ComparabilityLimits, Finding, ScanFacts, compare_scans
from lesionseg.longitudinal.comparability import flag_codes

BASE = ScanFacts(1.25, 5000.0, "B30f", "N", "Acme", "One")


def finding(check: str, baseline: ScanFacts = BASE, **changed) -> Finding:
    (found,) = [one for one in compare_scans(baseline, replace(baseline, **changed)) if one.check == check]
    return found


def test_equal_scans_compare_in_every_check() -> None:
    findings = compare_scans(BASE, BASE)
    assert [found.check for found in findings] == [
        "spacing", "kernel", "contrast", "scanner", "coverage", "inspiration"
    ]  # fmt: skip
    assert {(found.flag, found.severity) for found in findings} == {("comparable", "none")}
    assert not any(found.is_flagged for found in findings)
    assert all(found.sentence.endswith(".") for found in findings)


@pytest.mark.parametrize(
    ("spacing_mm", "severity"),
    [(1.25, "none"), (1.5, "none"), (1.6, "info"), (2.5, "warning"), (0.5, "warning")],
)
def test_slice_spacing_is_graded_by_its_ratio_in_both_directions(spacing_mm: float, severity: str) -> None:
    found = finding("spacing", slice_spacing_mm=spacing_mm)
    assert found.severity == severity
    assert found.value == pytest.approx(spacing_mm / 1.25)
    assert f"{spacing_mm:.2f} mm" in found.sentence


@pytest.mark.parametrize(
    ("kernel", "flag", "severity"),
    [
        ("B30f", "comparable", "none"),
        ("B40f", "kernel-differs", "info"),
        ("B60f", "kernel-class-differs", "warning"),
        ("mystery", "kernel-differs", "info"),
        ("", "kernel-unknown", "info"),
    ],
)
def test_kernels_are_compared_by_class(kernel: str, flag: str, severity: str) -> None:
    found = finding("kernel", kernel=kernel)
    assert (found.flag, found.severity) == (flag, severity)


@pytest.mark.parametrize(
    ("contrast", "flag", "severity"),
    [("Y", "contrast-differs", "warning"), ("n", "comparable", "none"), ("", "contrast-unknown", "info")],
)
def test_contrast_medium_is_compared(contrast: str, flag: str, severity: str) -> None:
    found = finding("contrast", contrast=contrast)
    assert (found.flag, found.severity) == (flag, severity)


def test_another_scanner_is_worth_knowing() -> None:
    found = finding("scanner", model="Two")
    assert (found.flag, found.severity) == ("scanner-differs", "info")
    assert "Acme Two" in found.sentence
    assert "Acme One" in found.sentence


@pytest.mark.parametrize(
    ("before", "after", "flag", "severity"),
    [
        ((), ("sharp-kernel",), "comparable", "none"),
        ((), ("cut-off-bottom",), "coverage-differs", "warning"),
        (("cut-off-top",), ("cut-off-bottom",), "coverage-differs", "warning"),
        (("cut-off-bottom",), ("cut-off-bottom",), "coverage-incomplete", "info"),
        ((), ("left-lung-missing",), "coverage-differs", "warning"),
    ],
)
def test_coverage_is_compared_by_the_flags_of_both_scans(before, after, flag: str, severity: str) -> None:
    found = finding("coverage", replace(BASE, flags=before), flags=after)
    assert (found.flag, found.severity) == (flag, severity)


@pytest.mark.parametrize(
    ("lung_ml", "severity"),
    [
        (5400, "none"),
        (5600, "info"),
        (6100, "warning"),
        (6600, "critical"),
        (4100, "warning"),
        (3500, "critical"),
    ],
)
def test_inspiration_is_graded_by_the_ratio_of_lung_volumes(lung_ml: float, severity: str) -> None:
    found = finding("inspiration", lung_ml=lung_ml)
    assert found.severity == severity
    assert found.value == pytest.approx(lung_ml / 5000)
    assert ("shallower" in found.sentence) == (lung_ml < 5000 and severity != "none")
    assert ("deeper" in found.sentence) == (lung_ml > 5000 and severity != "none")


def test_what_is_not_known_is_said() -> None:
    findings = compare_scans(BASE, ScanFacts())
    unknown = [found.flag for found in findings if found.flag.endswith("-unknown")]
    assert unknown == [
        f"{name}-unknown" for name in ("spacing", "kernel", "contrast", "scanner", "inspiration")
    ]
    assert all(found.value is None for found in findings)


def test_limits_can_be_set() -> None:
    strict = ComparabilityLimits(lung_info_ratio=1.01, lung_warning_ratio=1.02, lung_critical_ratio=1.03)
    found = compare_scans(BASE, replace(BASE, lung_ml=5200.0), strict)[-1]
    assert found.severity == "critical"


def test_flags_are_read_in_both_forms() -> None:
    assert flag_codes("cut-off-top contrast") == ("cut-off-top", "contrast")
    assert flag_codes("cut-off-top=warning; contrast=info") == ("cut-off-top", "contrast")
    assert flag_codes("") == ()
