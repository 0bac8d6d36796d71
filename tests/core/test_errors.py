"""Errors say which case, what was expected, what was found and what to do."""

from __future__ import annotations

import inspect

import pytest

from lesionseg.core import errors
from lesionseg.core.errors import (
    DuplicatePositionError,
    GeometryError,
    InputError,
    LesionSegError,
    MissingSlicesError,
    OutputExistsError,
)


def family() -> list[type[LesionSegError]]:
    return [
        member
        for _, member in inspect.getmembers(errors, inspect.isclass)
        if issubclass(member, LesionSegError)
    ]


def test_sentence_holds_case_expected_found_and_remedy():
    error = MissingSlicesError(
        "a slice is missing",
        case="1.2.3",
        expected="2 mm steps",
        found="4 mm at z = -120 mm",
        remedy="Send the series again",
    )
    assert str(error) == (
        "1.2.3: a slice is missing (expected 2 mm steps; found 4 mm at z = -120 mm). Send the series again"
    )


def test_sentence_without_details_ends_with_a_full_stop():
    assert str(InputError("nothing there")) == "nothing there."


def test_only_found_is_given_in_brackets():
    assert str(InputError("odd", found="7")) == "odd (found 7)."


def test_as_dict_leaves_out_what_is_empty():
    assert DuplicatePositionError("twice", case="a").as_dict() == {
        "code": "position-duplicated",
        "problem": "twice",
        "case": "a",
    }


def test_every_class_has_a_code_of_its_own_and_a_docstring():
    codes = [member.code for member in family()]
    assert len(codes) == len(set(codes))
    assert all(member.__doc__ for member in family())


@pytest.mark.parametrize("member", family())
def test_every_error_can_be_caught_as_the_family(member):
    with pytest.raises(LesionSegError, match="problem"):
        raise member("problem")


def test_geometry_errors_are_input_errors_and_output_errors_are_not():
    assert issubclass(GeometryError, InputError)
    assert not issubclass(OutputExistsError, InputError)
