"""The page that the demo leaves in its folder."""

from __future__ import annotations

from collections.abc import Sequence

from lesionseg.workflow.demo.comparison import ScanComparison, volume_errors

README_TITLE = "# Phantom trial"
_TEXT = """{title}

Everything in this folder is synthetic: chests drawn by a seeded program, with lesions whose volumes are known
to the voxel. No patient, no treatment, no evidence. Research use only; not a medical device.

| where | what |
|---|---|
| `dicom/PATIENT-VISIT/` | the phantom scans as DICOM CT series |
| `plan.yaml`, `visits.csv`, `subjects.csv`, `arms.csv` | plan and tables, as a user would write them |
| `trial/` | what `lesionseg trial` makes of all that: open `trial/report.html` |
| `trial/cases/PATIENT/SCAN/case.html` | each scan: labels over the CT, figures, quality |
| `trial/patients/PATIENT.html` | each patient: both visits side by side |
| `truth.csv` | volumes and proportions of every scan, true and measured |

Labels were drawn by the model bundle {model}. Its error, in % of the true volume:

| | median scan | worst scan |
|---|---|---|
| lung | {lung_error_pct:.1f} | {lung_worst_pct:.1f} |
| lesion | {lesion_error_pct:.0f} | {lesion_worst_pct:.0f} |

Try it yourself, in this folder:

    lesionseg trial dicom --plan plan.yaml --visits visits.csv --arms arms.csv -o my-trial
    lesionseg segment dicom/P01-baseline -o my-result
"""


def readme_text(scans: Sequence[ScanComparison], model: str) -> str:
    """Describe the folder and say how far off the network was."""
    lung, lesion = volume_errors(scans, "lung_ml"), volume_errors(scans, "lesion_ml")
    return _TEXT.format(
        title=README_TITLE,
        model=model,
        lesion_error_pct=lesion.median_pct,
        lesion_worst_pct=lesion.worst_pct,
        lung_error_pct=lung.median_pct,
        lung_worst_pct=lung.worst_pct,
    )
