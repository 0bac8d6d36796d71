"""Grouping slices into series, and choosing the one to measure: scored, explained, never guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lesionseg.core.errors import AmbiguousSeriesError, NoCTSeriesError
from lesionseg.core.kernels import KernelClass, kernel_class
from lesionseg.dicom.headers import AXIAL_COSINE, SliceHeader
from lesionseg.dicom.image_kinds import is_ct, is_localizer, is_original_primary, reformatted_words
from lesionseg.dicom.series import SeriesCandidate, SeriesChoice

ORIGINAL_PRIMARY_POINTS: Final = 32
"""Weighs most: an original slice is measured before any image made later."""
AXIAL_POINTS: Final = 32
CHEST_COVERAGE_MM: Final = 200.0
"""Adult lungs are 200 to 300 mm high; what covers less is no whole chest."""
PARTIAL_COVERAGE_MM: Final = 100.0
COVERAGE_POINTS: Final = (16, 8, 0)
SPACING_POINTS: Final = ((1.5, 8), (3.0, 6), (5.0, 3))
"""Up to this many mm between slices, this many points: finer slices lose less at the lung's edge."""
KERNEL_POINTS: Final = {KernelClass.SOFT: 2, KernelClass.UNKNOWN: 1, KernelClass.SHARP: 0}
"""Soft kernels are preferred: sharp ones overshoot at edges and add noise, which shifts densities."""
NO_CONTRAST_POINTS: Final = 1
"""Contrast medium raises the density of lung and vessels."""


@dataclass(frozen=True)
class SeriesGroup:
    """All slices that carry one Series Instance UID."""

    uid: str
    slices: tuple[SliceHeader, ...]

    @property
    def case(self) -> str:
        """What messages call the series."""
        return f"series {self.uid}" if self.uid else "series without UID"

    @property
    def description(self) -> str:
        """Series description of its first slice."""
        return self.slices[0].identity.description


def group_by_series(slices: Sequence[SliceHeader]) -> tuple[SeriesGroup, ...]:
    """Group by Series Instance UID, in order of UID.

    One UID is never divided: what does not belong together is refused later rather than sorted by guess.
    """
    groups: dict[str, list[SliceHeader]] = {}
    for header in slices:
        groups.setdefault(header.identity.series_uid, []).append(header)
    return tuple(SeriesGroup(uid, tuple(members)) for uid, members in sorted(groups.items()))


def why_out(group: SeriesGroup) -> str:
    """Why a series cannot be measured, whoever asks; empty where it can."""
    if not any(is_ct(header) for header in group.slices):
        first = group.slices[0].identity
        sop_class = first.sop_class_uid or "unknown"
        return f"not CT images (modality {first.modality or 'unknown'}, SOP class {sop_class})"
    if all(is_localizer(header) for header in group.slices):
        return "localizer"
    return ""


def why_not_by_itself(group: SeriesGroup) -> str:
    """Why a series is taken only when asked for by its UID; empty where there is no such reason."""
    words = [reformatted_words(header) for header in group.slices]
    return f"derived images ({words[0]})" if all(words) else ""


def choose(
    groups: Sequence[SeriesGroup], series_uid: str | None, case: str
) -> tuple[SeriesGroup, SeriesChoice]:
    """Choose the series to measure.

    Raises
    ------
    NoCTSeriesError
        If no series can be measured, or the one asked for is not there.
    AmbiguousSeriesError
        If several fit equally well, or those that fit belong to several studies.
    """
    candidates = sorted((_candidate(group) for group in groups), key=_rank)
    by_uid = {group.uid: group for group in groups}
    if series_uid is not None:
        return _asked_for(by_uid, candidates, series_uid, case)
    fit = [candidate for candidate in candidates if candidate.score is not None]
    if not fit:
        raise _none_fits(candidates, case)
    _refuse_several_studies([by_uid[candidate.series_uid] for candidate in fit], case)
    best = [candidate for candidate in fit if candidate.score == fit[0].score]
    if len(best) > 1:
        raise _tie(best, case)
    chosen = fit[0]
    reason = _reason(chosen, fit)
    return by_uid[chosen.series_uid], SeriesChoice(tuple(candidates), chosen.series_uid, reason)


def _rank(candidate: SeriesCandidate) -> tuple[int, str]:
    return (1 if candidate.score is None else -candidate.score, candidate.series_uid)


def _reason(chosen: SeriesCandidate, fit: Sequence[SeriesCandidate]) -> str:
    if len(fit) == 1:
        return "the only CT series that can be measured"
    runner_up = fit[1]
    own = ", ".join(reason for reason in chosen.reasons if reason not in runner_up.reasons)
    other = ", ".join(reason for reason in runner_up.reasons if reason not in chosen.reasons)
    return f"{own} against {other} in series {runner_up.series_uid}"


