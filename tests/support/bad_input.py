"""All further bad and odd input beyond the 25."""

from __future__ import annotations

from tests.support.bad_files import BAD_FILES_CASES
from tests.support.bad_geometry import BAD_GEOMETRY_CASES
from tests.support.bad_pixels import BAD_PIXELS_CASES
from tests.support.series_case import SeriesCase

BAD_INPUT_CASES: tuple[SeriesCase, ...] = (*BAD_FILES_CASES, *BAD_GEOMETRY_CASES, *BAD_PIXELS_CASES)
