"""The phantom trial: who takes part, and how ill each of them truly is at every visit.

Everything here is invented and seeded. The figures resemble a small COVID-19 trial, so that tables and
pictures look like those of a real one; they carry no evidence about any treatment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lesionseg.phantoms import ChestPhantom, ChestSettings, add_lesions, chest_phantom

DEMO_SCANNER = ChestSettings(shape=(60, 192, 192), spacing_mm=(5.0, 1.9, 1.9))
"""Coarse enough for a demo of a few minutes on two cores."""
BASELINE, DAY_28 = "baseline", "day 28"
VISITS = (BASELINE, DAY_28)
STUDY_DATES = {BASELINE: "20200401", DAY_28: "20200429"}
ARMS = ("treatment", "placebo")


@dataclass(frozen=True)
class DemoPatient:
    """One invented patient.

    Attributes
    ----------
    patient_id : str
        Says nothing about the arm.
    seed : int
        Of body and disease.
    lesion_pct : dict of str to float
        True proportion of lesion asked for at each visit.
    solid_fraction : dict of str to float
        Solid share of the lesion at each visit.
    age, severity
        For the baseline table; the severity is the stratum.
    """

    patient_id: str
    seed: int
    lesion_pct: dict[str, float]
    solid_fraction: dict[str, float]
    age: int
    severity: str

    def place(self, visit: str) -> str:
        """Name of the folder of a visit's scan."""
        return f"{self.patient_id}-{visit.replace(' ', '-')}"


@dataclass(frozen=True)
class DemoScan:
    """One scan of the trial: the phantom and its place in the schedule."""

    patient: DemoPatient
    visit: str
    phantom: ChestPhantom


PATIENTS = (
    DemoPatient("P01", 11, {BASELINE: 22.0, DAY_28: 8.0}, {BASELINE: 0.30, DAY_28: 0.15}, 58, "severe"),
    DemoPatient("P02", 12, {BASELINE: 12.0, DAY_28: 9.0}, {BASELINE: 0.20, DAY_28: 0.18}, 49, "moderate"),
    DemoPatient("P03", 13, {BASELINE: 9.0, DAY_28: 3.0}, {BASELINE: 0.15, DAY_28: 0.05}, 63, "moderate"),
    DemoPatient("P04", 14, {BASELINE: 30.0, DAY_28: 24.0}, {BASELINE: 0.35, DAY_28: 0.30}, 71, "severe"),
    DemoPatient("P05", 15, {BASELINE: 16.0, DAY_28: 5.0}, {BASELINE: 0.25, DAY_28: 0.12}, 55, "severe"),
    DemoPatient("P06", 16, {BASELINE: 6.0, DAY_28: 5.0}, {BASELINE: 0.10, DAY_28: 0.10}, 44, "moderate"),
)
ALLOCATION = {"P01": ARMS[0], "P02": ARMS[1], "P03": ARMS[0], "P04": ARMS[1], "P05": ARMS[0], "P06": ARMS[1]}
"""Which arm each patient is in; stands in ``arms.csv`` and nowhere else."""


def demo_scans(
    patients: tuple[DemoPatient, ...] = PATIENTS, settings: ChestSettings | None = None
) -> Iterator[DemoScan]:
    """Build the scans one after the other: one body per patient, the same foci at both visits."""
    settings = settings or DEMO_SCANNER
    for patient in patients:
        for number, visit in enumerate(VISITS):
            scan_rng = np.random.default_rng((patient.seed, number))
            chest = chest_phantom(settings, np.random.default_rng(patient.seed), scan_rng)
            ill = add_lesions(
                chest,
                patient.lesion_pct[visit],
                patient.solid_fraction[visit],
                np.random.default_rng((patient.seed, 1000)),
            )
            yield DemoScan(patient, visit, ill)
