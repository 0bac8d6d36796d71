"""A report as PDF, by WeasyPrint, which is installed on request and stands on the system's Pango."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from lesionseg.core.errors import MissingFeatureError
from lesionseg.core.files import staged_file

_PANGO = (
    "Install Pango: apt install libpango-1.0-0 libpangoft2-1.0-0 on Debian or Ubuntu, brew install pango on "
    "macOS, MSYS2's mingw-w64-x86_64-pango on Windows; or print report.html from a browser"
)
_EXTRA = "Install it with pip install 'lesionseg[pdf]', or print report.html from a browser"


def write_pdf(html: str, path: Path) -> None:
    """Write a page as PDF, whole or not at all; nothing is fetched from anywhere.

    Parameters
    ----------
    html : str
        A self-contained page, as the reports of this room are.
    path : Path

    Raises
    ------
    MissingFeatureError
        If WeasyPrint or the Pango it needs is not installed.
    OutputError
        If the file cannot be written.
    """
    weasyprint = load_weasyprint()
    # it warns of every rule of CSS that only browsers know, which is no news to a user
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    fetcher = weasyprint.URLFetcher(allowed_protocols=("data",))
    document = weasyprint.HTML(string=html, url_fetcher=fetcher)
    with staged_file(path) as staged:
        document.write_pdf(staged)


def load_weasyprint() -> Any:
    """Return the library.

    Raises
    ------
    MissingFeatureError
        If it, or the Pango it needs, is not installed.
    """
    try:
        import weasyprint
    except ImportError as error:
        raise MissingFeatureError(
            "PDF needs WeasyPrint, which is not installed", found=str(error), remedy=_EXTRA
        ) from error
    except OSError as error:  # what its foreign-function layer raises where a library of the system is absent
        raise MissingFeatureError(
            "WeasyPrint is installed, but not the Pango that it stands on",
            found=_first_line(error),
            remedy=_PANGO,
        ) from error
    return weasyprint


def _first_line(error: OSError) -> str:
    return str(error).strip().partition("\n")[0]
