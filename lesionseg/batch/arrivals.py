"""Studies of an archive as cases: listed at once, brought here one by one, let go of when they are done."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.ledger import Ledger
from lesionseg.batch.names import proposed_name
from lesionseg.batch.request import PULLED, BatchRequest
from lesionseg.batch.sources import RemoteStudy
from lesionseg.batch.work_list import case_of_folder, study_identity


def remote_cases(request: BatchRequest) -> Sequence[BatchCase]:
    """List the studies of all sources; each will be brought into a folder of its own in the batch's.

    Raises
    ------
    LesionSegError
        If a source cannot be asked, or has no study.
    """
    folder = request.output / PULLED
    return [_case(study, folder) for source in request.sources for study in source.studies()]


def bring_here(case: BatchCase, ledger: Ledger) -> BatchCase:
    """Fetch a case's study, and return the case with its files; as it is where it is not elsewhere.

    Which content of the study this is goes into the ledger, where the next run finds it.

    Raises
    ------
    LesionSegError
        If the study cannot be fetched.
    """
    if case.remote is None:
        return case
    place = _place(case)
    content = case.remote.fetch(place)
    here = replace(case_of_folder(place), case_id=case.case_id, identity=case.identity)
    ledger.note_fetched(case.case_id, content, here.series_uid)
    return here


def let_go(case: BatchCase) -> None:
    """Delete what was fetched of a study, unless it is to stay."""
    if case.remote is None or case.remote.stays:
        return
    shutil.rmtree(_place(case), ignore_errors=True)
    with contextlib.suppress(OSError):  # others lie there still
        case.path.rmdir()


def _place(case: BatchCase) -> Path:
    return case.path / case.case_id


def _case(study: RemoteStudy, folder: Path) -> BatchCase:
    return BatchCase(
        case_id=proposed_name(study.patient_id, study.study_date, study.study_uid),
        identity=study_identity(study.patient_id, study.study_uid),
        path=folder,
        patient_id=study.patient_id,
        study_uid=study.study_uid,
        study_date=study.study_date,
        remote=study,
    )
