"""CT images go in; the same images without identities come out, with a report that may go with them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lesionseg.core.errors import ConfigurationError, NoCTSeriesError, OutputExistsError
from lesionseg.core.files import refuse_existing_output, staged_folder
from lesionseg.core.provenance import package_versions
from lesionseg.workflow.deidentify_report import FileRow, build_report, reason_counts, write_report
from lesionseg.workflow.deidentify_tables import read_subjects, read_words, write_linkage
from lesionseg.workflow.loading import refuse_absent_input
from lesionseg.workflow.request import Watch

if TYPE_CHECKING:
    from lesionseg.dicom.deidentify import CleanFile, PseudonymKey, Settings, Subjects

_FOLDER_DIGITS = 10
"""Last digits of a new UID in the name of a folder; people tell folders apart by them."""


@dataclass(frozen=True)
class DeidentifyRequest:
    """What is de-identified, and where it goes.

    Attributes
    ----------
    input_path : Path
        Folder, searched to any depth, or one file.
    output_folder : Path
        New or empty; neither in the input nor around it.
    key_file : Path
        Of the secret that pseudonyms, UIDs and shifts of dates are made with.
    make_key : bool
        Write a new key to `key_file`, where nothing may be yet.
    subjects : Path, optional
        Table with ``patient_id`` and ``subject``; patients that it lacks are refused.
    words : Path, optional
        Text file with words that may stay in descriptions, beside those of the vocabulary.
    linkage : Path, optional
        Where the list of who is whom goes; outside the output, where nothing may be yet.
    characteristics : bool
        Keep age, sex, size, weight, pregnancy and smoking status.
    """

    input_path: Path
    output_folder: Path
    key_file: Path
    make_key: bool = False
    subjects: Path | None = None
    words: Path | None = None
    linkage: Path | None = None
    characteristics: bool = False


@dataclass(frozen=True)
class DeidentifyResult:
    """What a run leaves behind.

    Attributes
    ----------
    folder : Path
    rows : tuple of FileRow
        One for each file of the input; they know the source paths, the report does not.
    report : dict
        As written into the output.
    """

    folder: Path
    rows: tuple[FileRow, ...]
    report: dict[str, Any]

    @property
    def complete(self) -> bool:
        """Whether no file was refused; those that are no CT images do not count."""
        return not any(row.status == "refused" for row in self.rows)


def deidentify(request: DeidentifyRequest, *, watch: Watch = Watch()) -> DeidentifyResult:  # noqa: B008 - frozen
    """Copy the CT images of a folder without what identifies their patients.

    Raises
    ------
    InputNotFoundError, ConfigurationError, TableError
        If input, key, table or words are absent or unfit, or output and input lie in each other.
    OutputExistsError, OutputError
        If output, linkage or a new key would overwrite something, or cannot be written.
    NoCTSeriesError
        If no file could be copied; nothing is written then.
    """
    from lesionseg.dicom.deidentify import Settings, Subjects, new_key, read_key

    _check(request)
    table = read_subjects(request.subjects) if request.subjects else None
    words = read_words(request.words) if request.words else frozenset()
    key = (new_key if request.make_key else read_key)(request.key_file)
    version = package_versions().get("lesionseg", "unknown")
    run = _Run(Settings(key, version, words, request.characteristics), Subjects(key, table))
    started = watch.now()
    with staged_folder(request.output_folder) as staging:
        paths = list(_files(request.input_path))
        for number, path in enumerate(paths, start=1):
            run.take(number, path, staging)
            watch.progress("files", number, len(paths))
        _refuse_nothing(run.rows, request.input_path)
        report = build_report(run.rows, run.settings, run.subjects, (started, watch.now()))
        write_report(staging, report, run.rows)
        if request.linkage:
            write_linkage(request.linkage, run.subjects)
    return DeidentifyResult(request.output_folder, tuple(run.rows), report)


@dataclass
class _Run:
    """Takes one file after the other, and remembers what became of it."""

    settings: Settings
    subjects: Subjects
    rows: list[FileRow] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)

    def take(self, number: int, path: Path, staging: Path) -> None:
        """Copy one file, or note why not."""
        from lesionseg.dicom.deidentify import NotCopied, clean_file, new_series_uid_of, write_clean

        try:
            clean = clean_file(path, self.subjects, self.settings)
            name = self._name(clean)
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            write_clean(clean, staging / name)
        except NotCopied as answer:
            series_uid = new_series_uid_of(path, self.key) if answer.status == "refused" else ""
            self.rows.append(FileRow.of_answer(number, path, answer, series_uid))
            return
        self.written[name] = clean.sha256
        self.rows.append(FileRow.of_copy(number, path, name, clean))

    @property
    def key(self) -> PseudonymKey:
        return self.settings.key

    def _name(self, clean: CleanFile) -> str:
        """Path below the output, made of nothing but new values."""
        from lesionseg.dicom.deidentify.outcome import left_out, refused

        folders = (
            f"{what}-{uid[-_FOLDER_DIGITS:]}"
            for what, uid in (("study", clean.study_uid), ("series", clean.series_uid))
        )
        name = "/".join((clean.subject.name, *folders, f"{clean.sop_instance_uid}.dcm"))
        if self.written.get(name) == clean.sha256:
            raise left_out("repetition", "the same file was copied already")
        if name in self.written:
            raise refused("uid-twice", "another file with the same SOP Instance UID was copied already")
        return name


def _check(request: DeidentifyRequest) -> None:
    refuse_absent_input(request.input_path)
    refuse_existing_output(request.output_folder, overwrite=False)
    source, target = request.input_path.resolve(), request.output_folder.resolve()
    if source.is_relative_to(target) or target.is_relative_to(source):
        raise ConfigurationError(
            "input and output lie in each other",
            case=str(request.output_folder),
            remedy="Choose an output folder apart from the input: it is the part that is passed on",
        )
    for what, path in (("key file", request.key_file), ("linkage", request.linkage)):
        if path and path.resolve().is_relative_to(target):
            raise ConfigurationError(
                f"the {what} would lie in the output folder, which is passed on",
                case=str(path),
                remedy="Name a file outside it",
            )
    if request.linkage and request.linkage.exists():
        raise OutputExistsError(
            "there is a linkage file already", case=str(request.linkage), remedy="Name another file"
        )


def _files(top: Path) -> Iterator[Path]:
    """Yield every file, and folders that cannot be opened; links to folders are not followed."""
    if top.is_file():
        yield top
        return
    closed: list[OSError] = []
    for folder, folders, names in os.walk(top, onerror=closed.append):
        folders.sort()
        paths = (Path(folder) / name for name in sorted(names))
        yield from (path for path in paths if path.is_file())  # pipes and devices would block
    yield from (Path(error.filename) for error in closed)


def _refuse_nothing(rows: list[FileRow], path: Path) -> None:
    if not any(row.status == "copied" for row in rows):
        raise NoCTSeriesError(
            "no file could be de-identified",
            case=str(path),
            expected="CT images with a patient ID",
            found="; ".join(f"{number} x {reason}" for reason, number in reason_counts(rows).items())
            or "no files",
            remedy="Name the folder of the CT scans; lesionseg check lists what is in it",
        )
