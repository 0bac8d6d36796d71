"""The tables of the journal."""

from __future__ import annotations

from typing import Final

from lesionseg.core.database import Layout

_SCHEMA: Final = """
CREATE TABLE object (
    number INTEGER PRIMARY KEY AUTOINCREMENT, sop_instance_uid TEXT NOT NULL UNIQUE, study_uid TEXT NOT NULL,
    series_uid TEXT NOT NULL, file TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    calling TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX object_of_study ON object (study_uid, number);
CREATE TABLE study (
    study_uid TEXT PRIMARY KEY, newest INTEGER NOT NULL, last_at REAL NOT NULL,
    through INTEGER NOT NULL DEFAULT 0);
CREATE INDEX study_with_news ON study (last_at) WHERE newest > through;
CREATE TABLE kept_aside (
    sop_instance_uid TEXT NOT NULL, sha256 TEXT NOT NULL, study_uid TEXT NOT NULL, file TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, calling TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (sop_instance_uid, sha256));
CREATE TABLE job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, study_uid TEXT NOT NULL, revision INTEGER NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', starts INTEGER NOT NULL DEFAULT 0,
    through INTEGER NOT NULL, not_before REAL NOT NULL DEFAULT 0, UNIQUE (study_uid, revision));
CREATE TABLE result (
    sop_instance_uid TEXT PRIMARY KEY, job INTEGER NOT NULL REFERENCES job (number),
    file TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before REAL NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '');
CREATE INDEX result_unsent ON result (job) WHERE sent = 0;
CREATE TABLE transition (
    number INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL REFERENCES job (number), at TEXT NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL, reason TEXT NOT NULL, audited INTEGER NOT NULL DEFAULT 0);
CREATE INDEX transition_unaudited ON transition (number) WHERE audited = 0;
"""
JOURNAL: Final = Layout("journal", 1, tuple(filter(str.strip, _SCHEMA.split(";\n"))))
