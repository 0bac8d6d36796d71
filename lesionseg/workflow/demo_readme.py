"""The page that the demo leaves in its folder."""

from __future__ import annotations

from collections.abc import Sequence

from lesionseg.workflow.demo_comparison import ScanComparison

README_TITLE = "# Phantom trial"
_TEXT = """{title}

Everything in this folder is synthetic: chests drawn by a seeded program, with lesions whose volumes are known
to the voxel. No patient, no treatment, no evidence. Research use only; not a medical device.

| where | what |
|---|---|
| `dicom/PATIENT/VISIT/` | the phantom scans as DICOM CT series |
| `results/PATIENT/VISIT/` | what `lesionseg segment` writes for each scan |
| `truth.csv` | true volumes and proportions of every scan |
| `results.csv` | the same columns as measured |
| `change.csv` | change of the lesion proportion, baseline to day 28, true and measured |
| `arms.csv` | mean change per arm, side by side; a description, no test |

Labels were drawn by the model bundle {model}. What differs between `truth.csv` and `results.csv` is
its error, in % of the true volume:

| | median scan | worst scan |
|---|---|---|
| lung | {lung_error_pct:.1f} | {lung_worst_pct:.1f} |
| lesion | {lesion_error_pct:.0f} | {lesion_worst_pct:.0f} |

Try one yourself:

    lesionseg segment dicom/P01/baseline -o my-result
"""


def readme_text(scans: Sequence[ScanComparison], model: str) -> str:
    """Describe the folder and say how far off the network was."""
    lesion = [error_pct(scan.measured.lesion_ml, scan.true.lesion_ml) for scan in scans]
    lung = [error_pct(scan.measured.lung_ml, scan.true.lung_ml) for scan in scans]
    return _TEXT.format(
        title=README_TITLE,
        model=model,
        lesion_error_pct=median_magnitude(lesion),
        lesion_worst_pct=max(map(abs, lesion)),
        lung_error_pct=median_magnitude(lung),
        lung_worst_pct=max(map(abs, lung)),
    )


def error_pct(measured_ml: float, true_ml: float) -> float:
    """Signed error in % of the truth, which is not 0."""
    return 100 * (measured_ml - true_ml) / true_ml


def median_magnitude(errors_pct: Sequence[float]) -> float:
    """Median of the absolute values."""
    from statistics import median

    return median(abs(error) for error in errors_pct)
