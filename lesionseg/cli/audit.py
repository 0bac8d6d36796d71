"""``lesionseg audit``: verify, show and recover an audit log."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from lesionseg.core.audit import AuditKey, AuditRecord, AuditReport

audit = typer.Typer(
    name="audit",
    help="Verify, show and recover an audit log.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
LogArgument = Annotated[
    Path,
    typer.Argument(metavar="LOG", show_default=False, help="The log, or the folder of readings it lies in."),
]
KeyFileOption = Annotated[
    Path | None,
    typer.Option("--key-file", show_default=False, help="Secret that the audit log is kept with, if any."),
]


def given_key(path: Path | None) -> AuditKey | None:
    """Read the key, if one is given."""
    from lesionseg.core.audit import read_key

    return read_key(path) if path else None


@audit.command("verify")
def verify(
    log: LogArgument,
    *,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Check every byte of an audit log, and name the first line that is not as it was written.

    Exit code 1 if there is one, or the last line is torn.
    """
    del verbose
    from lesionseg.core.audit import verify_log

    screen = Screen("audit verify", as_json=as_json, quiet=quiet)
    report = verify_log(_file(log), key=given_key(key_file))
    _show_report(screen, report)
    screen.result(_as_dict(report), ok=report.sound)
    if not report.sound:
        raise typer.Exit(1)


@audit.command("show")
def show(
    log: LogArgument,
    *,
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Print the records of an audit log, up to the first that is not as it was written.

    Exit code 1 if there is such a one, as with verify.
    """
    del verbose
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from lesionseg.core.audit import verify_log

    screen = Screen("audit show", as_json=as_json, quiet=quiet)
    report = verify_log(_file(log), key=given_key(key_file))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("#", "time (UTC)", "kind", "what"):
        table.add_column(name, overflow="fold")
    for record in report.records:
        time = record.time.partition(".")[0]
        table.add_row(*(Text(text) for text in (str(record.number), time, record.kind, _summary(record))))
    screen.show(table)
    _show_report(screen, report)
    records = [asdict(record) for record in report.records]
    screen.result({**_as_dict(report), "entries": records}, ok=report.sound)
    if not report.sound:
        raise typer.Exit(1)


@audit.command("recover")
def recover(
    log: LogArgument,
    *,
    by: Annotated[str, typer.Option(metavar="NAME", show_default=False, help="Who recovers the log.")],
    why: Annotated[str, typer.Option(metavar="TEXT", show_default=False, help="What happened.")],
    key_file: KeyFileOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Set aside a last line that a crash tore, and record that, by whom and why. Nothing else is touched."""
    del verbose
    from lesionseg.core.audit import recover_log

    screen = Screen("audit recover", as_json=as_json, quiet=quiet)
    record = recover_log(_file(log), by=by, why=why, key=given_key(key_file))
    torn = record.facts["torn_bytes"]
    screen.mark(GOOD, f"{torn} bytes of a torn line were set aside; record {record.number} tells of it.")
    screen.mark(HINT, "What was being recorded then did not come about: do it again.")
    screen.result({"record": asdict(record)})


def _file(log: Path) -> Path:
    """Find the log in a folder of readings."""
    if not log.is_dir():
        return log
    from lesionseg.workflow.reading.request import audit_log_of

    return audit_log_of(log)


def _show_report(screen: Screen, report: AuditReport) -> None:
    counted = f"{len(report.records)} record{'' if len(report.records) == 1 else 's'}"
    if report.sound:
        screen.mark(GOOD, f"{report.path}: {counted}, each as it was written")
        screen.show(f"Hash of the last: {report.last_sha256}")
    elif report.torn is not None:
        screen.mark(
            BAD,
            f"{report.path}: {counted}, and then a line torn after {len(report.torn.content)} bytes; "
            "see lesionseg audit recover",
        )
    else:
        screen.mark(BAD, f"{report.path}, {report.fault}")
    for note in report.notes:
        screen.mark(HINT, note)
    if report.keyed and not report.key_checked and report.sound:
        screen.mark(HINT, "The log is kept with a key, which was not checked: give --key-file.")
    if not report.keyed and report.sound:
        screen.mark(HINT, "No key: whoever may write to the log could have written all of it anew.")


def _summary(record: AuditRecord) -> str:
    """Say in one line what a record tells: its short texts."""
    shown = [
        f"{name}: {value}"
        for name, value in record.facts.items()
        if isinstance(value, str) and value and not name.endswith(("sha256", "base64", "_uid", "under_way"))
    ]
    return "; ".join(shown)


def _as_dict(report: AuditReport) -> dict[str, Any]:
    torn = report.torn
    return {
        "log": str(report.path),
        "records": len(report.records),
        "last_sha256": report.last_sha256,
        "fault": asdict(report.fault) if report.fault else None,
        "torn": {"bytes": len(torn.content), "is_beginning": torn.is_beginning} if torn else None,
        "keyed": report.keyed,
        "key_checked": report.key_checked,
        "notes": list(report.notes),
    }
