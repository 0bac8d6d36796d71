"""DICOM: find, group into series, choose, check, decode into a CT volume."""

from lesionseg.dicom.index import FolderIndex, index_folder
from lesionseg.dicom.loader import load_found, load_series
from lesionseg.dicom.report import FolderReport, SeriesReport, Verdict, check_folder
from lesionseg.dicom.series import CTSeries, LoadedSeries, SeriesCandidate, SeriesChoice, Slice
from lesionseg.dicom.settings import LoaderSettings, Note, Repair

__all__ = [
    "CTSeries",
    "FolderIndex",
    "FolderReport",
    "LoadedSeries",
    "LoaderSettings",
    "Note",
    "Repair",
    "SeriesCandidate",
    "SeriesChoice",
    "SeriesReport",
    "Slice",
    "Verdict",
    "check_folder",
    "index_folder",
    "load_found",
    "load_series",
]
