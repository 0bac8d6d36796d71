"""DICOM: find, group into series, choose, check, decode into a CT volume."""

from lesionseg.dicom.loader import load_series
from lesionseg.dicom.report import FolderReport, SeriesReport, Verdict, check_folder
from lesionseg.dicom.series import CTSeries, LoadedSeries, SeriesCandidate, SeriesChoice, Slice
from lesionseg.dicom.settings import LoaderSettings, Note, Repair

__all__ = [
    "CTSeries",
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
    "load_series",
]
