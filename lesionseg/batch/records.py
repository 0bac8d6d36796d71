"""What the ledger knows of a case."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from lesionseg.workflow.export.names import EXPORT_FOLDER
from lesionseg.workflow.request import MANIFEST


class State(StrEnum):
    """Where a case stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class CaseKey:
    """What a done case was made of.

    Attributes
    ----------
    input_sha256 : str
        Over the hashes of all files of its series, as the case's manifest has it.
    bundle_sha256 : str
        Of the model bundle; its name where the segmenter has none.
    settings_sha256 : str
        Of the version of lesionseg and all settings that change what is written.
    """

    input_sha256: str
    bundle_sha256: str
    settings_sha256: str


@dataclass(frozen=True)
class CaseRecord:
    """One row of the ledger.

    Attributes
    ----------
    case_id, identity : str
        As of `BatchCase`.
    state : State
    starts : int
        How often it was begun since it was last pending for a new reason; counts what a killed process left.
    listed : bool
        Whether the inputs of the last call hold it.
    key : CaseKey or None
        Of a done case.
    reason, reason_text : str
        Error code and sentence of a failed case; why a case is pending again.
    warnings : tuple of str
    outputs : dict of str to str
        SHA-256 of each file of a done case, by its path in the case folder.
    facts : dict of str to str
        ``patient_id``, ``study_uid``, ``series_uid``, ``study_date``, ``path``; of a study that was fetched
        also its ``content``.
    """

    case_id: str
    identity: str
    state: State = State.PENDING
    starts: int = 0
    listed: bool = True
    key: CaseKey | None = None
    reason: str = ""
    reason_text: str = ""
    warnings: tuple[str, ...] = ()
    outputs: dict[str, str] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)

    @property
    def timeless_outputs(self) -> dict[str, str]:
        """Outputs without the manifest and the exports, in which the time of making stands."""
        return {
            name: sha256
            for name, sha256 in self.outputs.items()
            if name != MANIFEST and not name.startswith(f"{EXPORT_FOLDER}/")
        }


@dataclass(frozen=True)
class Transition:
    """One line of the ledger's history.

    Attributes
    ----------
    number : int
        Grows with time.
    case_id : str
    at : str
        UTC, ISO 8601.
    state : State
        That the case came into,
    reason : str
        and why, where there is a reason.
    """

    number: int
    case_id: str
    at: str
    state: State
    reason: str
