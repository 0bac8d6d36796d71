"""The table of columns that users read is made from the columns that are written."""

from __future__ import annotations

from pathlib import Path

from lesionseg.volumetry import COLUMNS, measure
from lesionseg.volumetry.columns import columns_as_markdown
from tests.volumetry.chest import chest

UNIT_SUFFIXES = {"_ml": "ml", "_pct": "%", "_hu": "HU", "_mm": "mm", "_g": "g"}


def test_a_row_has_the_documented_columns_in_order():
    scan = chest()
    assert list(measure(scan.volume, scan.label_map).as_row()) == list(COLUMNS)


def test_a_column_s_name_ends_in_its_unit():
    for name, entry in COLUMNS.items():
        ending = next((suffix for suffix in UNIT_SUFFIXES if name.endswith(suffix)), None)
        assert entry.unit == (UNIT_SUFFIXES[ending] if ending else ""), name
        assert entry.meaning


def test_the_documentation_holds_the_table_of_columns_as_it_is(repository: Path):
    text = (repository / "docs" / "measurements.md").read_text(encoding="utf-8")
    assert columns_as_markdown() in text
