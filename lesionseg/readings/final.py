"""Which values of a scan are final, by the plan's rule, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lesionseg.core.plan import Readings
from lesionseg.longitudinal import ValueOrigin
from lesionseg.readings.reading import Reading, Role, unit_of

ROUNDING = 1e-9
"""A difference that exceeds the limit by less than this does so in the last binary digits only."""


@dataclass(frozen=True)
class TwoReaders:
    """Two readings of one scan compared by the plan's measure.

    Attributes
    ----------
    first, second : Reading
        In the order of the readers' names.
    values : tuple of float or None
        Of the measure.
    difference : float or None
        First - second; None where one of them has no value.
    agree : bool
        The difference is at most the plan's; or neither has a value.
    """

    first: Reading
    second: Reading
    values: tuple[float | None, float | None]
    difference: float | None
    agree: bool


@dataclass(frozen=True)
class FinalValue:
    """What stands for a scan.

    Attributes
    ----------
    scan_id : str
    origin : ValueOrigin
    readings : tuple of Reading
        The one whose values are final, or the two of which the mean is; none where they are the model's.
    compared : TwoReaders or None
    adjudicator : Reading or None
        Who was asked, also where it turned out not to be needed.
    why : str
        The rule that was followed, in a sentence.
    """

    scan_id: str
    origin: ValueOrigin
    readings: tuple[Reading, ...] = ()
    compared: TwoReaders | None = None
    adjudicator: Reading | None = None
    why: str = ""


@dataclass(frozen=True)
class Unresolved:
    """Why a scan has no final value yet, and what is missing."""

    scan_id: str
    problem: str
    compared: TwoReaders | None = None


def compare_readers(readings: Sequence[Reading], plan: Readings) -> TwoReaders:
    """Compare the two readings of a scan, as the plan says."""
    first, second = sorted(readings, key=lambda reading: reading.reader.casefold())
    values = first.value(plan.measure), second.value(plan.measure)
    if values[0] is None or values[1] is None:
        return TwoReaders(first, second, values, None, agree=values == (None, None))
    difference = values[0] - values[1]
    limit = plan.largest_difference
    return TwoReaders(first, second, values, difference, agree=limit is not None and abs(difference) <= limit)


def final_value(scan_id: str, readings: Sequence[Reading], plan: Readings) -> FinalValue | Unresolved:
    """Decide about one scan.

    Parameters
    ----------
    scan_id : str
    readings : sequence of Reading
        Those of this scan that stand.
    plan : Readings
        The plan's section.
    """
    readers, adjudicators = (
        [reading for reading in readings if reading.role is role] for role in (Role.READER, Role.ADJUDICATOR)
    )
    problem = _wrong_number(readers, adjudicators, plan)
    if problem:
        return Unresolved(scan_id, problem)
    adjudicator = next(iter(adjudicators), None)
    if not readers:
        return _without_readers(scan_id, adjudicator, plan)
    if plan.readers == 1:
        why = "The plan asks for one reader."
        return FinalValue(scan_id, ValueOrigin.READER, tuple(readers), None, adjudicator, why)
    return _of_two(scan_id, compare_readers(readers, plan), adjudicator, plan)


def _wrong_number(readers: Sequence[Reading], adjudicators: Sequence[Reading], plan: Readings) -> str:
    if len(adjudicators) > 1:
        return f"{len(adjudicators)} adjudicators have read it: {_names(adjudicators)}"
    if readers and len(readers) != plan.readers:
        wanted = f"{plan.readers} reader{'s' if plan.readers > 1 else ''}"
        return f"the plan asks for {wanted}, and there are {len(readers)}: {_names(readers)}"
    return ""


def _names(readings: Sequence[Reading]) -> str:
    return ", ".join(sorted(reading.reader for reading in readings))


def _of_two(
    scan_id: str, compared: TwoReaders, adjudicator: Reading | None, plan: Readings
) -> FinalValue | Unresolved:
    words = _difference_words(compared, plan)
    if compared.agree or plan.rule == "average":
        why = f"{words}: {'they agree' if compared.agree else 'they differ, and the rule is their mean'}."
        both = (compared.first, compared.second)
        return FinalValue(scan_id, ValueOrigin.READERS_AVERAGE, both, compared, adjudicator, why)
    if adjudicator is None:
        return Unresolved(scan_id, f"{words}: the adjudicator's reading is missing", compared)
    why = f"{words}: they differ, and {adjudicator.reader} has decided."
    return FinalValue(scan_id, ValueOrigin.ADJUDICATOR, (adjudicator,), compared, adjudicator, why)


def _without_readers(scan_id: str, adjudicator: Reading | None, plan: Readings) -> FinalValue | Unresolved:
    if adjudicator is not None:
        return Unresolved(scan_id, "there is an adjudicator's reading, but none of a reader")
    if plan.unread == "refuse":
        return Unresolved(scan_id, "nobody has read it, and the plan does not take the model's values")
    return FinalValue(scan_id, ValueOrigin.MODEL, why="Nobody has read it.")


def _difference_words(compared: TwoReaders, plan: Readings) -> str:
    named = f"{compared.first.reader} and {compared.second.reader}"
    if compared.difference is None:
        missing = "neither has" if compared.agree else "only one has"
        return f"{named}: {missing} a value of {plan.measure}"
    unit = unit_of(plan.measure)
    return (
        f"{named} differ by {abs(compared.difference):.4g} {unit} of {plan.measure}, "
        f"where {plan.largest_difference:g} are allowed"
    )
