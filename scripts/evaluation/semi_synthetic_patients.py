"""Invented patients in real chests, for scripts/evaluation/semi_synthetic_trial.py.

A patient is a clear chest with a synthetic lesion load at baseline, and the same foci at day 28, cut out of
the same random field at another level. Every visit has its own inspiration, slices, kernel and noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from lesionseg.segmentation.resampling import resample
from lesionseg.training.chests.scans import WHOLE, Box, training_scan
from lesionseg.training.evaluation import ClearLungs
from lesionseg.training.synthesis.fields import blur
from lesionseg.training.synthesis.lesions import LesionSettings, insert_lesions
from lesionseg.training.synthesis.patch import LungPatch
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry
from scripts.evaluation.inputs import Inputs

IN_PLANE_MM = 2.0
BASELINE, DAY_28 = "baseline", "day 28"
VISITS = (BASELINE, DAY_28)
TREATMENT, CONTROL = "treatment", "control"


@dataclass(frozen=True)
class ChestScan:
    """A scan, the word by which a bundle's list of training data names it, and where it is diseased."""

    name: str
    known_as: str
    diseased: tuple[Box, ...] = ()


SCANS = (
    ChestScan("normal001", "normal001"),
    ChestScan("lidc0314", "0314", (((0.53, 1.0), WHOLE, (0.0, 0.5)),)),
    ChestScan(
        "nsclcrg-R01-001",
        "R01-001",
        (((0.72, 0.83), WHOLE, (0.1, 0.45)), ((0.8, 0.9), WHOLE, (0.5, 0.75))),
    ),
    ChestScan("cptac-C3N-00247", "C3N-00247", (((0.25, 0.38), (0.0, 0.6), (0.0, 0.35)),)),
    ChestScan("4dlung-113-p40", "113 phase 40", (((0.3, 0.72), WHOLE, (0.5, 1.0)),)),
    ChestScan("lungdx-A0002_8mm", "A0002", (((0.33, 0.9), WHOLE, (0.0, 0.5)),)),
    ChestScan(
        "lungfcp-01-0001",
        "01-0001",
        (((0.3, 1.0), WHOLE, (0.5, 1.0)), ((0.55, 0.8), WHOLE, (0.0, 0.5))),
    ),
)
"""Boxes as in scripts/train/lung_lesion.yaml."""


@dataclass(frozen=True)
class Visit:
    """What is different about one scan of a patient.

    Attributes
    ----------
    lesion, solid : float
        Share of the lung where the opacity has half its strength or more, which is a little less than the
        lesion; share of the lesion that is drawn as consolidation.
    slice_mm : float
        Wanted distance of slices; a scan is never made thinner than it is.
    stretch : float
        Length of the lungs from foot to head against the real scan; air content follows.
    blur_mm, noise_hu : float
        Standard deviations, in plane.
    """

    lesion: float
    solid: float
    slice_mm: float
    stretch: float
    blur_mm: float
    noise_hu: float


@dataclass(frozen=True)
class Patient:
    """One invented patient; `seed` is that of the foci, `zoom` scales the chest in plane."""

    subject: str
    arm: str
    scan: ChestScan
    seed: int
    zoom: float
    visits: dict[str, Visit]


@dataclass(frozen=True)
class PatientScan:
    """A scan as the bundle gets it, and the truth.

    Attributes
    ----------
    volume : CTVolume
    judged : ndarray of bool
        Voxels away from the scan's own disease; nothing else is measured.
    lesion_pct, solid_pct : float
        True proportions of the judged lung, counted before slices are made thick.
    lesion : ndarray of bool
        Voxels of which lesion fills more than half.
    rise_hu : ndarray, float32
        By which the lesion makes each voxel denser; before blur and noise.
    """

    volume: CTVolume
    judged: np.ndarray
    lesion_pct: float
    solid_pct: float
    lesion: np.ndarray
    rise_hu: np.ndarray


def draw_patients(count: int, seed: int) -> list[Patient]:
    """Draw patients, the arms in turn; each is a function of the seed and the own number."""
    return [_draw_patient(number, seed) for number in range(count)]


def _draw_patient(number: int, seed: int) -> Patient:
    rng = np.random.default_rng([seed, number])
    arm = (TREATMENT, CONTROL)[number % 2]
    lesion = float(np.exp(rng.uniform(np.log(0.04), np.log(0.40))))
    solid = float(rng.uniform(0.1, 0.5))
    remaining = float(np.exp(rng.normal(np.log(0.55 if arm == TREATMENT else 0.8), 0.3)))
    later = min(lesion * remaining, 0.6), solid * float(rng.uniform(0.5, 1.1))
    visits = {
        name: Visit(
            lesion=size[0],
            solid=size[1],
            slice_mm=float(rng.uniform(3.0, 5.0)),
            stretch=float(rng.uniform(0.92, 1.08)),
            blur_mm=float(rng.uniform(0.0, 1.2)),
            noise_hu=float(rng.uniform(8.0, 30.0)),
        )
        for name, size in zip(VISITS, ((lesion, solid), later), strict=True)
    }
    return Patient(
        f"S{number + 1:02d}",
        arm,
        SCANS[number % len(SCANS)],
        int(rng.integers(2**31)),
        float(rng.uniform(0.93, 1.07)),
        visits,
    )


