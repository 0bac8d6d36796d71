"""The inputs of ``lesionseg batch`` that are queries: files that say what to fetch from an archive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lesionseg.batch.sources import StudySource

_SUFFIXES = (".yaml", ".yml")


def split_inputs(inputs: Sequence[Path]) -> tuple[tuple[Path, ...], tuple[StudySource, ...]]:
    """Tell what lies on disk from what is to be fetched.

    Raises
    ------
    MissingFeatureError
        If there is a query, and what speaks with archives is not installed.
    InputNotFoundError, ConfigurationError
        If a query, or the settings of its archive, cannot be used.
    """
    queries = [path for path in inputs if path.suffix.lower() in _SUFFIXES]
    if not queries:
        return tuple(inputs), ()
    from lesionseg.pacs.extra import refuse_without

    refuse_without("dicomweb_client", "requests")
    from lesionseg.pacs.web.query_file import read_query_file

    on_disk = tuple(path for path in inputs if path not in queries)
    return on_disk, tuple(read_query_file(path) for path in queries)
