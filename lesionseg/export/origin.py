"""Who or what made a label map: written into every file that leaves the program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Origin:
    """Where labels come from.

    Attributes
    ----------
    labels_sha256 : str
        Of the label array (`lesionseg.core.provenance.sha256_of_array`).
    created : datetime
        When the labels were made, with its time zone; every date and time that is written comes from here.
    software_version : str
        Of lesionseg.
    bundle : str
        Name and version of the model bundle; empty where a reader drew the labels alone.
    bundle_sha256 : str
        Of the whole bundle; empty likewise.
    solid_convention : str
        What the bundle calls solid, in its own words.
    reader : str
        Who drew or corrected the labels; empty for the model's own.
    """

    labels_sha256: str
    created: datetime
    software_version: str
    bundle: str = ""
    bundle_sha256: str = ""
    solid_convention: str = ""
    reader: str = ""

    @property
    def by_reader(self) -> bool:
        """Whether a person had a hand in it."""
        return bool(self.reader)
