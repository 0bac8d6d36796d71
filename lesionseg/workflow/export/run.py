"""From a case to its export folder, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lesionseg import __version__
from lesionseg.core.files import staged_folder
from lesionseg.core.provenance import sha256_of_file
from lesionseg.core.tables import plain_json, write_json
from lesionseg.workflow.export.case_folder import from_folder
from lesionseg.workflow.export.names import EXPORT_FORMAT, EXPORT_MANIFEST, EXPORT_OUTPUT
from lesionseg.workflow.export.possible import impossible
from lesionseg.workflow.export.request import Exportable, ExportResult, ExportSettings, LeftOut
from lesionseg.workflow.export.writing import Written, write_formats
from lesionseg.workflow.loading import Progress
from lesionseg.workflow.output import refuse_output

NOTICE = "Research use only. Not a medical device."


def export_case(
    case_folder: Path,
    folder: Path,
    *,
    settings: ExportSettings | None = None,
    source: Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ExportResult:
    """Export a case from the folder that `segment_case` wrote, after its scan was found unchanged.

    Gives the same bytes as `export_results` gives of the case in memory.

    Parameters
    ----------
    case_folder : Path
    folder : Path
        New or empty; with `overwrite` an earlier export is replaced, unless a file of it was changed since.
    settings : ExportSettings, optional
    source : Path, optional
        The scan, where it no longer lies where the case's manifest says.
    overwrite : bool
    progress : callable, optional
        Called with slices read and slices in all.

    Raises
    ------
    InputError
        If the case folder is not as it was written, or the scan is absent, unreadable or another one
        (`SourceMismatchError`).
    ExportError
        If a format that was asked for by name cannot be made of this case.
    OutputExistsError, OutputError
        If the folder is filled, cannot be written or the disk is full.
    """
    refuse_output(folder, EXPORT_OUTPUT, overwrite=overwrite)
    what = from_folder(case_folder, source=source, progress=progress)
    return export_results(what, folder, settings=settings, overwrite=overwrite)


def export_results(
    what: Exportable, folder: Path, *, settings: ExportSettings | None = None, overwrite: bool = False
) -> ExportResult:
    """Export what is in memory: of `case_folder.from_result`, or a reader's labels.

    Parameters and errors as of `export_case`.
    """
    settings = settings or ExportSettings()
    refuse_output(folder, EXPORT_OUTPUT, overwrite=overwrite)
    left_out = impossible(what, settings)
    formats = tuple(name for name in settings.tried if name not in {part.format for part in left_out})
    with staged_folder(folder, overwrite=overwrite) as staging:
        written = write_formats(what, staging, formats, settings)
        left_out = (*left_out, *written.left_out)
        manifest = _manifest(what, staging, settings, written, left_out)
        write_json(staging / EXPORT_MANIFEST, manifest)
    files = {name: tuple(folder / file for file in names) for name, names in written.names.items()}
    return ExportResult(folder, files, left_out, manifest)


def _manifest(
    what: Exportable, folder: Path, settings: ExportSettings, written: Written, left_out: tuple[LeftOut, ...]
) -> dict[str, Any]:
    """Describe the export in JSON values; nothing in it depends on place or time."""
    origin = what.origin
    return plain_json(
        {
            "format": EXPORT_FORMAT,
            "lesionseg": __version__,
            "notice": NOTICE,
            "labels": {
                "sha256": origin.labels_sha256,
                "made_utc": origin.created.isoformat(timespec="seconds"),
                "lesionseg": origin.software_version,
                "bundle": origin.bundle,
                "bundle_sha256": origin.bundle_sha256,
                "reader": origin.reader,
            },
            "source": _source(what, written),
            "settings": {"encoding": settings.encoding, "whole_lesion": settings.whole_lesion},
            "files": [
                {"format": name, "file": file, **written.facts.get(file, {}), **_facts(folder / file)}
                for name, files in written.names.items()
                for file in files
            ],
            "left_out": [
                {"format": part.format, "reason": part.reason, "text": part.text} for part in left_out
            ],
        }
    )


def _source(what: Exportable, written: Written) -> dict[str, Any]:
    facts: dict[str, Any] = {"input_sha256": what.input_sha256}
    if written.source is not None:
        facts |= {
            "study_uid": written.source.study_uid,
            "series_uid": written.source.series_uid,
            "frame_of_reference_uid": written.source.frame_of_reference_uid,
            "replaced_uids": written.source.replaced_uids,
            "notes": list(written.source.notes),
        }
    return facts


def _facts(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}
