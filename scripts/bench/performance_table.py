"""Fill the tables of docs/performance.md from the JSON files of scripts/bench/results.

.venv/bin/python -m scripts.bench.performance_table
.venv/bin/python -m scripts.bench.performance_table --check

A table stands between ``<!-- table NAME -->`` and ``<!-- end NAME -->``; nothing there is written by hand.
With --check nothing is written; exit code 1 where the page is not what the files say.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from scripts.bench.performance_rows import TABLES, Results

ROOT = Path(__file__).parents[2]
PAGE, RESULTS = ROOT / "docs" / "performance.md", ROOT / "scripts" / "bench" / "results"


def filled(page: str, results: Results) -> str:
    """Return the page with every table made anew.

    Raises
    ------
    ValueError
        If a table has no place on the page, or a place no table.
    """
    places = re.findall(r"<!-- table (\S+) -->", page)
    if sorted(places) != sorted(TABLES):
        raise ValueError(f"the page has places for {sorted(places)}, the tables are {sorted(TABLES)}")
    for name, make in TABLES.items():
        between = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        text = make(results)
        page, count = between.subn(lambda found, text=text: f"{found[1]}\n{text}\n\n{found[2]}", page)
        if count != 1:
            raise ValueError(f"table {name} does not end with <!-- end {name} -->")
    return page


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    page = options.page.read_text(encoding="utf-8")
    wanted = filled(page, Results(options.results))
    if options.check:
        print("up to date" if page == wanted else f"{options.page} is not what {options.results} says")
        return int(page != wanted)
    options.page.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
