"""Is a case done for good? Told by the ledger and by hashes of its input, model, settings and files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lesionseg import __version__
from lesionseg.batch.cases import BatchCase
from lesionseg.batch.records import CaseKey, CaseRecord, State
from lesionseg.batch.request import BatchSettings
from lesionseg.batch.sources import RemoteStudy
from lesionseg.core.errors import LesionSegError, OutputExistsError
from lesionseg.core.provenance import sha256_of_file
from lesionseg.segmentation import ModelBundle, Segmenter
from lesionseg.workflow.request import CASE_PAGE
from lesionseg.workflow.trial.resume import WantedCase

_NOT_COMPARED = ("model", "threads")
"""Settings that say how the segmenter is found and how fast it runs; the bundle's hash says what it is."""


@dataclass(frozen=True)
class WantedBatch:
    """What the cases of a batch must be made with."""

    settings: BatchSettings
    segmenter: Segmenter

    def repairs(self, case: BatchCase) -> tuple[str, ...]:
        """Repairs that may be done to this scan: none to a volume file."""
        return self.settings.repairs if case.is_dicom else ()

    def key(self, manifest: Mapping[str, Any]) -> CaseKey:
        """Return the key of a case from its manifest."""
        return CaseKey(manifest["input"]["sha256"], self._bundle_sha256, self._settings_sha256)

    def still_holds(self, record: CaseRecord, case: BatchCase, folder: Path) -> bool:
        """Tell whether a case is done and needs no further work.

        Raises
        ------
        OutputExistsError
            If the folder holds a case whose files are no longer as they were written: somebody's corrections
            are not written over.
        """
        if not folder.is_dir():
            return False
        files = case.files.paths if case.remote is None else None
        wanted = WantedCase(files, case.asked_series, self.repairs(case), self.settings.case, self.segmenter)
        unchanged = wanted.is_in(folder)
        if record.state is not State.DONE or record.key is None:
            return False
        _refuse_altered(folder, record.outputs)
        made_with = (record.key.bundle_sha256, record.key.settings_sha256)
        unchanged = unchanged and made_with == (self._bundle_sha256, self._settings_sha256)
        return unchanged and (case.remote is None or _same_elsewhere(case.remote, record))

    @property
    def _bundle_sha256(self) -> str:
        bundle = getattr(self.segmenter, "bundle", None)
        return bundle.sha256 if isinstance(bundle, ModelBundle) else self.segmenter.bundle_name

    @cached_property
    def _settings_sha256(self) -> str:
        settings = self.settings
        case = asdict(settings.case)
        for name in _NOT_COMPARED:
            del case["segmenter"][name]
        said = {
            "lesionseg": __version__,
            "case": case,
            "repairs": settings.repairs,
            "export": None if settings.export is None else asdict(settings.export),
            "pages": settings.pages,
        }
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a case, by its path; not of its page, which `report` may renew."""
    return {
        path.relative_to(folder).as_posix(): sha256_of_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != CASE_PAGE
    }


def _same_elsewhere(study: RemoteStudy, record: CaseRecord) -> bool:
    """Tell whether a study holds what was fetched; done work is kept where that cannot be asked now."""
    try:
        return study.content() == record.facts.get("content")
    except LesionSegError:
        return "content" in record.facts


def _refuse_altered(folder: Path, outputs: Mapping[str, str]) -> None:
    for name, sha256 in outputs.items():
        path = folder / name
        if not path.is_file() or sha256_of_file(path) != sha256:
            raise OutputExistsError(
                "the files of this case have changed since they were written",
                case=str(folder),
                expected=f"{name} as the ledger records it",
                found="another content" if path.is_file() else "no such file",
                remedy="Move the folder away to have the scan measured again",
            )
