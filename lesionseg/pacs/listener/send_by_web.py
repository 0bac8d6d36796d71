"""Sending results back by STOW-RS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import LesionSegError
from lesionseg.pacs.listener.send import Outcome, Outcomes
from lesionseg.pacs.settings import Web


@dataclass(frozen=True)
class WebSender:
    """A `Send` to a DICOMweb service; what it has already counts as sent.

    Raises
    ------
    ConfigurationError
        If a credential that the settings name is not set: at once, not when there is something to send.
    """

    web: Web

    def __post_init__(self) -> None:
        from lesionseg.pacs.web import Archive

        with Archive(self.web):
            pass

    def __call__(self, paths: Sequence[Path]) -> Outcomes:
        """Send the files one by one, so that each outcome is known before the next goes out."""
        from lesionseg.pacs.web import Archive, push

        for path in paths:
            try:
                with Archive(self.web) as archive:
                    (pushed,) = push(archive, path)
            except LesionSegError as error:
                yield Outcome(path, is_stored=False, detail=str(error))
            else:
                yield Outcome(path, is_stored=pushed.state != "failed", detail=pushed.reason)
