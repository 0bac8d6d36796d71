"""From arguments to exit code: the one place where errors become words on the screen."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lesionseg.core.errors import InputWarning, LesionSegError

FAILURE, USAGE, SOME_FAILED, INTERRUPTED = 1, 2, 3, 130
DEBUG_VARIABLE = "LESIONSEG_DEBUG"


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    options = _options(arguments)
    verb = next((word for word in arguments if not word.startswith("-")), "")
    as_json, verbose = "--json" in options, "--verbose" in options or bool(os.environ.get(DEBUG_VARIABLE))
    _never_fail_on_characters()
    try:
        with _third_parties_hushed(enabled=not verbose):
            code = _run_app(arguments)
    except LesionSegError as error:
        _show(error, verb, as_json=as_json)
        code = FAILURE
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # the last line of defence: a fault of ours, said as such
        if verbose:
            raise
        _show(_fault(error), verb, as_json=as_json)
        return FAILURE
    if as_json and code in (USAGE, INTERRUPTED):
        _write_json_stop(verb, code)
    return code


def _run_app(arguments: Sequence[str]) -> int:
    from lesionseg.cli.app import app

    try:
        app(args=list(arguments), prog_name="lesionseg")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0


def _options(arguments: Sequence[str]) -> Sequence[str]:
    """Return the words before a bare ``--``."""
    return arguments[: list(arguments).index("--")] if "--" in arguments else arguments


def _show(error: LesionSegError, verb: str, *, as_json: bool) -> None:
    from lesionseg.cli.screen import error_panel, write_json

    if as_json:
        write_json({"command": verb, "ok": False, "error": error.as_dict()})
    error_panel(error)


def _write_json_stop(verb: str, code: int) -> None:
    from lesionseg.cli.screen import write_json

    reasons = {
        USAGE: {"code": "usage", "problem": "the command line was not understood; the reason is on stderr"},
        INTERRUPTED: {"code": "interrupted", "problem": "interrupted; nothing was left half-written"},
    }
    write_json({"command": verb, "ok": False, "error": reasons[code]})


def _fault(error: Exception) -> LesionSegError:
    fault = LesionSegError(
        "lesionseg met a fault of its own",
        found=f"{type(error).__name__}: {error}",
        remedy=f"Run again with --verbose, or with {DEBUG_VARIABLE}=1, and report what it prints",
    )
    fault.__cause__ = error
    return fault


@contextmanager
def _third_parties_hushed(*, enabled: bool) -> Iterator[None]:
    """Keep other libraries' warnings and log lines off the screen; our own warnings stay."""
    with warnings.catch_warnings():
        silent = logging.NullHandler()
        if enabled:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", InputWarning)
            warnings.showwarning = _show_warning
            logging.getLogger().addHandler(silent)
        try:
            yield
        finally:
            logging.getLogger().removeHandler(silent)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    sys.stderr.write(f"warning: {message}\n")


def _never_fail_on_characters() -> None:
    """Consoles without Unicode get a question mark instead of a crash."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
