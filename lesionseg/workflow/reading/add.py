"""Taking a reader's mask in: matched to its scan, measured as the model's is, kept for good, and recorded."""

from __future__ import annotations

import shutil
from pathlib import Path

from lesionseg.core.audit import AuditEvent, append_record
from lesionseg.core.errors import LesionSegError, ReadingError
from lesionseg.core.files import staged_folder
from lesionseg.core.provenance import sha256_of_file
from lesionseg.core.tables import write_csv, write_json
from lesionseg.readings.masks import read_mask
from lesionseg.readings.reading import reading_from
from lesionseg.volume.files import write_label_map
from lesionseg.volumetry import measure
from lesionseg.workflow.progress import of_stage
from lesionseg.workflow.reading.facts import Taken, audit_facts, name_of, reading_facts
from lesionseg.workflow.reading.measured import reading_row
from lesionseg.workflow.reading.refusals import refuse_reading
from lesionseg.workflow.reading.request import (
    ADDED,
    LABELS,
    MEASUREMENTS_CSV,
    OVERVIEW,
    READING_JSON,
    SUBMITTED,
    AddRequest,
    AddResult,
    audit_log_of,
    scan_folder,
)
from lesionseg.workflow.reading.scan import open_scan
from lesionseg.workflow.reading.store import ReadingStore, load_or_begin, read_cells
from lesionseg.workflow.request import Watch


def add_reading(request: AddRequest, *, watch: Watch | None = None) -> AddResult:
    """Read a mask, measure it on its scan and keep it as a new reading; nothing that is there is changed.

    The reading's folder comes first, the audit record that tells of it last: a reading without a record does
    not count.

    Parameters
    ----------
    request : AddRequest
    watch : Watch, optional
        Progress and clock.

    Raises
    ------
    InputError
        If scan or case cannot be read; `MaskMismatchError` if the mask does not fit.
    ReadingError
        If this reader has read the scan already and does not say which reading is corrected, is reader and
        adjudicator in one, or the name belongs to another scan.
    AuditError
        If the audit log does not verify, or the key is not its own.
    OutputError
        If the folder cannot be written; nothing is left behind.
    """
    watch = watch or Watch()
    store = load_or_begin(request.readings, key=request.key)
    moment = watch.now()
    taken = _take(request, store, watch)
    reading_id = name_of(taken, moment, store.last_sha256)
    facts = reading_facts(taken, moment, reading_id)
    folder = scan_folder(request.readings, taken.scan.identity.scan_id) / reading_id
    with staged_folder(folder) as staging:
        warnings = _write_files(staging, taken)
        facts["outputs"] = _hashes(staging)
        facts["warnings"] = list(warnings)
        write_json(staging / READING_JSON, facts)
    reading = reading_from(facts, read_cells(folder / MEASUREMENTS_CSV), folder)
    try:
        event = AuditEvent(ADDED, audit_facts(facts, sha256_of_file(folder / READING_JSON)))
        record = append_record(audit_log_of(request.readings), event, key=request.key, now=watch.now)
    except LesionSegError:
        shutil.rmtree(folder, ignore_errors=True)  # it was never recorded
        raise
    return AddResult(reading, facts, record, warnings)


def _take(request: AddRequest, store: ReadingStore, watch: Watch) -> Taken:
    scan = open_scan(request, watch.progress)
    refuse_reading(request, scan.identity, store)
    mask = read_mask(request.mask, scan.reference, mapping=request.mapping)
    report = of_stage(watch.progress, "measure")
    report(0, 1)
    measurements = measure(scan.scan.volume, mask.label_map, settings=scan.settings)
    report(1, 1)
    return Taken(request, scan, mask, measurements)


def _write_files(folder: Path, taken: Taken) -> tuple[str, ...]:
    mask = taken.mask
    write_label_map(mask.label_map, folder / LABELS)
    row = reading_row(taken.measurements, solid_told=mask.solid_told)
    write_csv(folder / MEASUREMENTS_CSV, [{"input": taken.scan.identity.scan_id, **row}])
    _keep_submitted(folder / SUBMITTED, taken.request.mask, mask.sha256)
    return _draw(folder / OVERVIEW, taken)


def _keep_submitted(folder: Path, submitted: Path, sha256: str) -> None:
    folder.mkdir()
    kept = folder / submitted.name
    shutil.copyfile(submitted, kept)
    if sha256_of_file(kept) != sha256:
        raise ReadingError(
            "the mask changed while it was read",
            case=str(submitted),
            remedy="Wait until the other program has saved it",
        )


def _draw(path: Path, taken: Taken) -> tuple[str, ...]:
    """Draw what was understood, for the reader to look at; a picture that fails costs nothing else."""
    from lesionseg.reports.caption import ScanLine
    from lesionseg.reports.overview import draw_overview

    scan = taken.scan
    untold = "" if taken.mask.solid_told else "; solid component not told, its 0 ml mean nothing"
    by = f"Labels: reader {taken.request.reader}{untold}"
    line = ScanLine(scan.identity.scan_id, scan.scan.series_uid, by)
    try:
        draw_overview(scan.scan.volume, taken.mask.label_map, taken.measurements, path, scan=line)
    except OSError:
        raise  # the disk, not the picture
    except Exception as error:  # noqa: BLE001 - said in reading.json and on the screen
        path.unlink(missing_ok=True)
        return (f"the overview could not be drawn: {type(error).__name__}: {error}",)
    return ()


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of_file(path) for path in files}
