"""What every column of every table of a change run means."""

from __future__ import annotations

from typing import Any, Final

from lesionseg.longitudinal import change_words, pairing_words
from lesionseg.longitudinal.arrow_tables import ColumnMeaning as Column
from lesionseg.longitudinal.scan import ValueOrigin

PAIRING_CSV: Final = "pairing.csv"
COMPARABILITY_CSV: Final = "comparability.csv"
ADLESION_CSV, ADLESION_PARQUET = "adlesion.csv", "adlesion.parquet"
TR_CSV: Final = "tr.csv"
SUMMARY_CSV: Final = "blinded_summary.csv"
DICTIONARY_CSV: Final = "data_dictionary.csv"
EVALUATORS: Final = {
    ValueOrigin.MODEL: "ALGORITHM",
    ValueOrigin.READER: "READER",
    ValueOrigin.READERS_AVERAGE: "READER",
    ValueOrigin.ADJUDICATOR: "ADJUDICATOR",
}
"""TREVAL by what the table of scans says of its values; ALGORITHM where it says nothing."""
_REASONS: Final = " ".join(change_words.MEANINGS)

PAIRING: Final = (
    Column("subject", "text", "Subject"),
    Column("scan_id", "text", "Scan; every scan found has one row"),
    Column("study_date", "date", "Study date"),
    Column("day", "integer", "Days from the subject's day zero, which is day 0"),
    Column("visit", "text", "Visit of the plan it belongs to, taken for it or not; empty: unscheduled"),
    Column("chosen", "text", "Whether its figures stand for the visit", "Y N"),
    Column("reason", "text", "Why", " ".join(pairing_words.Reason)),
    Column("reason_text", "text", "Why, in a sentence"),
)
COMPARABILITY: Final = (
    Column("subject", "text", "Subject"),
    Column("visit", "text", "Follow-up visit, compared with the subject's baseline"),
    Column("check", "text", "What was compared", "spacing kernel contrast scanner coverage inspiration"),
    Column("flag", "text", "Outcome; comparable where nothing differs"),
    Column("severity", "text", "How far a difference reaches", "none info warning critical"),
    Column("sentence", "text", "The outcome in a sentence, with its figures"),
    Column("value", "number", "Follow-up / baseline of slice spacing or lung volume; empty elsewhere"),
)
ADLESION: Final = (
    Column("STUDYID", "text", "Identifier of the trial, from the plan"),
    Column("USUBJID", "text", "Subject, as in the table of scans"),
    Column("PARAMCD", "text", "Code of the parameter"),
    Column("PARAM", "text", "Parameter with its unit"),
    Column("PARAMN", "integer", "Number of the parameter"),
    Column("AVISIT", "text", "Visit of the plan"),
    Column("AVISITN", "integer", "Day of the visit in the plan's schedule"),
    Column("ADT", "date", "Study date of the visit's scan"),
    Column("ADY", "integer", "Days from day zero to ADT; day zero is day 0, other than CDISC's day 1"),
    Column("SCANID", "text", "The visit's scan; also one without figures, where none has any"),
    Column("AVAL", "number", "Value"),
    Column("AVALLO", "number", "Lower end of its interval, where the segmenter gives one"),
    Column("AVALHI", "number", "Upper end of its interval, where the segmenter gives one"),
    Column("BASE", "number", "Value at the baseline"),
    Column("CHG", "number", "AVAL - BASE, in the unit of AVAL (percentage points for %); empty at baseline"),
    Column("PCHG", "number", "100 * (AVAL - BASE) / BASE, in %; empty at baseline"),
    Column("ABLFL", "text", "Y: this is the baseline value", "Y"),
    Column("ANL01FL", "text", "Y: there is a value to analyse", "Y"),
    Column("REASCD", "text", "Why AVAL, else CHG, else PCHG is missing; else empty", _REASONS),
    Column("REAS", "text", "The same in a sentence"),
    Column("QFLAGS", "text", "Quality flags of the scan, its pairing and its pair with the baseline"),
    Column(
        "AVALORIG", "text", "Whose value AVAL is, where the table of scans says so", " ".join(ValueOrigin)
    ),
)
TR: Final = (
    Column("STUDYID", "text", "Study identifier"),
    Column("DOMAIN", "text", "TR", "TR"),
    Column("USUBJID", "text", "Subject"),
    Column("TRSEQ", "integer", "Running number within the subject"),
    Column("TRREFID", "text", "The scan"),
    Column("TRTESTCD", "text", "Code of the parameter; TRALL for a scan without any figure"),
    Column("TRTEST", "text", "Parameter"),
    Column("TRORRES", "text", "Result"),
    Column("TRORRESU", "text", "Its unit"),
    Column("TRSTRESN", "number", "Result as a number"),
    Column("TRSTRESU", "text", "Its unit"),
    Column("TRSTAT", "text", "NOT DONE where there is no result", "NOT DONE"),
    Column("TRREASND", "text", "Why there is no result"),
    Column("TRMETHOD", "text", "CT SCAN", "CT SCAN"),
    Column("TREVAL", "text", "Who evaluated", " ".join(dict.fromkeys(EVALUATORS.values()))),
    Column("TREVALID", "text", "Which program: lesionseg; or which readers"),
    Column("TRACPTFL", "text", "Y: accepted, the result stands for the visit", "Y"),
    Column("VISITNUM", "integer", "Day of the visit in the plan's schedule; empty: unscheduled"),
    Column("VISIT", "text", "Visit of the plan, or UNSCHEDULED"),
    Column("TRDTC", "date", "Study date"),
    Column("TRDY", "integer", "Study day as CDISC counts: day zero is 1, the day before is -1"),
)
SUMMARY: Final = (
    Column("PARAMCD", "text", "Code of the parameter"),
    Column("PARAM", "text", "Parameter with its unit"),
    Column("AVISIT", "text", "Visit"),
    Column("AVISITN", "integer", "Day of the visit in the plan's schedule"),
    Column("FIGURE", "text", "Value, absolute change or relative change", "AVAL CHG PCHG"),
    Column("SUBJECTS", "integer", "Subjects, all arms together"),
    Column("N", "integer", "Subjects with this figure"),
    Column("MISSING", "text", "Subjects without it by reason: code=number, separated by spaces", _REASONS),
    Column("MEAN", "number", "Mean"),
    Column("SD", "number", "Standard deviation, n - 1; empty for fewer than two"),
    Column("MIN", "number", "Least"),
    Column("Q1", "number", "Lower quartile (linear between order statistics, type 7 of R)"),
    Column("MEDIAN", "number", "Median"),
    Column("Q3", "number", "Upper quartile, likewise"),
    Column("MAX", "number", "Largest"),
)
DICTIONARY: Final = (
    Column("table", "text", "File"),
    Column("column", "text", "Column"),
    Column("type", "text", "text, number, integer or date (YYYY-MM-DD)"),
    Column("meaning", "text", "What it holds"),
    Column("values", "text", "Values it may have, where they are few; separated by spaces"),
)
TABLES: Final = {
    PAIRING_CSV: PAIRING,
    COMPARABILITY_CSV: COMPARABILITY,
    ADLESION_CSV: ADLESION,
    ADLESION_PARQUET: ADLESION,
    TR_CSV: TR,
    SUMMARY_CSV: SUMMARY,
    DICTIONARY_CSV: DICTIONARY,
}
"""Columns of every table, by file."""


def dictionary_values() -> dict[str, list[Any]]:
    """Values of the dictionary's own table."""
    rows = [
        (file, column.name, column.kind, column.meaning, column.codes)
        for file, columns in TABLES.items()
        for column in columns
    ]
    names = [column.name for column in DICTIONARY]
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}
