"""What one cell of a user's table may hold, and what is said about one that it may not."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal

Cell = str | float | date | bool | None
Kind = Literal["text", "number", "date", "flag", "any"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_PARTED_DATE = re.compile(r"\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4}")
_EXCEL_SERIAL = re.compile(r"\d{5}(\.\d+)?")
_EXCEL_DAY_ZERO = date(1899, 12, 30)
"""Serial 60 is a 29 February 1900 that never was; from serial 61 on, days count from here."""
_ABSENT_WORDS = ("na", "n/a", "nan", "null", "none", ".", "-", "#n/a", "#value!", "missing")


class CellFault(Exception):  # noqa: N818 - it never leaves the reader
    """Why a cell cannot be read, and what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def read_cell(text: str, kind: Kind) -> Cell:
    """Return the value of a stripped cell; None if it is empty.

    Raises
    ------
    CellFault
        If the text is not of that kind.
    """
    if not text:
        return None
    if kind == "number":
        return _number(text)
    if kind == "date":
        return _date(text)
    return _flag(text) if kind == "flag" else text


def is_number(text: str) -> bool:
    """Whether the text is a finite number with a decimal point."""
    return _NUMBER.fullmatch(text) is not None and abs(float(text)) != float("inf")


def has_decimal_comma(text: str) -> bool:
    """Whether the text is a number but for its comma."""
    return _DECIMAL_COMMA.fullmatch(text) is not None


def _number(text: str) -> float:
    if is_number(text):
        return float(text)
    if has_decimal_comma(text):
        raise CellFault(f"{text} has a decimal comma", f"Write {text.replace(',', '.')}")
    if text.lower() in _ABSENT_WORDS:
        raise CellFault(f"{text} is not a number", "Leave the cell empty where a value is missing")
    raise CellFault(f"{text} is not a number", "Write digits with a decimal point, without unit or spaces")


def _date(text: str) -> date:
    if _ISO_DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise CellFault(f"{text} is not a day of the calendar", "Correct the date") from None
    if _EXCEL_SERIAL.fullmatch(text):
        meant = _EXCEL_DAY_ZERO + timedelta(days=int(float(text)))
        raise CellFault(
            f"{text} is Excel's count of days (it would be {meant})",
            "Format the column as YYYY-MM-DD in the spreadsheet and save it again",
        )
    if _PARTED_DATE.fullmatch(text):
        raise CellFault(
            f"{text} is a date whose day and month cannot be told apart safely", "Write it as YYYY-MM-DD"
        )
    raise CellFault(f"{text} is not a date", "Write it as YYYY-MM-DD")


def _flag(text: str) -> bool:
    if text.upper() in ("Y", "N"):
        return text.upper() == "Y"
    raise CellFault(f"{text} is neither Y nor N", "Write Y or N")
