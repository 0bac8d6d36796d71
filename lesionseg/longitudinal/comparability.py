"""Whether a follow-up scan compares with its baseline: what differs, how much, and how far it matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lesionseg.core.kernels import KernelClass, kernel_class
from lesionseg.volumetry import Severity

NO_SEVERITY: Final = "none"
COMPARABLE: Final = "comparable"
_COVERAGE_PREFIX: Final = "cut-off-"
_COVERAGE_SUFFIX: Final = "-lung-missing"


@dataclass(frozen=True)
class ComparabilityLimits:
    """From where on a difference is flagged; all inclusive.

    Attributes
    ----------
    spacing_info_ratio, spacing_warning_ratio : float
        Larger over smaller distance between slices. Zhao et al. 2014 (Transl Oncol 7:88-93): slices of 1.25
        and 2.5 mm on one side, of 5 mm on the other, should not be used interchangeably; 5 over 2.5 is 2.
    lung_info_ratio, lung_warning_ratio, lung_critical_ratio : float
        Larger over smaller lung volume. Fleming et al. 2014 (BMC Med Imaging 14:25): the lungs' air volume on
        CT of 11 healthy men, on two occasions, had coefficients of variation of 6.5 and 6.9 %, so that two
        scans differ with an SD of about 9.5 %; the limits are about one, two and three of these.
    """

    spacing_info_ratio: float = 1.25
    spacing_warning_ratio: float = 2.0
    lung_info_ratio: float = 1.1
    lung_warning_ratio: float = 1.2
    lung_critical_ratio: float = 1.3


@dataclass(frozen=True)
class ScanFacts:
    """What is known of one scan; None or empty where it is not.

    Attributes
    ----------
    slice_spacing_mm, lung_ml : float or None
    kernel, manufacturer, model : str
    contrast : str
        ``Y`` or ``N``.
    flags : tuple of str
        Codes of its quality flags.
    """

    slice_spacing_mm: float | None = None
    lung_ml: float | None = None
    kernel: str = ""
    contrast: str = ""
    manufacturer: str = ""
    model: str = ""
    flags: tuple[str, ...] = ()

    @property
    def coverage(self) -> frozenset[str]:
        """Flags that say that part of the lung lies outside the scan or the mask."""
        return frozenset(
            code
            for code in self.flags
            if code.startswith(_COVERAGE_PREFIX) or code.endswith(_COVERAGE_SUFFIX) or code == "no-lung"
        )


@dataclass(frozen=True)
class Finding:
    """Outcome of one check of one pair.

    Attributes
    ----------
    check : str
        ``spacing``, ``kernel``, ``contrast``, ``scanner``, ``coverage`` or ``inspiration``.
    flag : str
        Code; ``comparable`` where nothing differs.
    severity : str
        ``none``, ``info``, ``warning`` or ``critical``.
    sentence : str
        For a person.
    value : float or None
        Follow-up over baseline, where the check is a ratio.
    """

    check: str
    flag: str
    severity: str
    sentence: str
    value: float | None = None

    @property
    def is_flagged(self) -> bool:
        """Whether a reader should know."""
        return self.severity != NO_SEVERITY


def compare_scans(
    baseline: ScanFacts, follow_up: ScanFacts, limits: ComparabilityLimits | None = None
) -> tuple[Finding, ...]:
    """Check one pair of scans; always one finding for each check, in the same order."""
    limits = limits or ComparabilityLimits()
    return (
        _spacing(baseline, follow_up, limits),
        _kernel(baseline.kernel, follow_up.kernel),
        _contrast(baseline.contrast.upper(), follow_up.contrast.upper()),
        _scanner(baseline, follow_up),
        _coverage(baseline, follow_up),
        _inspiration(baseline, follow_up, limits),
    )


def flag_codes(text: str) -> tuple[str, ...]:
    """Codes in a cell of flags: ``code code`` or ``code=severity; code=severity``."""
    return tuple(word.partition("=")[0] for word in text.replace(";", " ").split())


def _spacing(baseline: ScanFacts, follow_up: ScanFacts, limits: ComparabilityLimits) -> Finding:
    before_mm, after_mm = baseline.slice_spacing_mm, follow_up.slice_spacing_mm
    if not before_mm or not after_mm:
        return _unknown("spacing", "distance between slices")
    ratio = after_mm / before_mm
    what = f"The slices are {after_mm:.2f} mm apart, at baseline {before_mm:.2f} mm"
    either = max(ratio, 1 / ratio)
    if either >= limits.spacing_warning_ratio:
        sentence = f"{what}: small lesions and borders are measured differently."
        return Finding("spacing", "spacing-differs", Severity.WARNING, sentence, ratio)
    if either >= limits.spacing_info_ratio:
        return Finding("spacing", "spacing-differs", Severity.INFO, f"{what}.", ratio)
    return Finding("spacing", COMPARABLE, NO_SEVERITY, f"{what}.", ratio)


def _kernel(before: str, after: str) -> Finding:
    if not before or not after:
        return _unknown("kernel", "reconstruction kernel")
    what = f"The image was reconstructed with kernel {after}, at baseline with {before}"
    if before == after:
        return Finding("kernel", COMPARABLE, NO_SEVERITY, f"Both images were reconstructed with {after}.")
    classes = {kernel_class(before), kernel_class(after)}
    if classes == {KernelClass.SOFT, KernelClass.SHARP}:
        sentence = f"{what}, one soft and one sharp: HU and with them the labels shift."
        return Finding("kernel", "kernel-class-differs", Severity.WARNING, sentence)
    if KernelClass.UNKNOWN in classes:
        sentence = f"{what}; whether these are alike is not known."
        return Finding("kernel", "kernel-differs", Severity.INFO, sentence)
    return Finding("kernel", "kernel-differs", Severity.INFO, f"{what}, both {classes.pop()}.")


def _contrast(before: str, after: str) -> Finding:
    if not before or not after:
        return _unknown("contrast", "use of contrast medium")
    words = {"Y": "with", "N": "without"}
    if before == after:
        sentence = f"Both scans were taken {words.get(after, after)} contrast medium."
        return Finding("contrast", COMPARABLE, NO_SEVERITY, sentence)
    sentence = (
        f"The scan was taken {words.get(after, after)} contrast medium, at baseline "
        f"{words.get(before, before)}: it raises the HU of lung and lesion."
    )
    return Finding("contrast", "contrast-differs", Severity.WARNING, sentence)


def _scanner(baseline: ScanFacts, follow_up: ScanFacts) -> Finding:
    before = f"{baseline.manufacturer} {baseline.model}".strip()
    after = f"{follow_up.manufacturer} {follow_up.model}".strip()
    if not before or not after:
        return _unknown("scanner", "scanner")
    if before.lower() == after.lower():
        return Finding(
            "scanner", COMPARABLE, NO_SEVERITY, f"Both scans come from one kind of scanner, {after}."
        )
    sentence = f"The scanner was {after}, at baseline {before}."
    return Finding("scanner", "scanner-differs", Severity.INFO, sentence)


def _coverage(baseline: ScanFacts, follow_up: ScanFacts) -> Finding:
    before, after = baseline.coverage, follow_up.coverage
    if not before and not after:
        return Finding("coverage", COMPARABLE, NO_SEVERITY, "Both scans show the whole lung.")
    if before == after:
        sentence = f"Both scans show the lung incompletely in the same way ({_listed(after)})."
        return Finding("coverage", "coverage-incomplete", Severity.INFO, sentence)
    sentence = (
        f"The scans show different parts of the lung: follow-up {_listed(after)}, baseline {_listed(before)}."
    )
    return Finding("coverage", "coverage-differs", Severity.WARNING, sentence)


def _inspiration(baseline: ScanFacts, follow_up: ScanFacts, limits: ComparabilityLimits) -> Finding:
    before_ml, after_ml = baseline.lung_ml, follow_up.lung_ml
    if not before_ml or not after_ml:
        return _unknown("inspiration", "lung volume")
    ratio = after_ml / before_ml
    what = f"The lungs measure {after_ml:.0f} ml, at baseline {before_ml:.0f} ml ({100 * ratio - 100:+.0f} %)"
    severity = _lung_severity(max(ratio, 1 / ratio), limits)
    if severity == NO_SEVERITY:
        return Finding("inspiration", COMPARABLE, NO_SEVERITY, f"{what}.", ratio)
    cause = (
        "a shallower breath, which raises proportions, or lung lost to disease"
        if ratio < 1
        else "a deeper breath, which lowers proportions, or lung regained"
    )
    return Finding("inspiration", "lung-volume-differs", severity, f"{what}: {cause}.", ratio)


def _lung_severity(either: float, limits: ComparabilityLimits) -> str:
    graded: Iterator[str] = (
        str(severity)
        for limit, severity in (
            (limits.lung_critical_ratio, Severity.CRITICAL),
            (limits.lung_warning_ratio, Severity.WARNING),
            (limits.lung_info_ratio, Severity.INFO),
        )
        if either >= limit
    )
    return next(graded, NO_SEVERITY)


def _unknown(check: str, what: str) -> Finding:
    sentence = f"The {what} of one of the scans is not known, so that it cannot be compared."
    return Finding(check, f"{check}-unknown", Severity.INFO, sentence)


def _listed(codes: frozenset[str]) -> str:
    return ", ".join(sorted(codes)) or "complete"
