"""DICOMweb: scans found and pulled (QIDO-RS, WADO-RS), results pushed (STOW-RS)."""

from lesionseg.pacs.web.archive import Archive
from lesionseg.pacs.web.pull import PulledSeries, pull
from lesionseg.pacs.web.push import PushedObject, push
from lesionseg.pacs.web.query import Query, SeriesFound, find_series

__all__ = ["Archive", "PulledSeries", "PushedObject", "Query", "SeriesFound", "find_series", "pull", "push"]
