"""True against measured, scan by scan, and baseline against day 28."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from lesionseg.workflow.demo.phantoms import BASELINE, DAY_28


@dataclass(frozen=True)
class Quantities:
    """Volumes of one scan in ml; the lung is never empty here, since such a scan is refused."""

    lung_ml: float
    lesion_ml: float
    solid_ml: float

    @property
    def lesion_pct(self) -> float:
        """Lesion in % of lung."""
        return 100 * self.lesion_ml / self.lung_ml

    @property
    def solid_pct(self) -> float:
        """Solid component in % of lung."""
        return 100 * self.solid_ml / self.lung_ml


@dataclass(frozen=True)
class ScanComparison:
    """One scan: what is in it, and what was measured."""

    patient_id: str
    visit: str
    true: Quantities
    measured: Quantities


@dataclass(frozen=True)
class PatientChange:
    """Change of the lesion proportion from baseline to day 28.

    Attributes
    ----------
    true_change_points, measured_change_points : float
        Follow-up - baseline, in percentage points.
    true_change_pct, measured_change_pct : float or None
        100 · (follow-up - baseline) / baseline; None where the baseline is 0.
    """

    patient_id: str
    true_change_points: float
    measured_change_points: float
    true_change_pct: float | None
    measured_change_pct: float | None


@dataclass(frozen=True)
class VolumeErrors:
    """Size of the error over several scans, in % of each scan's true volume."""

    median_pct: float
    worst_pct: float


def volume_errors(scans: Sequence[ScanComparison], name: str) -> VolumeErrors:
    """Compare one of the volumes of `Quantities`, which is truly above 0 in every scan."""
    errors_pct = [100 * abs(getattr(scan.measured, name) / getattr(scan.true, name) - 1) for scan in scans]
    return VolumeErrors(median(errors_pct), max(errors_pct))


def patient_changes(scans: Sequence[ScanComparison]) -> tuple[PatientChange, ...]:
    """Pair each patient's two visits."""
    visits = {(scan.patient_id, scan.visit): scan for scan in scans}
    changes = []
    for patient_id in dict.fromkeys(scan.patient_id for scan in scans):
        before, after = visits[patient_id, BASELINE], visits[patient_id, DAY_28]
        changes.append(
            PatientChange(
                patient_id,
                after.true.lesion_pct - before.true.lesion_pct,
                after.measured.lesion_pct - before.measured.lesion_pct,
                _relative(before.true.lesion_pct, after.true.lesion_pct),
                _relative(before.measured.lesion_pct, after.measured.lesion_pct),
            )
        )
    return tuple(changes)


def _relative(before: float, after: float) -> float | None:
    return 100 * (after - before) / before if before > 0 else None
