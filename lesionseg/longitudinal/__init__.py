"""Visits: which scan is which visit, whether two scans can be compared, and by how much lesions changed."""

from lesionseg.longitudinal.change import Changes, changes
from lesionseg.longitudinal.change_manifest import CHANGE_FORMAT, MANIFEST
from lesionseg.longitudinal.comparability import ComparabilityLimits, Finding, ScanFacts, compare_scans
from lesionseg.longitudinal.pairing import Decision, Pairing, pair_visits
from lesionseg.longitudinal.pairing_words import Reason
from lesionseg.longitudinal.run import CHANGE_FILES, ChangeRequest, ChangeResult, make_changes
from lesionseg.longitudinal.scan import UNSCHEDULED, Scan, Status, Subject, ValueOrigin
from lesionseg.longitudinal.scan_table import ScanTable, read_scans
from lesionseg.longitudinal.subject_table import SubjectTable, read_subjects
from lesionseg.longitudinal.visit_grid import PairFinding, VisitGrid, compare_pairs, visit_grid

__all__ = [
    "CHANGE_FILES",
    "CHANGE_FORMAT",
    "MANIFEST",
    "UNSCHEDULED",
    "ChangeRequest",
    "ChangeResult",
    "Changes",
    "ComparabilityLimits",
    "Decision",
    "Finding",
    "PairFinding",
    "Pairing",
    "Reason",
    "Scan",
    "ScanFacts",
    "ScanTable",
    "Status",
    "Subject",
    "SubjectTable",
    "ValueOrigin",
    "VisitGrid",
    "changes",
    "compare_pairs",
    "compare_scans",
    "make_changes",
    "pair_visits",
    "read_scans",
    "read_subjects",
    "visit_grid",
]