def _asked_for(
    by_uid: dict[str, SeriesGroup], candidates: Sequence[SeriesCandidate], series_uid: str, case: str
) -> tuple[SeriesGroup, SeriesChoice]:
    group = by_uid.get(series_uid)
    if group is None:
        raise NoCTSeriesError(
            "the series asked for is not there",
            case=case,
            expected=series_uid,
            found=", ".join(uid or "one without UID" for uid in by_uid) or "no DICOM images",
            remedy="Run lesionseg check to list the series",
        )
    out = why_out(group)
    if out:
        raise NoCTSeriesError(
            "the series asked for cannot be measured", case=group.case, found=out, remedy="Name a CT series"
        )
    return group, SeriesChoice(tuple(candidates), series_uid, "asked for by its UID")


def _none_fits(candidates: Sequence[SeriesCandidate], case: str) -> NoCTSeriesError:
    listed = "; ".join(
        f"series {candidate.series_uid or 'without UID'}: {candidate.slices} x {candidate.reasons[0]}"
        for candidate in candidates
    )
    derived = any("derived" in candidate.reasons[0] for candidate in candidates)
    return NoCTSeriesError(
        "there is no original CT series",
        case=case,
        expected="a series of CT slices",
        found=listed or "no DICOM images",
        remedy="To measure a derived series all the same, name it with --series UID"
        if derived
        else "Name the folder of the CT study",
    )


def _refuse_several_studies(fit: Sequence[SeriesGroup], case: str) -> None:
    """Refuse to choose between studies: visits and patients differ in what is measured, not in how well.

    Raises
    ------
    AmbiguousSeriesError
        If the series come from more than one study.
    """
    dates: dict[str, str] = {}
    for group in fit:
        identity = group.slices[0].identity
        dates.setdefault(identity.study_uid, identity.study_date)
    if len(dates) > 1:
        listed = "; ".join(
            f"study {uid or 'without UID'} of {date or 'unknown date'}" for uid, date in dates.items()
        )
        raise AmbiguousSeriesError(
            f"{len(dates)} studies hold CT series that can be measured",
            case=case,
            expected="one study",
            found=listed,
            remedy="Name the folder of one study, or one series with --series UID",
        )


def _tie(best: Sequence[SeriesCandidate], case: str) -> AmbiguousSeriesError:
    listed = "; ".join(
        f"{candidate.series_uid} ({candidate.description or 'no description'}, {candidate.slices} slices: "
        f"{', '.join(candidate.reasons)})"
        for candidate in best
    )
    return AmbiguousSeriesError(
        f"{len(best)} series fit equally well",
        case=case,
        expected="one best series",
        found=listed,
        remedy="Name one with --series UID",
    )


def _candidate(group: SeriesGroup) -> SeriesCandidate:
    out = why_out(group) or why_not_by_itself(group)
    score, reasons = (None, (out,)) if out else _scored(group)
    return SeriesCandidate(group.uid, group.description, len(group.slices), score, reasons)


def _scored(group: SeriesGroup) -> tuple[int, tuple[str, ...]]:
    original = all(is_original_primary(header) for header in group.slices)
    axial, coverage_mm, spacing_mm = _extent(group.slices)
    first = group.slices[0]
    kernel = kernel_class(first.acquisition.kernel)
    contrast = bool(first.acquisition.contrast_agent)
    parts = (
        (
            ORIGINAL_PRIMARY_POINTS * original,
            "original images" if original else "secondary or recompressed images",
        ),
        (AXIAL_POINTS * axial, "axial" if axial else "not axial"),
        (_coverage_points(coverage_mm), f"covers {coverage_mm:.0f} mm"),
        (
            _spacing_points(spacing_mm),
            f"a slice every {spacing_mm:.2f} mm" if spacing_mm else "no slice spacing",
        ),
        (KERNEL_POINTS[kernel], f"{kernel} kernel {first.acquisition.kernel}".strip()),
        (NO_CONTRAST_POINTS * (not contrast), "with contrast" if contrast else "no contrast"),
    )
    return sum(points for points, _ in parts), tuple(reason for _, reason in parts)


def _coverage_points(coverage_mm: float) -> int:
    whole, partial, little = COVERAGE_POINTS
    if coverage_mm >= CHEST_COVERAGE_MM:
        return whole
    return partial if coverage_mm >= PARTIAL_COVERAGE_MM else little


def _spacing_points(spacing_mm: float) -> int:
    if spacing_mm <= 0:
        return 0
    return next((points for limit_mm, points in SPACING_POINTS if spacing_mm <= limit_mm), 0)


def _extent(slices: Sequence[SliceHeader]) -> tuple[bool, float, float]:
    """Whether most slices are axial, the extent along their normal, and the median distance; for scores."""
    planes = (header.plane for header in slices)
    placed = [(*plane.orientation, *plane.position_mm) for plane in planes
              if plane.orientation is not None and plane.position_mm is not None]  # fmt: skip
    if not placed:
        return False, 0.0, 0.0
    rows, columns, positions = np.hsplit(np.array(placed), 3)
    normals = np.cross(rows, columns)
    axial = bool(np.median(np.abs(normals[:, 2])) > AXIAL_COSINE)
    along = np.sort(positions @ normals[0])
    gaps = np.diff(along)
    gaps = gaps[gaps > 0]
    return axial, float(along[-1] - along[0]), float(np.median(gaps)) if gaps.size else 0.0
