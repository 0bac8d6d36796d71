"""Everything that can be wrong with a trial's plan and tables, found before the first scan is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lesionseg.core.errors import ConfigurationError, InputError
from lesionseg.core.plan import TrialPlan, read_plan
from lesionseg.core.provenance import sha256_of_file
from lesionseg.core.table_faults import TableFault, refuse_faults
from lesionseg.core.table_input import InputTable
from lesionseg.core.tables import write_csv
from lesionseg.longitudinal import ChangeRequest, Status, Subject, make_changes, read_subjects
from lesionseg.longitudinal.subject_table import is_before
from lesionseg.statistics.analysis.arm_table import SUBJECT, read_arm_table
from lesionseg.workflow.scan_list.matching import list_scans
from lesionseg.workflow.scan_list.scan_list import ListedScan, ScanList
from lesionseg.workflow.scan_list.table import read_visits
from lesionseg.workflow.trial.request import SCANS_CSV, ScanOutcome, TrialRequest
from lesionseg.workflow.trial.scans import scan_rows


@dataclass(frozen=True)
class CheckedTrial:
    """A trial whose tables agree with each other, with the plan and with the scans.

    Attributes
    ----------
    plan : TrialPlan
    scans : ScanList
    hashes : mapping of str to str
        SHA-256 of every file that was given, by its name in `TrialRequest.tables`.
    """

    plan: TrialPlan
    scans: ScanList
    hashes: Mapping[str, str]


def check_trial(request: TrialRequest) -> CheckedTrial:
    """Read plan, tables and DICOM headers, and refuse what does not fit; nothing is written.

    The arm table is checked here and then forgotten: nothing that comes back knows an arm.

    Raises
    ------
    InputError
        `PlanError` or `TableError` with all faults of the first file that has any, with row and column;
        what `list_scans` raises where the scans cannot be found.
    ConfigurationError
        If a table was given that is used with arms only.
    """
    plan = read_plan(request.plan)
    arms = read_arm_table(request.arms, plan) if request.arms else None
    if arms is None and (request.endpoints or request.adverse_events):
        raise ConfigurationError(
            "further endpoints and adverse events are compared between arms",
            expected="the arm table",
            remedy="Pass --arms too, or leave out --endpoints and --adverse-events",
        )
    subjects = read_subjects(request.subjects).subjects if request.subjects else {}
    visits = read_visits(request.visits, plan) if request.visits else None
    scans = list_scans(request.dicom, visits)
    _Agreement(request, scans, subjects, arms).check()
    _rehearse(request, plan, scans)
    return CheckedTrial(plan, scans, {name: sha256_of_file(path) for name, path in request.tables.items()})


def refuse_altered(request: TrialRequest, hashes: Mapping[str, str]) -> None:
    """Raise (InputError) if a file that was checked is another one by now; scans may take hours."""
    for name, path in request.tables.items():
        if not path.is_file() or sha256_of_file(path) != hashes[name]:
            raise InputError(
                "this file has changed since the trial began",
                case=str(path),
                expected=f"SHA-256 {hashes[name]}",
                remedy="Run again: the scans that are measured are taken over",
            )


@dataclass(frozen=True)
class _Agreement:
    """Who takes part, according to each table."""

    request: TrialRequest
    scans: ScanList
    subjects: Mapping[str, Subject]
    arms: InputTable | None
    first: dict[str, ListedScan] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse tables that disagree."""
        for scan in self.scans.scans:
            self.first.setdefault(scan.subject, scan)
        by_scan = [*self._unknown_subjects(), *self._births_after_scans(), *self._not_randomised()]
        refuse_faults(self.request.visits or self.request.dicom, by_scan)
        if self.arms is not None:
            refuse_faults(self.arms.path, list(self._not_scanned(self.arms)))
        self._refuse_scans_without_visits()

    def _unknown_subjects(self) -> Iterator[TableFault]:
        if self.request.subjects is None:
            return
        for subject, scan in self.first.items():
            if subject not in self.subjects:
                yield TableFault(
                    f"subject {subject} has scans, but stands not in {self.request.subjects.name}",
                    "Correct the name, or add the subject there",
                    scan.row,
                    SUBJECT,
                )

    def _births_after_scans(self) -> Iterator[TableFault]:
        for scan in self.scans.scans:
            born = self.subjects.get(scan.subject, Subject(scan.subject)).birth_date
            if is_before(scan.study_date, born):
                yield TableFault(
                    f"the scan of {scan.study_date} in {scan.path} lies before the birth of "
                    f"{scan.subject} on {born}",
                    "Correct one of the dates",
                    scan.row,
                    "date",
                )

    def _not_randomised(self) -> Iterator[TableFault]:
        if self.arms is None:
            return
        randomised = {row[SUBJECT] for row in self.arms.rows}
        for subject, scan in self.first.items():
            if subject not in randomised:
                yield TableFault(
                    f"subject {subject} has scans, but stands not in {self.arms.path.name}",
                    "Add the subject there, or leave its scans out of the table of visits",
                    scan.row,
                    SUBJECT,
                )

    def _not_scanned(self, arms: InputTable) -> Iterator[TableFault]:
        for row, line in zip(arms.rows, arms.line_numbers, strict=True):
            if row[SUBJECT] not in self.first and row[SUBJECT] not in self.subjects:
                yield TableFault(
                    f"subject {row[SUBJECT]} has no scan",
                    "Correct the name; who was never scanned is kept if the table of subjects lists them",
                    line,
                    SUBJECT,
                )

    def _refuse_scans_without_visits(self) -> None:
        """Refuse a trial in which no scan can be of any visit."""
        dated = any(
            scan.visit_given or self.subjects.get(scan.subject, Subject(scan.subject)).day_zero
            for scan in self.scans.scans
        )
        if not dated:
            raise ConfigurationError(
                "no scan can be given its visit",
                case=str(self.request.visits or self.request.dicom),
                expected="the visit of each scan, or the day from which the days of its subject are counted",
                remedy="Fill the column visit in --visits, or pass --subjects with the column day_zero",
            )


def _rehearse(request: TrialRequest, plan: TrialPlan, scans: ScanList) -> None:
    """Go the rest of the way as if every scan had failed, so that its checks refuse now and not in hours."""
    with tempfile.TemporaryDirectory(prefix="lesionseg-") as name:
        folder = Path(name)
        absent = [ScanOutcome(scan, Status.FAILED, reason="not-yet") for scan in scans.scans]
        write_csv(folder / SCANS_CSV, scan_rows(absent, folder))
        changes = make_changes(
            ChangeRequest(folder / SCANS_CSV, request.plan, folder / "visits", subjects=request.subjects)
        )
        if request.arms is not None:
            _rehearse_joining(request, plan, changes.folder, request.arms)


def _rehearse_joining(request: TrialRequest, plan: TrialPlan, changes: Path, arms: Path) -> None:
    from lesionseg.statistics import read_trial_tables
    from lesionseg.statistics.analysis.endpoint_table import check_parameters
    from lesionseg.statistics.analysis.subjects import join_arms

    tables = read_trial_tables(
        changes, arms, plan, endpoints=request.endpoints, adverse_events=request.adverse_events
    )
    check_parameters(join_arms(tables, plan))
