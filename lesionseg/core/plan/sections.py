"""The parts of an analysis plan, key by key as in the YAML file; unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from lesionseg.core.plan.parameters import LESION_PARAMETERS, OF_TWO_SCANS

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Days = Annotated[int, Field(ge=0, le=3650)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Change = Literal["absolute", "relative"]
Imputation = Literal["regression", "matching"]
Sensitivity = Literal["worst-case", "tipping-point", "multiple-imputation"]


class Section(BaseModel):
    """Frozen; a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Trial(Section):
    """What the trial is called; `identifier` becomes STUDYID."""

    identifier: Name
    title: str = ""


class Arms(Section):
    """The two values of the arm column; every effect is treatment - control."""

    treatment: Name
    control: Name

    @model_validator(mode="after")
    def _check_different(self) -> Self:
        if self.treatment == self.control:
            raise ValueError("treatment and control must be two different values")
        return self


class VisitWindow(Section):
    """A visit of the schedule and the days on which a scan counts for it.

    Attributes
    ----------
    name : str
        AVISIT; the word used in every table.
    day : int
        Of the schedule; day 0 is the subject's day zero.
    before, after : int
        Days around `day`, both ends included.
    baseline : bool
        The visit that change is counted from; exactly one.
    """

    name: Name
    day: Annotated[int, Field(ge=-3650, le=3650)]
    before: Days = 0
    after: Days = 0
    baseline: bool = False

    @property
    def first_day(self) -> int:
        """First day of the window."""
        return self.day - self.before

    @property
    def last_day(self) -> int:
        """Last day of the window."""
        return self.day + self.after


class Population(Section):
    """Who is analysed: all randomised, or those with Y in a column of the arm table."""

    name: Name
    flag: Name | None = None

    @property
    def variable(self) -> str:
        """Name of the flag in the output tables: ITTFL, MITTFL."""
        letters = "".join(letter for letter in self.name.upper() if letter.isalnum())
        return f"{letters}FL"


class Endpoint(Section):
    """One comparison of the arms.

    Attributes
    ----------
    name : str
        Unique in the plan.
    parameter : str
        PARAMCD: a lesion parameter, or one of the table of further endpoints.
    visit : str
        A visit of the schedule after the baseline.
    change : str
        ``absolute`` (follow-up - baseline) or ``relative`` (100 times that over baseline, %).
    role : str
        ``primary`` and ``secondary`` endpoints are adjusted for multiplicity in the plan's order.
    population : str
        One of the plan's.
    better : str, optional
        Which values are good for the patient; ``lower`` for lesion parameters. The worst-case analysis of any
        other parameter needs it.
    """

    name: Name
    parameter: Name
    visit: Name
    change: Change = "relative"
    role: Literal["primary", "secondary", "exploratory"] = "secondary"
    population: Name = "ITT"
    better: Literal["lower", "higher"] | None = None


class Responder(Section):
    """Subjects whose change is at most, or at least, so much; in % or in the parameter's unit."""

    name: Name
    parameter: Name
    visit: Name
    change: Change = "relative"
    at_most: Finite | None = None
    at_least: Finite | None = None
    population: Name = "ITT"

    @model_validator(mode="after")
    def _check_one_bound(self) -> Self:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give exactly one of at_most and at_least")
        return self


class MissingData(Section):
    """What is done about a missing visit.

    Attributes
    ----------
    primary : str
        ``complete-case``: subjects without the value are left out of that endpoint, and listed.
    sensitivity : tuple of str
        Further analyses of every primary and secondary endpoint with a value missing.
    imputations : int
        Of the multiple imputation.
    imputation_method : str
        How it draws: ``regression`` with normal errors, or predictive mean ``matching``.
    worst_change : dict
        Endpoint name to the change that the worst-case analysis gives missing treated subjects; where left
        out it is the worst change observed.
    """

    primary: Literal["complete-case"] = "complete-case"
    sensitivity: tuple[Sensitivity, ...] = ()
    imputations: Annotated[int, Field(ge=2, le=1000)] = 50
    imputation_method: Imputation = "regression"
    worst_change: dict[str, Finite] = Field(default_factory=dict)


class Readings(Section):
    """How readers' results become final values.

    Attributes
    ----------
    readers : int
        Who read a scan independently: with two, both readings of a scan that was read at all are needed.
    measure : str
        PARAMCD of the lesion parameter that tells whether two readers agree.
    largest_difference : float
        Two readers agree where their values differ by at most this, in the parameter's unit (percentage
        points for %); needed with two readers.
    rule : str
        What is final where they do not: ``adjudicator``: the adjudicator's reading; ``average``: the mean of
        the two all the same. Where they agree it is their mean.
    unread : str
        Scans without any reading: ``model`` keeps the model's values, ``refuse`` makes them a fault.
    """

    readers: Literal[1, 2] = 2
    measure: Name = "LESPCT"
    largest_difference: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    rule: Literal["adjudicator", "average"] = "adjudicator"
    unread: Literal["model", "refuse"] = "model"

    @model_validator(mode="after")
    def _check(self) -> Self:
        known = [code for code in LESION_PARAMETERS if code not in OF_TWO_SCANS]
        if self.measure not in known:
            raise ValueError(f"measure: {self.measure} is none of {', '.join(known)}")
        if self.readers == 2 and self.largest_difference is None:
            raise ValueError("largest_difference: two readers need the difference up to which they agree")
        return self
