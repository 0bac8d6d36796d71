"""What becomes of one file: copied, left out or refused, and why, in words that name no patient."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

PRIVATE: Final = "private attributes"
"""How a report calls all of them: their creators' names may be anything."""


class Status(StrEnum):
    """What became of a file."""

    COPIED = "copied"
    LEFT_OUT = "left-out"
    """It is no CT image, or a repetition: nothing is missing without it."""
    REFUSED = "refused"
    """It is, or may be, a CT image, but cannot be shown to be free of identities."""


class NotCopied(Exception):  # noqa: N818 - an answer, not an error of the program
    """Why a file is not copied.

    Parameters
    ----------
    status : Status
    code : str
        Stable, for machines.
    reason : str
        A sentence without closing full stop and without anything of the file's content that might identify.
    """

    def __init__(self, status: Status, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = reason


def refused(code: str, reason: str) -> NotCopied:
    """Return the refusal of a file."""
    return NotCopied(Status.REFUSED, code, reason)


def left_out(code: str, reason: str) -> NotCopied:
    """Return the answer for a file that nobody will miss."""
    return NotCopied(Status.LEFT_OUT, code, reason)


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to one attribute.

    Attributes
    ----------
    attribute : str
        Keyword of PS3.6, or the tag where it has none; `PRIVATE`, ``overlay`` or ``curve`` for those.
    done : str
        ``kept``, ``cleaned``, ``replaced``, ``shifted``, ``emptied`` or ``removed``.
    """

    attribute: str
    done: str