def clear_chest(inputs: Inputs, scan: ChestScan) -> ClearLungs:
    """Read a scan, find its lungs, and bring it to pixels of `IN_PLANE_MM`; its own disease is not judged."""
    chest = training_scan(inputs.scan(scan.name), ignore=scan.diseased)
    shape = (
        chest.hu.shape[0],
        round(chest.hu.shape[1] * chest.spacing_mm[1] / IN_PLANE_MM),
        round(chest.hu.shape[2] * chest.spacing_mm[2] / IN_PLANE_MM),
    )
    judged = resample(~chest.ignored, shape) > 0.5
    lung = (resample(chest.lung, shape) > 0.5) & judged
    return ClearLungs(
        scan.name, resample(chest.hu, shape), lung, judged, (chest.spacing_mm[0], IN_PLANE_MM, IN_PLANE_MM)
    )


def patient_scan(patient: Patient, lungs: ClearLungs, name: str) -> PatientScan:
    """Make the scan of one visit."""
    visit = patient.visits[name]
    spacing_mm = (
        lungs.spacing_mm[0] * visit.stretch,
        lungs.spacing_mm[1] * patient.zoom,
        lungs.spacing_mm[2] * patient.zoom,
    )
    breathed = at_inspiration(lungs.hu, lungs.lung, visit.stretch)
    hu, truth = _with_lesions(breathed, lungs, visit, patient.seed)
    slices, rows, columns = hu.shape
    shape = (max(2, min(slices, round(slices * spacing_mm[0] / visit.slice_mm))), rows, columns)
    geometry = VolumeGeometry.from_axes(shape, (slices * spacing_mm[0] / shape[0], *spacing_mm[1:]))
    chance = torch.Generator().manual_seed((patient.seed + 1 + VISITS.index(name)) % 2**31)
    seen = _scanned(torch.from_numpy(resample(hu, shape)), visit, spacing_mm[1], chance)
    volume = CTVolume(seen, geometry, f"{patient.subject} {name}")
    lung = int((truth > 0).sum())
    return PatientScan(
        volume,
        resample(lungs.judged, shape) > 0.5,
        100 * int((truth >= 2).sum()) / lung,
        100 * int((truth == 3).sum()) / lung,
        resample(truth >= 2, shape) > 0.5,
        resample(hu - breathed, shape),
    )


def at_inspiration(hu: np.ndarray, lung: np.ndarray, stretch: float) -> np.ndarray:
    """Thin the aerated lung by `stretch`, as its tissue spreads over a larger volume."""
    aerated = np.clip((-300.0 - hu) / 550.0, 0.0, 1.0) * lung
    thinned = (hu + 1000.0) / stretch - 1000.0
    return np.asarray(hu + aerated * (thinned - hu), dtype=np.float32)


def _with_lesions(
    hu: np.ndarray, lungs: ClearLungs, visit: Visit, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Insert the foci; with equal seeds all but the levels is drawn alike, so the foci are the same."""
    import edt

    settings = LesionSettings(
        clear_probability=0.0,
        heavy_probability=1.0,
        heavy_burden=(visit.lesion, visit.lesion),
        solid_probability=1.0,
        wholly_solid_probability=0.0,
        solid_share=(visit.solid, visit.solid),
    )
    depth_mm = edt.edt(lungs.lung, anisotropy=lungs.spacing_mm).astype(np.float32)
    patch = LungPatch(
        torch.from_numpy(hu), torch.from_numpy(lungs.lung), torch.from_numpy(depth_mm), lungs.spacing_mm
    )
    changed, labels = insert_lesions(patch, settings, torch.Generator().manual_seed(seed))
    return changed.numpy(), labels.numpy()


def _scanned(hu: torch.Tensor, visit: Visit, pixel_mm: float, chance: torch.Generator) -> np.ndarray:
    sigma = visit.blur_mm / pixel_mm
    hu = blur(hu, (0.0, sigma, sigma))
    noise = blur(torch.randn(hu.shape, generator=chance), (0.0, 0.5, 0.5))
    hu = hu + visit.noise_hu * noise / noise.std().clamp_min(1e-6)
    return hu.round().clamp(-1024, 3071).numpy().astype(np.int16)


def only_judged(labels: LabelMap, judged: np.ndarray) -> LabelMap:
    """Leave out what a scan's own disease has to do with."""
    return LabelMap(np.where(judged, labels.labels, 0).astype(np.uint8), labels.geometry)
