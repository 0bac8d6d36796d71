"""The four steps, done by a worker elsewhere; what it wrote gets its name here."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.cluster.places import with_full_paths
from lesionseg.batch.cluster.post import Post
from lesionseg.batch.stages import WrittenCase
from lesionseg.batch.wanted import hashes_of
from lesionseg.core.errors import WorkerLostError
from lesionseg.core.files import STAGING_PREFIX, staged_folder
from lesionseg.workflow.output import refuse_output
from lesionseg.workflow.request import CASE_OUTPUT


@dataclass(frozen=True)
class Attempt:
    """One try of a case: which worker has it, and the folder that nobody else writes to.

    A worker that was taken for lost and is not may still write. It does so where nobody looks.
    """

    worker: int
    folder: Path


@dataclass(frozen=True)
class RemoteStages:
    """Calls a worker for each step.

    Attributes
    ----------
    post : Post
    folder : Path
        Of the case folders.
    """

    post: Post
    folder: Path
    _attempts: dict[str, Attempt] = field(default_factory=dict)

    def read(self, case: BatchCase) -> Attempt:
        """Let a worker load the scan."""
        refuse_output(self.folder / case.case_id, CASE_OUTPUT, overwrite=True)
        place = self.folder.absolute() / f"{STAGING_PREFIX}{uuid.uuid4().hex}"
        attempt = self._attempts[case.case_id] = Attempt(self.post.worker(), place)
        with self._swept(case):
            self.post.call(attempt.worker, "read", with_full_paths(case), place)
        return attempt

    def segment(self, case: BatchCase, attempt: Attempt) -> Attempt:
        """Let the worker run the network."""
        return self._step("segment", case, attempt)

    def measure(self, case: BatchCase, attempt: Attempt) -> Attempt:
        """Let the worker measure."""
        return self._step("measure", case, attempt)

    def write(self, case: BatchCase, attempt: Attempt) -> WrittenCase:
        """Let the worker write, and put into place what is found on disk.

        Raises
        ------
        WorkerLostError
            If that is not what the worker says it wrote.
        """
        with self._swept(case):
            written: WrittenCase = self.post.call(attempt.worker, "write", case.case_id)
            self._put_in_place(case, attempt.folder / case.case_id, written)
        self.forget(case)
        return written

    def forget(self, case: BatchCase) -> None:
        """Let go of a case, here and in its worker, and of what is written of it."""
        attempt = self._attempts.pop(case.case_id, None)
        if attempt is not None:
            self.post.forget(attempt.worker, case.case_id)
            shutil.rmtree(attempt.folder, ignore_errors=True)

    def _step(self, step: str, case: BatchCase, attempt: Attempt) -> Attempt:
        with self._swept(case):
            self.post.call(attempt.worker, step, case.case_id)
        return attempt

    def _put_in_place(self, case: BatchCase, source: Path, written: WrittenCase) -> None:
        found = hashes_of(source)
        if found != written.outputs:
            raise WorkerLostError(
                "the files are not those that the worker wrote",
                case=str(source),
                expected=f"{len(written.outputs)} files with the hashes that it told",
                found=f"{len(set(found.items()) & set(written.outputs.items()))} of them",
                remedy="See whether the results' folder is the same disk on every machine",
            )
        with staged_folder(self.folder / case.case_id, overwrite=True) as staging:
            for path in source.iterdir():
                path.rename(staging / path.name)

    @contextmanager
    def _swept(self, case: BatchCase) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.forget(case)
            raise
