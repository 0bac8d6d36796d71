"""The page that the demo leaves in its folder."""

from __future__ import annotations

from collections.abc import Sequence

from lesionseg.workflow.demo_comparison import ScanComparison, volume_errors

README_TITLE = "# Phantom trial"
_TEXT = """{title}

Everything in this folder is synthetic: chests drawn by a seeded program, with lesions whose volumes are known
to the voxel. No patient, no treatment, no evidence. Research use only; not a medical device.

| where | what |
|---|---|
| `dicom/PATIENT-VISIT/` | the phantom scans as DICOM CT series |
| `results/PATIENT-VISIT/` | what `lesionseg segment` writes for each scan |
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
