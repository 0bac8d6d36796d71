"""Which readings are not taken in, told before the mask is read."""

from __future__ import annotations

from lesionseg.core.errors import ReadingError
from lesionseg.readings.reading import Reading, ScanIdentity, same_person
from lesionseg.workflow.reading.request import AddRequest
from lesionseg.workflow.reading.store import ReadingStore


def refuse_reading(request: AddRequest, scan: ScanIdentity, store: ReadingStore) -> None:
    """Raise `ReadingError` where a reading contradicts those that are there."""
    _refuse_other_scan(scan, store)
    mine = [each for each in store.of_scan(scan.scan_id) if same_person(each.reader, request.reader)]
    _refuse_two_roles(request, scan, mine)
    if request.supersedes:
        _refuse_wrong_reference(request, scan, mine, store)
    elif mine:
        raise ReadingError(
            "this reader has read this scan already, and a reading is never overwritten",
            case=f"{scan.scan_id}, {request.reader}",
            found=mine[0].reading_id,
            remedy=f"If this one corrects it, say so with --supersedes {mine[0].reading_id}",
        )


def _refuse_other_scan(scan: ScanIdentity, store: ReadingStore) -> None:
    for reading in store.readings:
        known = reading.scan
        if known.scan_id == scan.scan_id and known.volume_sha256 != scan.volume_sha256:
            raise ReadingError(
                "another scan goes by this name in the folder of readings",
                case=scan.scan_id,
                expected=f"voxels with SHA-256 {known.volume_sha256[:12]}…, as {reading.reading_id} has it",
                found=f"{scan.volume_sha256[:12]}…",
                remedy="Give the scan its own name with --scan-id, as the trial's scans.csv has it",
            )
        if known.scan_id != scan.scan_id and known.volume_sha256 == scan.volume_sha256:
            raise ReadingError(
                "this very scan goes by another name in the folder of readings",
                case=scan.scan_id,
                expected=known.scan_id,
                found=scan.scan_id,
                remedy=f"Give --scan-id {known.scan_id}",
            )


def _refuse_two_roles(request: AddRequest, scan: ScanIdentity, mine: list[Reading]) -> None:
    for reading in mine:
        if reading.role is not request.role:
            raise ReadingError(
                "nobody adjudicates a scan that they read themselves",
                case=f"{scan.scan_id}, {request.reader}",
                expected=f"a reading as {reading.role}, or of another person",
                found=f"one as {request.role}, after {reading.reading_id}",
            )


def _refuse_wrong_reference(
    request: AddRequest, scan: ScanIdentity, mine: list[Reading], store: ReadingStore
) -> None:
    if request.supersedes in [reading.reading_id for reading in mine]:
        return
    known = {reading.reading_id: reading for reading in store.readings}
    superseded = known.get(request.supersedes)
    if superseded is None:
        problem = "there is no reading of this name to supersede"
    elif superseded.scan.scan_id != scan.scan_id:
        problem = f"the reading to supersede is one of {superseded.scan.scan_id}"
    elif not same_person(superseded.reader, request.reader):
        problem = (
            f"the reading to supersede is one of {superseded.reader}, and readers correct their own alone"
        )
    else:
        problem = "the reading to supersede does not stand any more"
    raise ReadingError(
        problem,
        case=f"{scan.scan_id}, {request.reader}",
        expected=", ".join(reading.reading_id for reading in mine)
        or "no --supersedes: it is a first reading",
        found=request.supersedes,
    )
