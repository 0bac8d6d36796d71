from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from lesionseg.core.plan import Readings, TrialPlan
from tests.core.test_plan import WHOLE


def plan_with(**readings: Any) -> TrialPlan:
    return TrialPlan.model_validate({**copy.deepcopy(WHOLE), "readings": readings})


def test_a_plan_without_the_section_has_no_readings() -> None:
    assert TrialPlan.model_validate(WHOLE).readings is None


def test_what_is_left_out_has_its_default() -> None:
    assert plan_with(largest_difference=2).readings == Readings(
        readers=2, measure="LESPCT", largest_difference=2.0, rule="adjudicator", unread="model"
    )
    assert plan_with(readers=1).readings is not None


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({}, "two readers need the difference"),
        ({"largest_difference": -1}, "greater than or equal to 0"),
        ({"largest_difference": float("nan")}, "finite"),
        ({"readers": 3, "largest_difference": 1}, "readers"),
        ({"readers": 1, "measure": "LESPCTA"}, "LESPCTA is none of"),
        ({"readers": 1, "measure": "WALK"}, "WALK is none of"),
        ({"readers": 1, "rule": "majority"}, "rule"),
        ({"readers": 1, "arm": "cells"}, "arm"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(section: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        plan_with(**section)
