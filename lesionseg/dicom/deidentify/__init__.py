"""De-identification: CT images without identities, after PS3.15 annex E."""

from lesionseg.dicom.deidentify.dataset import CHARACTERISTICS_OPTION, OPTIONS
from lesionseg.dicom.deidentify.file import CleanFile, Settings, clean_file, new_series_uid_of, write_clean
from lesionseg.dicom.deidentify.key import PseudonymKey, new_key, read_key
from lesionseg.dicom.deidentify.outcome import Change, NotCopied, Status
from lesionseg.dicom.deidentify.standard import EDITION, table_action
from lesionseg.dicom.deidentify.subjects import Patient, Subject, Subjects

__all__ = [
    "CHARACTERISTICS_OPTION",
    "EDITION",
    "OPTIONS",
    "Change",
    "CleanFile",
    "NotCopied",
    "Patient",
    "PseudonymKey",
    "Settings",
    "Status",
    "Subject",
    "Subjects",
    "clean_file",
    "new_key",
    "new_series_uid_of",
    "read_key",
    "table_action",
    "write_clean",
]
