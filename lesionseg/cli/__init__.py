"""The command line: one file per verb; parse, call, exit code."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 misused, 3 some cases failed, 130 interrupted."""
    import sys

    from lesionseg.cli.run import run

    sys.exit(run(sys.argv[1:] if arguments is None else arguments))
