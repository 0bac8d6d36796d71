"""Names for cases: unique in the batch, and a name once given stays."""

from __future__ import annotations

from collections.abc import Collection

from lesionseg.core.file_names import safe_file_name


def proposed_name(patient_id: str, study_date: str, otherwise: str) -> str:
    """Return a name after patient and date; `otherwise`, of file or folder, where there is no patient ID."""
    first = safe_file_name(patient_id or otherwise)
    return f"{first}_{safe_file_name(study_date)}" if study_date else first


def free_name(name: str, taken: Collection[str]) -> str:
    """Return the name, with a number where it is taken already.

    Parameters
    ----------
    name : str
    taken : collection of str
        In small letters: small and capital letters count as the same, as some file systems see them.
    """
    number, free = 1, name
    while free.lower() in taken:
        number += 1
        free = f"{name}_{number}"
    return free
