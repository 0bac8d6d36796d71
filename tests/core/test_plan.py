from __future__ import annotations

import copy
import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from lesionseg.core.errors import InputNotFoundError, PlanError
from lesionseg.core.plan import LESION_PARAMETERS, TrialPlan, read_plan

WHOLE: dict[str, Any] = {
    "trial": {"identifier": "T-1", "title": "A trial"},
    "arms": {"treatment": "cells", "control": "placebo"},
    "schedule": [
        {"name": "baseline", "day": 0, "before": 7, "baseline": True},
        {"name": "day 28", "day": 28, "before": 7, "after": 7},
    ],
    "populations": [{"name": "ITT"}, {"name": "per protocol", "flag": "ppfl"}],
    "endpoints": [
        {"name": "lesion", "parameter": "LESPCT", "visit": "day 28", "role": "primary"},
        {"name": "walk", "parameter": "SIXMWT", "visit": "day 28", "change": "absolute"},
        {"name": "other", "parameter": "LESML", "visit": "day 28", "role": "exploratory"},
    ],
    "responders": [{"name": "halved", "parameter": "LESPCT", "visit": "day 28", "at_most": -50}],
    "missing": {"worst_change": {"lesion": 50}},
}


def write(folder: Path, content: object) -> Path:
    path = folder / "plan.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
    return path


def spoilt(*keys: Any, value: object) -> dict[str, Any]:
    """The whole plan with one key set or, with the value None, taken out."""
    content = copy.deepcopy(WHOLE)
    place: Any = content
    for key in keys[:-1]:
        place = place[key]
    if value is None:
        del place[keys[-1]]
    else:
        place[keys[-1]] = value
    return content


def test_plan_of_the_documentation_is_whole(repository: Path, tmp_path: Path) -> None:
    text = (repository / "docs" / "analysis-plan.md").read_text()
    plan = read_plan(write(tmp_path, text.split("```yaml\n")[1].split("```")[0]))
    assert plan.missing.sensitivity == ("worst-case", "tipping-point", "multiple-imputation")
    assert [endpoint.name for endpoint in plan.confirmatory] == ["lesion", "solid", "walk"]


def test_every_key_is_described_in_the_documentation(repository: Path) -> None:
    text = (repository / "docs" / "analysis-plan.md").read_text()
    plan = TrialPlan.model_validate(WHOLE)
    parts = (
        plan, plan.trial, plan.arms, plan.schedule[0], plan.populations[0], plan.endpoints[0],
        plan.responders[0], plan.missing,
    )  # fmt: skip
    for part in parts:
        for key in type(part).model_fields:
            assert f"`{key}`" in text, key


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    short = {key: WHOLE[key] for key in ("trial", "arms", "endpoints")}
    plan = read_plan(write(tmp_path, short))
    assert [visit.name for visit in plan.schedule] == ["baseline", "day 10", "day 28", "day 90"]
    assert (plan.visit("day 28").first_day, plan.visit("day 28").last_day) == (21, 35)
    assert (plan.baseline.first_day, plan.baseline.last_day) == (-7, 0)
    assert [population.name for population in plan.populations] == ["ITT"]
    assert (plan.alpha, plan.alternative, plan.multiplicity) == (0.05, "two-sided", "fixed-sequence")
    assert plan.endpoints[0].change == "relative"


def test_hash_is_that_of_the_file_and_in_the_output(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE)
    plan = read_plan(path)
    assert plan.sha256 == hashlib.sha256(path.read_bytes()).hexdigest() == plan.as_dict()["sha256"]
    path.write_text(path.read_text() + "# a remark\n")
    assert read_plan(path).sha256 != plan.sha256


def test_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(WHOLE), encoding="utf-8-sig")
    assert read_plan(path).trial.identifier == "T-1"


