"""Pulling series from an archive: each appears on disk whole, with a record of what came, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from lesionseg.core.errors import (
    LesionSegError,
    OutputExistsError,
    PacsContentError,
    PacsError,
    PacsLimitError,
)
from lesionseg.core.files import staged_folder
from lesionseg.core.tables import write_json
from lesionseg.pacs.settings import PullLimits
from lesionseg.pacs.web.archive import Archive
from lesionseg.pacs.web.inbox import Promised
from lesionseg.pacs.web.pull_record import (
    RECORD,
    Here,
    build_record,
    read_record,
    what_is_here,
)
from lesionseg.pacs.web.query import Query, SeriesFound, find_series, instance_uids, nothing_fits
from lesionseg.pacs.web.retrieve import retrieve_series
from lesionseg.workflow.progress import CaseProgress, no_progress

PULLED_STAGE: Final = "Series"
State = Literal["fetched", "fetched again", "already here", "failed"]


@dataclass(frozen=True)
class PulledSeries:
    """What became of one series.

    Attributes
    ----------
    series : SeriesFound
    folder : Path
        Where it lies, or would lie.
    state : str
        ``fetched again`` where an earlier pull had other objects, or files had been altered since.
    instances, bytes : int
        On disk now; 0 where it failed.
    note : str
        Why it was fetched again.
    error : LesionSegError, optional
        Why it failed.
    """

    series: SeriesFound
    folder: Path
    state: State
    instances: int = 0
    bytes: int = 0
    note: str = ""
    error: LesionSegError | None = None


def pull(
    archive: Archive,
    query: Query,
    folder: Path,
    *,
    limits: PullLimits = PullLimits(),  # noqa: B008 - frozen
    progress: CaseProgress = no_progress,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> tuple[PulledSeries, ...]:
    """Fetch every series that fits into ``folder/STUDY UID/SERIES UID``; one that fails stops no other.

    A series that an earlier pull brought here is compared with its record, file by file. It is fetched again
    only if the archive lists other objects now, or a file was altered.

    Raises
    ------
    PacsError
        If the query cannot be answered, fits nothing, or fits more series than allowed.
    OutputError
        If the disk cannot be written.
    """
    found = find_series(archive, query)
    if not found:
        raise nothing_fits(archive.host, query)
    if len(found) > limits.series:
        raise PacsLimitError(
            "more series fit than one pull may fetch",
            case=archive.host,
            expected=f"at most {limits.series}",
            found=str(len(found)),
            remedy="Narrow the query, or raise pull.series in the settings",
        )
    pulled: list[PulledSeries] = []
    for series in found:
        progress(PULLED_STAGE, len(pulled), len(found))
        pulled.append(_pull_or_fail(PullRun(archive, query, limits, now), series, folder))
    return tuple(pulled)


@dataclass(frozen=True)
class PullRun:
    """What all series of one pull share."""

    archive: Archive
    query: Query
    limits: PullLimits
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def _pull_or_fail(run: PullRun, series: SeriesFound, folder: Path) -> PulledSeries:
    target = folder / series.study_uid / series.series_uid  # `find_series` lets no odd ones through
    try:
        return pull_one(run, series, target)
    except (PacsError, OutputExistsError) as error:
        return PulledSeries(series, target, "failed", error=error)


def pull_one(run: PullRun, series: SeriesFound, target: Path) -> PulledSeries:
    """Fetch one series into the folder `target`, or find it whole there.

    Raises
    ------
    PacsError
        One of its kinds, if it cannot be fetched as the archive lists it.
    OutputExistsError, OutputError
        If somebody else's files are there, or the disk cannot be written.
    """
    promised = _promised(run, series)
    record = read_record(target)
    here, note = what_is_here(target, promised, record)
    if here is Here.WHOLE and record is not None:
        return PulledSeries(series, target, "already here", record["instances"], record["bytes"])
    with staged_folder(target, overwrite=here is Here.OUTDATED) as staging:
        stored = retrieve_series(run.archive, promised, staging, run.limits)
        write_json(staging / RECORD, build_record(series, run.archive.host, run.query, stored, run.now()))
    state: State = "fetched again" if here is Here.OUTDATED else "fetched"
    return PulledSeries(series, target, state, len(stored), sum(one.bytes for one in stored), note)


def _promised(run: PullRun, series: SeriesFound) -> Promised:
    uids = instance_uids(run.archive, series.study_uid, series.series_uid)
    promised = Promised(run.archive.host, series.study_uid, series.series_uid, uids)
    if not uids or series.instances not in (None, len(uids)):
        raise PacsContentError(
            "the archive lists another number of objects than it counts",
            case=promised.case,
            expected=f"{series.instances} objects" if series.instances else "at least one object",
            found=f"{len(uids)} objects",
            remedy="It may still be receiving the study; try again later",
        )
    if len(uids) > run.limits.instances:
        raise PacsLimitError(
            "the series has more objects than allowed",
            case=promised.case,
            expected=f"at most {run.limits.instances}",
            found=str(len(uids)),
            remedy="Raise pull.instances in the settings if this is right",
        )
    return promised
