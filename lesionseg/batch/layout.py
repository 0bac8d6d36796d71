"""The tables of the ledger."""

from __future__ import annotations

from typing import Final

from lesionseg.core.database import Layout

_TABLES: Final = (
    """CREATE TABLE scan (
    case_id TEXT PRIMARY KEY COLLATE NOCASE, identity TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    starts INTEGER NOT NULL DEFAULT 0, listed INTEGER NOT NULL DEFAULT 1,
    input_sha256 TEXT, bundle_sha256 TEXT, settings_sha256 TEXT,
    reason TEXT NOT NULL DEFAULT '', reason_text TEXT NOT NULL DEFAULT '',
    warnings TEXT NOT NULL DEFAULT '[]', outputs TEXT NOT NULL DEFAULT '{}', facts TEXT NOT NULL)""",
    """CREATE TABLE transition (
    number INTEGER PRIMARY KEY AUTOINCREMENT, case_id TEXT NOT NULL REFERENCES scan (case_id),
    at TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL)""",
)
LEDGER: Final = Layout("ledger", 1, _TABLES)
