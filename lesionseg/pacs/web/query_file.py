"""A query as a file: what a batch is to fetch from an archive, and from which."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from lesionseg.core.errors import ConfigurationError, InputNotFoundError
from lesionseg.core.yaml_file import YamlKind, read_yaml
from lesionseg.pacs.settings import PacsSettings, Section
from lesionseg.pacs.settings_file import as_configuration_error, loopback_settings, read_settings
from lesionseg.pacs.web.query import Query
from lesionseg.pacs.web.studies import ArchiveSource

_KIND: Final = YamlKind("a query", "archive, patients, from", "docs/batch.md", ConfigurationError)
Text = Annotated[str, StringConstraints(min_length=1)]


class QueryFile(Section):
    """What the file holds; the options of ``lesionseg pacs pull`` under their own names.

    Attributes
    ----------
    archive : Path, optional
        Settings of the archive, from the folder of this file on.
    url : str, optional
        Instead of them: an archive on this machine.
    patients, studies, series : tuple of str
        Patient IDs; UIDs.
    first_date, last_date : date, optional
        ``from`` and ``to`` in the file.
    modality : str
        ``any`` for all.
    study_description, series_description : str
    keep : bool
        Keep what was fetched.
    """

    archive: Path | None = None
    url: str | None = None
    patients: tuple[Text, ...] = ()
    studies: tuple[Text, ...] = ()
    series: tuple[Text, ...] = ()
    first_date: date | None = Field(default=None, alias="from")
    last_date: date | None = Field(default=None, alias="to")
    modality: str = "CT"
    study_description: str = ""
    series_description: str = ""
    keep: bool = False

    @model_validator(mode="after")
    def _check_archive(self) -> Self:
        if (self.archive is None) == (self.url is None):
            raise ValueError("give either archive or url")
        return self

    @property
    def queries(self) -> tuple[Query, ...]:
        """One for each patient; one where none is named. Raises as `Query` does."""
        return tuple(
            Query(
                patient_id=patient_id,
                first_date=self.first_date,
                last_date=self.last_date,
                study_uids=self.studies,
                series_uids=self.series,
                modality="" if self.modality.lower() == "any" else self.modality.upper(),
                study_description=self.study_description,
                series_description=self.series_description,
            )
            for patient_id in self.patients or ("",)
        )


def read_query_file(path: Path) -> ArchiveSource:
    """Read and check a query, and the settings of its archive; the archive is not asked yet.

    Raises
    ------
    InputNotFoundError
        If it, or the settings that it names, is not there.
    ConfigurationError
        If it is no YAML, a key is missing, unknown, doubled or impossible, or it means the whole archive.
    """
    if not path.is_file():
        raise InputNotFoundError("there is no such query", case=str(path), remedy="docs/batch.md shows one")
    content = read_yaml(path, _KIND)
    try:
        asked = QueryFile.model_validate(dict(content))
    except ValidationError as error:
        # not chained: pydantic's own words may repeat a value
        details = error.errors(include_url=False, include_input=False)
        raise as_configuration_error(details, str(path), _KIND.shown_in) from None
    settings = _settings(asked, path.parent)
    if settings.web is None:
        raise ConfigurationError(
            "the settings name no DICOMweb service", case=str(path), expected="a section web in them"
        )
    return ArchiveSource(str(path), settings.web, asked.queries, settings.pull, asked.keep)


def _settings(asked: QueryFile, folder: Path) -> PacsSettings:
    if asked.archive is not None:
        return read_settings(folder / asked.archive.expanduser())
    return loopback_settings(asked.url or "")
