"""``lesionseg pacs``: scans from an archive, and results to it, by DICOMweb."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.run import SOME_FAILED
from lesionseg.cli.screen import Screen

if TYPE_CHECKING:
    from lesionseg.pacs.settings import PacsSettings, Web
    from lesionseg.pacs.web import Query

pacs = typer.Typer(
    name="pacs",
    help="Find and pull scans in a DICOMweb archive, push results; or listen, and segment what is sent.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SettingsOption = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings of the archive (YAML); see docs/pacs.md."),
]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="Instead of settings: an archive on this machine."),
]
PatientOption = Annotated[
    str, typer.Option("--patient", metavar="ID", help="Patient ID, exactly as the archive has it.")
]
FirstDateOption = Annotated[
    datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First study date.")
]
LastDateOption = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last study date, included.")
]
StudyOption = Annotated[
    list[str], typer.Option("--study", metavar="UID", show_default=False, help="May be repeated.")
]
SeriesOption = Annotated[
    list[str], typer.Option("--series", metavar="UID", show_default=False, help="May be repeated.")
]
ModalityOption = Annotated[str, typer.Option("--modality", help="'any' for all of them.")]
StudyTextOption = Annotated[
    str,
    typer.Option("--study-description", metavar="PATTERN", help="* is any text, ? any character."),
]
SeriesTextOption = Annotated[
    str,
    typer.Option("--series-description", metavar="PATTERN", help="* is any text, ? any character."),
]


@pacs.command("find")
def find(
    *,
    settings: SettingsOption = None,
    url: UrlOption = None,
    patient: PatientOption = "",
    first_date: FirstDateOption = None,
    last_date: LastDateOption = None,
    study: StudyOption = [],  # noqa: B006 - Typer makes a new list for every call
    series: SeriesOption = [],  # noqa: B006
    modality: ModalityOption = "CT",
    study_description: StudyTextOption = "",
    series_description: SeriesTextOption = "",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """List the series in the archive that fit; nothing is fetched."""
    del verbose
    _refuse_without_extra()
    from lesionseg.cli.pacs_screen import report_found
    from lesionseg.pacs.web import Archive, find_series

    screen = Screen("pacs find", as_json=as_json, quiet=quiet)
    descriptions = study_description, series_description
    query = _query(patient, (first_date, last_date), (study, series), modality, descriptions)
    with Archive(_web(_settings(settings, url))) as archive:
        report_found(screen, find_series(archive, query))


@pacs.command("pull")
def pull_series(
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", show_default=False, help="Folder for STUDY/SERIES folders; may hold some."
        ),
    ],
    settings: SettingsOption = None,
    url: UrlOption = None,
    patient: PatientOption = "",
    first_date: FirstDateOption = None,
    last_date: LastDateOption = None,
    study: StudyOption = [],  # noqa: B006 - Typer makes a new list for every call
    series: SeriesOption = [],  # noqa: B006
    modality: ModalityOption = "CT",
    study_description: StudyTextOption = "",
    series_description: SeriesTextOption = "",
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Fetch every series that fits, each whole with a pull.json of hashes, or not at all.

    What an earlier pull has brought and nobody altered is not fetched again. Exit code 3 if some series
    failed, 1 if all did.
    """
    del verbose
    _refuse_without_extra()
    from lesionseg.cli.pacs_screen import report_pulled
    from lesionseg.pacs.web import Archive, pull

    screen = Screen("pacs pull", as_json=as_json, quiet=quiet)
    descriptions = study_description, series_description
    query = _query(patient, (first_date, last_date), (study, series), modality, descriptions)
    chosen = _settings(settings, url)
    with screen.progress() as progress, Archive(_web(chosen)) as archive:
        pulled = pull(archive, query, output, limits=chosen.pull, progress=progress)
    report_pulled(screen, pulled)
    _leave([one.state for one in pulled])


@pacs.command("push")
def push_objects(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", show_default=False, help="DICOM file, or folder such as a case's export."
        ),
    ],
    *,
    settings: SettingsOption = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Send every DICOM object under a path; what the archive has already is not sent again.

    Exit code 3 if some objects failed, 1 if all did.
    """
    del verbose
    _refuse_without_extra()
    from lesionseg.cli.pacs_screen import report_pushed
    from lesionseg.pacs.web import Archive, push

    screen = Screen("pacs push", as_json=as_json, quiet=quiet)
    with screen.progress() as progress, Archive(_web(_settings(settings, url))) as archive:
        pushed = push(archive, path, progress=progress)
    report_pushed(screen, pushed)
    _leave([one.state for one in pushed])


def _refuse_without_extra() -> None:
    from lesionseg.pacs.extra import refuse_without

    refuse_without("dicomweb_client", "requests")


def _settings(file: Path | None, url: str | None) -> PacsSettings:
    from lesionseg.pacs.settings_file import loopback_settings, read_settings

    if (file is None) == (url is None):
        raise typer.BadParameter("give either --settings or --url")
    return read_settings(file) if file is not None else loopback_settings(url or "")


def _web(settings: PacsSettings) -> Web:
    from lesionseg.core.errors import ConfigurationError

    if settings.web is None:
        raise ConfigurationError(
            "the settings name no DICOMweb service", expected="a section web", remedy="docs/pacs.md shows one"
        )
    return settings.web


def _query(
    patient: str,
    dates: tuple[datetime | None, datetime | None],
    uids: tuple[list[str], list[str]],
    modality: str,
    descriptions: tuple[str, str],
) -> Query:
    from lesionseg.pacs.web import Query

    first_date, last_date = (day.date() if day else None for day in dates)
    return Query(
        patient_id=patient,
        first_date=first_date,
        last_date=last_date,
        study_uids=tuple(uids[0]),
        series_uids=tuple(uids[1]),
        modality="" if modality.lower() == "any" else modality.upper(),
        study_description=descriptions[0],
        series_description=descriptions[1],
    )


def _leave(states: list[str]) -> None:
    failed = states.count("failed")
    if failed:
        raise typer.Exit(1 if failed == len(states) else SOME_FAILED)
