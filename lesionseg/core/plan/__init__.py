"""The analysis plan: what a trial compares, at which visit, in whom, and how; fixed before anyone looks."""

from lesionseg.core.plan.parameters import LESION_PARAMETERS, OF_TWO_SCANS, Parameter
from lesionseg.core.plan.plan import TrialPlan
from lesionseg.core.plan.plan_file import read_plan
from lesionseg.core.plan.sections import (
    Arms,
    Change,
    Endpoint,
    MissingData,
    Population,
    Readings,
    Responder,
    Trial,
    VisitWindow,
)

__all__ = [
    "LESION_PARAMETERS",
    "OF_TWO_SCANS",
    "Arms",
    "Change",
    "Endpoint",
    "MissingData",
    "Parameter",
    "Population",
    "Readings",
    "Responder",
    "Trial",
    "TrialPlan",
    "VisitWindow",
    "read_plan",
]
