"""Reading a plan; every complaint names the file, the key and what to do."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lesionseg.core.errors import InputNotFoundError, PlanError
from lesionseg.core.plan.plan import TrialPlan
from lesionseg.core.yaml_file import YamlKind, key_path, read_yaml, shown

_DOCS = "docs/analysis-plan.md"
_PLAN = YamlKind("the plan", "trial, arms, endpoints", _DOCS, PlanError)


def read_plan(path: Path) -> TrialPlan:
    """Read and check a YAML plan.

    Raises
    ------
    InputNotFoundError
        If the file is not there.
    PlanError
        If it is no YAML, or a key is missing, unknown, doubled or out of range, or names something that the
        plan does not hold; all faults at once, each with its path in the file and the keys allowed there.
    """
    if not path.is_file():
        raise InputNotFoundError("there is no such plan", case=str(path), remedy=f"{_DOCS} shows a whole one")
    content = {str(key): value for key, value in read_yaml(path, _PLAN).items()}
    if "sha256" in content:
        raise PlanError("sha256: the hash is computed, not given", case=str(path), remedy="Remove the key")
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return TrialPlan.model_validate({**content, "sha256": digest})
    except ValidationError as error:
        raise _as_plan_error(path, error.errors(include_url=False)) from error


def _as_plan_error(path: Path, details: Sequence[ErrorDetails]) -> PlanError:
    lines = [_sentence(detail) for detail in details]
    problem = lines[0] if len(lines) == 1 else f"{len(lines)} faults\n" + "\n".join(lines)
    return PlanError(problem, case=str(path), remedy=f"{_DOCS} describes every key and its range")


def _sentence(detail: ErrorDetails) -> str:
    key = key_path(detail["loc"])
    start = f"{key}: " if key else ""
    if detail["type"] == "extra_forbidden":
        return f"{start}there is no such key; {_allowed(detail['loc'])}"
    if detail["type"] == "missing":
        return f"{start}this key is missing"
    words = detail["msg"].removeprefix("Value error, ")
    if detail["type"] == "value_error":
        return start + words
    return f"{start}{words[:1].lower()}{words[1:]}, found {shown(detail['input'])}"


def _allowed(parts: Sequence[int | str]) -> str:
    known = [name for name in _model_at(parts[:-1]).model_fields if name != "sha256"]
    near = difflib.get_close_matches(str(parts[-1]), known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"allowed here: {', '.join(known)}{hint}"


def _model_at(parts: Sequence[int | str]) -> type[BaseModel]:
    """Follow a path of keys from the plan down to the section it leads to."""
    model: type[BaseModel] = TrialPlan
    for part in parts:
        if isinstance(part, str) and part in model.model_fields:
            model = _section_in(model.model_fields[part].annotation) or model
    return model


def _section_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part))), None)
