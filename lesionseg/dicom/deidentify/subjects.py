"""Who becomes whom: pseudonym and shift of dates of each patient, from the key alone or from a table."""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from lesionseg.dicom.deidentify.key import PseudonymKey
from lesionseg.dicom.deidentify.outcome import refused

SHORTEST_SHIFT_DAYS: Final = 365
LONGEST_SHIFT_DAYS: Final = 3652
"""Dates move back by one to ten years: no date comes to lie in the future, and the year says little."""
_PSEUDONYM_CHARACTERS: Final = 12
"""60 bits: among 100,000 patients two share a pseudonym with a chance of one in 200 million."""


@dataclass(frozen=True, slots=True, order=True)
class Patient:
    """A patient as the archive knows them: patient ID, and who issued it if the file says."""

    patient_id: str
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """A patient as the de-identified files know them.

    Attributes
    ----------
    name : str
        Stands as patient ID and name, and is a folder's name.
    shift_days : int
        Added to every date; negative.
    """

    name: str
    shift_days: int


@dataclass
class Subjects:
    """Gives every patient one subject, always the same for the same key; remembers whom it met.

    Parameters
    ----------
    key : PseudonymKey
    table : mapping of str to str, optional
        Patient ID to subject, for all patients; without it pseudonyms are made from the key.
    """

    key: PseudonymKey
    table: Mapping[str, str] | None = None
    met: dict[Patient, Subject] = field(default_factory=dict)

    def of(self, patient: Patient) -> Subject:
        """Return the patient's subject.

        Raises
        ------
        NotCopied
            If the patient has no ID, is not in the table, or is one of two in the table's eyes.
        """
        if not patient.patient_id:
            raise refused("no-patient-id", "the file has no patient ID, so that it is nobody's")
        if patient not in self.met:
            self.met[patient] = self._new(patient)
        return self.met[patient]

    def ids_of_several_issuers(self) -> int:
        """How many patient IDs were met with several issuers, or with and without one."""
        ids = [patient.patient_id for patient in self.met]
        return len({name for name in ids if ids.count(name) > 1})

    def _new(self, patient: Patient) -> Subject:
        if self.table is None:
            digest = self.key.digest("subject", patient.patient_id, patient.issuer)
            name = base64.b32encode(digest).decode("ascii")[:_PSEUDONYM_CHARACTERS]
            return Subject(name, self._shift_days(patient.patient_id, patient.issuer))
        name = self.table.get(patient.patient_id, "")
        if not name:
            raise refused("not-in-table", "the patient is not in the table of subjects")
        issuers = {other.issuer for other in self.met if other.patient_id == patient.patient_id}
        if patient.issuer and issuers - {"", patient.issuer}:
            raise refused(
                "two-issuers", "the patient ID was issued twice, so the table may mean another patient"
            )
        return Subject(name, self._shift_days("subject of the table", name))

    def _shift_days(self, *who: str) -> int:
        span = LONGEST_SHIFT_DAYS - SHORTEST_SHIFT_DAYS + 1
        return -(SHORTEST_SHIFT_DAYS + int.from_bytes(self.key.digest("shift", *who)[:8], "big") % span)


def plain_id(value: object) -> str:
    """Return an identifier as it is compared: without padding, composed characters (Unicode NFC)."""
    return unicodedata.normalize("NFC", str(value or "")).strip(" \0")