def test_exploratory_endpoints_are_not_confirmatory() -> None:
    plan = TrialPlan.model_validate(WHOLE)
    assert [endpoint.name for endpoint in plan.confirmatory] == ["lesion", "walk"]
    assert plan.population("per protocol").variable == "PERPROTOCOLFL"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (spoilt("alfa", value=0.1), r"alfa: there is no such key; allowed here: trial, .* you mean alpha"),
        (spoilt("endpoints", 1, "chnge", value="absolute"), r"endpoints\[1\]\.chnge: there .* mean change"),
        (spoilt("missing", "imputation", value=3), r"missing\.imputation: there is no such key"),
        (spoilt("arms", "control", value=None), r"arms\.control: this key is missing"),
        (spoilt("endpoints", value=None), r"endpoints: this key is missing"),
        (spoilt("alpha", value=5), r"alpha: .*less than 0\.5, found 5"),
        (spoilt("alpha", value="0,05"), r"alpha: .*valid number.*found '0,05'"),
        (spoilt("endpoints", 0, "visit", value="day 29"), r"endpoints\[0\]\.visit: there is no day 29"),
        (spoilt("endpoints", 0, "visit", value="baseline"), r"endpoints\[0\]\.visit: there is no baseline"),
        (spoilt("endpoints", 1, "population", value="PP"), r"endpoints\[1\]\.population: there is no PP"),
        (spoilt("responders", 0, "visit", value="day 9"), r"responders\[0\]\.visit: there is no day 9"),
        (spoilt("endpoints", 0, "role", value="secondary"), r"at least one endpoint needs the role primary"),
        (spoilt("endpoints", 1, "name", value="lesion"), r"endpoints: lesion stands twice"),
        (spoilt("endpoints", 0, "change", value="percent"), r"\[0\]\.change: .*'absolute' or 'relative'"),
        (spoilt("responders", 0, "at_least", value=1), r"responders\[0\]: give exactly one of"),
        (spoilt("arms", "control", value="cells"), r"arms: treatment and control must be two"),
        (spoilt("schedule", 1, "before", value=30), r"window of day 28 starts on day -2.*ended on day 0"),
        (spoilt("schedule", 0, "baseline", value=False), r"exactly one visit is the baseline, not 0"),
        (spoilt("schedule", 1, "baseline", value=True), r"exactly one visit is the baseline, not 2"),
        (spoilt("missing", "worst_change", value={"solid": 1}), r"missing\.worst_change: there is no solid"),
        (spoilt("missing", "sensitivity", value=["locf"]), r"missing\.sensitivity\[0\]: .*found 'locf'"),
        (spoilt("covariates", value=["age", "age"]), r"covariates: age stands twice"),
        (spoilt("covariates", value=["baseline"]), r"covariates: baseline is a word of the analysis itself"),
        (spoilt("sha256", value="abc"), r"sha256: the hash is computed, not given"),
    ],
)  # fmt: skip
def test_fault_is_told_with_its_place_in_the_file(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(PlanError, match=words) as caught:
        read_plan(write(tmp_path, content))
    assert caught.value.case.endswith("plan.yaml")
    assert caught.value.code == "plan"
    assert caught.value.remedy


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    content = spoilt("alpha", value=5)
    content["arms"]["third"] = "x"
    with pytest.raises(PlanError, match=r"2 faults\narms\.third.*\nalpha"):
        read_plan(write(tmp_path, content))


@pytest.mark.parametrize(
    ("text", "found"),
    [("alpha: 1\nalpha: 2\n", "alpha stands twice"), ("a: ]", "line 1"), ("- 1\n", "list"), ("", "None")],
)
def test_file_that_is_no_plan_is_refused(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(PlanError) as caught:
        read_plan(write(tmp_path, text))
    assert found in caught.value.found


def test_absent_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"nothing\.yaml"):
        read_plan(tmp_path / "nothing.yaml")


def test_codes_of_parameters_are_of_cdisc_length_and_numbered_in_order() -> None:
    assert all(len(code) <= 8 and code.isalnum() for code in LESION_PARAMETERS)
    assert [parameter.number for parameter in LESION_PARAMETERS.values()] == list(
        range(1, len(LESION_PARAMETERS) + 1)
    )
