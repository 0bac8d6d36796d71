"""What an export's files are called, and how an earlier export is told from somebody's files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from lesionseg.workflow.output import OwnOutput

SEG, SR, SC, SLICER, ITK_SNAP = "seg", "sr", "sc", "slicer", "itk-snap"
FORMATS: Final = (SEG, SR, SC, SLICER, ITK_SNAP)
"""In the order of writing: the report refers to the segmentation."""
DICOM_FORMATS: Final = (SEG, SR, SC)
SEG_FILE, SR_FILE, SC_FILE = "seg.dcm", "sr.dcm", "sc.dcm"
SLICER_FILE = "labels.seg.nrrd"
ITK_SNAP_LABELS, ITK_SNAP_DESCRIPTIONS = "labels.nii.gz", "labels.itk-snap.txt"
EXPORT_MANIFEST = "export.json"
EXPORT_FILES: Final = (
    SEG_FILE, SR_FILE, SC_FILE, SLICER_FILE, ITK_SNAP_LABELS, ITK_SNAP_DESCRIPTIONS, EXPORT_MANIFEST,
)  # fmt: skip
EXPORT_FORMAT: Final = "lesionseg-export/1"
EXPORT_FOLDER: Final = "export"
"""In a case folder."""


def recorded_hashes(manifest: Path) -> dict[str, str]:
    """Return the SHA-256 of each exported file by its name, as the export's manifest records it."""
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        return {str(entry["file"]): str(entry["sha256"]) for entry in content["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


EXPORT_OUTPUT: Final = OwnOutput(EXPORT_FILES, EXPORT_MANIFEST, EXPORT_FORMAT, recorded=recorded_hashes)
