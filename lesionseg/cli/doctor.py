"""``lesionseg doctor``: what is installed, what works, and what to do about the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lesionseg.cli.options import JsonOption, QuietOption, VerboseOption
from lesionseg.cli.screen import BAD, GOOD, HINT, Screen

if TYPE_CHECKING:
    from lesionseg.workflow.checkup import Finding

_KINDS = {"good": GOOD, "hint": HINT, "bad": BAD}


def doctor(
    *, as_json: JsonOption = False, quiet: QuietOption = False, verbose: VerboseOption = False
) -> None:
    """Show what is installed, verify the model bundles, and measure phantoms of known volume.

    Exit code 1 if anything that segment needs is missing or wrong.
    """
    del verbose
    from lesionseg.workflow.checkup import checkup

    screen = Screen("doctor", as_json=as_json, quiet=quiet)
    findings: list[Finding] = []
    topic = ""
    for finding in checkup():
        findings.append(finding)
        if finding.topic != topic:
            topic = finding.topic
            screen.show(topic, "bold")
        screen.mark(_KINDS[finding.kind], finding.text)
        if finding.remedy:
            screen.show(f"     {finding.remedy}")
    healthy = all(finding.kind != "bad" for finding in findings)
    screen.show()
    screen.mark(GOOD if healthy else BAD, "Ready." if healthy else "Not ready: see the crosses above.")
    screen.result({"findings": [_as_dict(finding) for finding in findings]}, ok=healthy)
    if not healthy:
        raise typer.Exit(1)


def _as_dict(finding: Finding) -> dict[str, str]:
    from dataclasses import asdict

    return asdict(finding)
