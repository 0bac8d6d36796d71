"""The four steps of a case as any engine takes them; the ledger is not known here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.extras import add_extras
from lesionseg.batch.request import BatchSettings
from lesionseg.batch.wanted import WantedBatch, hashes_of
from lesionseg.segmentation import Segmenter
from lesionseg.workflow.case import (
    LabelledCase,
    MeasuredCase,
    ReadCase,
    label_scan,
    measure_labels,
    read_scan,
    write_case,
)
from lesionseg.workflow.request import CaseRequest, Watch


@dataclass(frozen=True)
class WrittenCase:
    """A case that is on disk.

    Attributes
    ----------
    manifest : dict
        As written.
    outputs : dict of str to str
        SHA-256 of each file, by its path in the case folder.
    warnings : tuple of str
    """

    manifest: dict[str, Any]
    outputs: dict[str, str]
    warnings: tuple[str, ...]


class Stages(Protocol):
    """Does the steps of a case, one after the other; each for another case at the same time."""

    def read(self, case: BatchCase) -> Any:
        """Load the scan; every step returns what the next one takes."""

    def segment(self, case: BatchCase, read: Any) -> Any:
        """Run the network; called by one thread."""

    def measure(self, case: BatchCase, labelled: Any) -> Any:
        """Measure; called by one thread."""

    def write(self, case: BatchCase, measured: Any) -> WrittenCase:
        """Write the case's folder, whole or not at all; called by one thread."""

    def forget(self, case: BatchCase) -> None:
        """Let go of a case that is put back."""


@dataclass(frozen=True)
class OwnStages:
    """The steps in this process.

    Attributes
    ----------
    settings : BatchSettings
    segmenter : Segmenter
    folder : Path
        Of the case folders.
    watch : Watch
    shown_folder : Path or None
        What messages call that folder, where the results are moved to another one in the end.
    """

    settings: BatchSettings
    segmenter: Segmenter
    folder: Path
    watch: Watch
    shown_folder: Path | None = None

    def read(self, case: BatchCase) -> ReadCase:
        """Read the headers again, and the pixels."""
        request = CaseRequest(
            case.path,
            self.folder / case.case_id,
            series_uid=case.asked_series,
            repairs=WantedBatch(self.settings, self.segmenter).repairs(case),
            overwrite=True,
            found=case.find_again(),
            label=case.case_id,
        )
        return read_scan(request, settings=self.settings.case, watch=self.watch)

    def segment(self, case: BatchCase, read: ReadCase) -> LabelledCase:
        """Run the network."""
        del case
        return label_scan(read, self.segmenter)

    def measure(self, case: BatchCase, labelled: LabelledCase) -> MeasuredCase:
        """Measure on the scan's own grid."""
        del case
        return measure_labels(labelled)

    def write(self, case: BatchCase, measured: MeasuredCase) -> WrittenCase:
        """Write the folder with exports and page."""
        folder = self.folder / case.case_id
        shown = (self.shown_folder or self.folder) / case.case_id
        result = write_case(measured, add=partial(add_extras, settings=self.settings, folder=shown))
        return WrittenCase(result.manifest, hashes_of(folder), result.warnings)

    def forget(self, case: BatchCase) -> None:
        """Do nothing: what was decoded goes with the last name that is bound to it."""
