from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lesionseg.core.plan import read_plan
from lesionseg.statistics import TrialAnalysis, analyze_trial, read_trial_tables, write_analysis
from lesionseg.statistics.models.ancova import ancova
from lesionseg.statistics.multiplicity import fixed_sequence, holm
from lesionseg.statistics.rank.rank_sum import rank_sum
from tests.statistics.trial_builder import TrialBuilder, small_trial, write_rows


def analyzed(trial: TrialBuilder, **further: Path) -> TrialAnalysis:
    paths = trial.write()
    plan = read_plan(paths["plan"])
    return analyze_trial(read_trial_tables(paths["adlesion"], paths["arms"], plan, **further), plan)


def found(analysis: TrialAnalysis, endpoint: str, name: str = "primary"):
    (row,) = [row for row in analysis.estimates if (row.endpoint.name, row.analysis) == (endpoint, name)]
    return row


@pytest.fixture
def trial(tmp_path: Path) -> TrialBuilder:
    """To spoil."""
    return small_trial(tmp_path)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> TrialAnalysis:
    """The analysis of the same trial as it is."""
    return analyzed(small_trial(tmp_path_factory.mktemp("plain")))


def changes(trial: TrialBuilder, arm: str, code: str = "LESPCT", visit: str = "day 28") -> list[float]:
    """Relative changes counted by hand."""
    members = [row["subject"] for row in trial.arms if row["arm"] == arm]
    pairs = [(trial.values.get((s, code, "baseline")), trial.values.get((s, code, visit))) for s in members]
    return [100 * (value - base) / base for base, value in pairs if base and value is not None]


def test_primary_analysis_is_the_rank_sum_test_of_the_changes_by_arm(
    trial: TrialBuilder, plain: TrialAnalysis
) -> None:
    row = found(plain, "lesion")
    truth = rank_sum(changes(trial, "cells"), changes(trial, "placebo"))
    assert row.estimate.effect == pytest.approx(truth.effect)
    assert row.estimate.p_value == pytest.approx(truth.p_value)
    assert (row.estimate.low, row.estimate.high) == pytest.approx((truth.low, truth.high))
    assert row.median_treatment == pytest.approx(np.median(changes(trial, "cells")))
    assert row.estimate.effect < 0


def test_arms_that_change_places_change_the_sign(trial: TrialBuilder, plain: TrialAnalysis) -> None:
    first = found(plain, "lesion").estimate
    trial.plan["arms"] = {"treatment": "placebo", "control": "cells"}
    second = found(analyzed(trial), "lesion").estimate
    assert second.effect == pytest.approx(-first.effect)
    assert (second.low, second.high) == pytest.approx((-first.high, -first.low))


def test_order_of_rows_does_not_matter(trial: TrialBuilder, plain: TrialAnalysis) -> None:
    first = plain
    trial.arms.reverse()
    trial.values = dict(reversed(trial.values.items()))
    second = analyzed(trial)
    assert [row.as_dict() for row in second.estimates] == [row.as_dict() for row in first.estimates]


def test_every_analysis_of_the_plan_is_made(trial: TrialBuilder, plain: TrialAnalysis) -> None:
    names = [(row.endpoint.name, row.analysis) for row in plain.estimates]
    common = ["primary", "stratified", "ancova"]
    assert names == [
        *(("lesion", name) for name in [*common, "ancova-log-ratio", "repeated-measures"]),
        *(("solid", name) for name in [*common, "ancova-log-ratio", "repeated-measures"]),
        *(("points", name) for name in [*common, "repeated-measures"]),
    ]
    trial.plan["strata"] = []
    assert "stratified" not in {row.analysis for row in analyzed(trial).estimates}


def test_covariance_analysis_adjusts_for_baseline_and_covariates(
    trial: TrialBuilder, plain: TrialAnalysis
) -> None:
    row = found(plain, "lesion", "ancova").estimate
    table = pd.DataFrame(
        {
            "value": [changes_of(trial, row["subject"]) for row in trial.arms],
            "baseline": [trial.values[row["subject"], "LESPCT", "baseline"] for row in trial.arms],
            "treated": [row["arm"] == "cells" for row in trial.arms],
            "age": [float(row["age"]) for row in trial.arms],
        }
    )
    assert row.effect == pytest.approx(ancova(table, ["age"]).effect)
    assert row.effect != pytest.approx(ancova(table, []).effect)


def changes_of(trial: TrialBuilder, subject: str) -> float:
    base = trial.values[subject, "LESPCT", "baseline"]
    return 100 * (trial.values[subject, "LESPCT", "day 28"] - base) / base


@pytest.mark.parametrize(("rule", "function"), [("holm", holm), ("fixed-sequence", fixed_sequence)])
def test_only_primary_and_secondary_endpoints_are_adjusted_in_the_plans_order(trial, rule, function) -> None:
    trial.plan["multiplicity"] = rule
    analysis = analyzed(trial)
    rows = [found(analysis, name) for name in ("lesion", "solid")]
    expected = function([row.estimate.p_value for row in rows])
    assert [row.p_adjusted for row in rows] == pytest.approx(list(expected))
    assert [row.significant for row in rows] == [p <= 0.05 for p in expected]
    others = [row for row in analysis.estimates if row not in rows]
    assert {(row.p_adjusted, row.significant) for row in others} == {(None, None)}


def test_without_a_rule_p_values_stay(trial: TrialBuilder) -> None:
    trial.plan["multiplicity"] = "none"
    row = found(analyzed(trial), "solid")
    assert row.p_adjusted == row.estimate.p_value


def test_population_is_that_of_its_flag(plain: TrialAnalysis) -> None:
    analysis = plain
    assert found(analysis, "lesion").estimate.n_control == 10
    assert found(analysis, "solid").estimate.n_control == 9
    (left,) = [row for row in analysis.excluded if row.endpoint == "solid"]
    assert (left.subject, left.reason) == ("P04", "not-in-population")
    assert list(analysis.adsl.set_index("USUBJID").loc["P04", ["ITTFL", "MITTFL"]]) == ["Y", "N"]


def test_zero_baseline_has_no_relative_change_but_stays_in_the_absolute_analysis(trial: TrialBuilder) -> None:
    trial.values["P01", "LESPCT", "baseline"] = 0.0
    analysis = analyzed(trial)
    assert found(analysis, "lesion").estimate.n_treatment == 9
    assert found(analysis, "points").estimate.n_treatment == 10
    assert found(analysis, "points", "ancova").estimate.n_treatment == 10
    (left,) = [row for row in analysis.excluded if row.endpoint == "lesion"]
    assert (left.subject, left.reason) == ("P01", "zero-baseline")
    assert analysis.patients[0]["reasons"] == {"lesion": "zero-baseline"}


def test_missing_visit_is_left_out_and_listed_with_its_reason(trial: TrialBuilder) -> None:
    del trial.values["P02", "LESPCT", "day 28"]
    trial.reasons["P02", "LESPCT", "day 28"] = "scan-failed"
    analysis = analyzed(trial)
    assert found(analysis, "lesion").estimate.n_control == 9
    assert {(row.subject, row.endpoint, row.reason) for row in analysis.excluded if row.subject == "P02"} == {
        ("P02", "lesion", "scan-failed"),
        ("P02", "points", "scan-failed"),
    }
    assert analysis.flow["arms"]["control"]["with_visit"] == {"day 10": 10, "day 28": 9, "day 90": 10}
    assert analysis.flow["arms"]["control"]["analysed"]["lesion"] == 9


def test_randomised_without_scan_stays_in_the_denominator(trial: TrialBuilder) -> None:
    for row in ({"subject": "X1", "arm": "cells"}, {"subject": "X2", "arm": "placebo"}):
        trial.arms.append({**row, "mittfl": "Y", "age": 50, "severity": "severe"})
    analysis = analyzed(trial)
    assert analysis.flow["not_scanned"] == ["X1", "X2"]
    assert (analysis.flow["found"], analysis.flow["randomised"]) == (20, 22)
    assert analysis.flow["arms"]["treatment"]["populations"] == {"ITT": 11, "mITT": 11}
    assert found(analysis, "lesion").estimate.n_treatment == 10
    assert {row.reason for row in analysis.excluded if row.subject == "X1"} == {"not-scanned"}
    rows = analysis.adtrial[analysis.adtrial["USUBJID"] == "X1"]
    assert len(rows) == 8
    assert set(rows["REASCD"]) == {"not-scanned"}
    assert set(rows["TRT01P"]) == {"cells"}
    whole = next(row for row in analysis.responders if row.missing == "non-responder")
    assert (whole.comparison.n_treatment, whole.comparison.n_control) == (11, 11)


def test_subject_with_neither_scan_nor_arm_takes_no_part_and_is_listed(trial: TrialBuilder) -> None:
    """Someone in the subject table who was not randomised; and one who was, but missed every visit."""
    for key in [key for key in trial.values if key[0] in ("P01", "P02")]:
        trial.values[key] = None
    trial.arms = [row for row in trial.arms if row["subject"] != "P01"]
    analysis = analyzed(trial)
    assert (analysis.flow["not_randomised"], analysis.flow["not_scanned"]) == (["P01"], ["P02"])
    assert "P01" not in set(analysis.adtrial["USUBJID"])
    assert {row.reason for row in analysis.excluded if row.subject == "P02"} == {"no-scan"}
    assert list(analysis.adsl.set_index("USUBJID").loc[["P02", "P03"], "SCANFL"]) == ["N", "Y"]


def test_responders_are_counted_with_missing_left_out_and_as_no_response(trial: TrialBuilder) -> None:
    del trial.values["P01", "LESPCT", "day 28"]
    yes = sum(change <= -50 for change in changes(trial, "cells"))
    left_out, non_responder = analyzed(trial).responders
    assert (left_out.yes_treatment, left_out.comparison.n_treatment) == (yes, 9)
    assert (non_responder.yes_treatment, non_responder.comparison.n_treatment) == (yes, 10)
    assert left_out.as_dict()["pct_treatment"] == pytest.approx(100 * yes / 9)


def test_bound_itself_is_a_response(trial: TrialBuilder) -> None:
    for subject, follow_up in (("P01", 20.0), ("P02", 19.0), ("P03", 21.0)):
        trial.values[subject, "LESPCT", "baseline"] = 40.0
        trial.values[subject, "LESPCT", "day 28"] = follow_up
    at_most = analyzed(trial).responders[0]
    expected = [sum(change <= -50 for change in changes(trial, arm)) for arm in ("cells", "placebo")]
    assert [at_most.yes_treatment, at_most.yes_control] == expected
    trial.plan["responders"] = [
        {"name": "kept", "parameter": "LESPCT", "visit": "day 28", "at_least": -50, "population": "mITT"}
    ]
    at_least = analyzed(trial).responders[0]
    assert at_least.yes_treatment == sum(change >= -50 for change in changes(trial, "cells"))
    assert at_least.comparison.n_control == 9


def test_arm_without_any_value_gives_no_figures_and_a_note(trial: TrialBuilder) -> None:
    for row in trial.arms:
        if row["arm"] == "placebo":
            trial.values.pop((row["subject"], "LESPCT", "day 28"))
    analysis = analyzed(trial)
    row = found(analysis, "lesion")
    assert (row.estimate.effect, row.p_adjusted, row.significant, row.median_control) == (None,) * 4
    assert row.estimate.notes == ("nobody in the arm placebo has a value",)
    json.dumps(analysis.as_dict(), allow_nan=False)


@pytest.mark.parametrize("alternative", ["less", "greater"])
def test_one_sided_interval_is_open(trial: TrialBuilder, alternative: str) -> None:
    trial.plan["alternative"] = alternative
    for row in analyzed(trial).estimates:
        assert (row.estimate.low is None) == (alternative == "less"), row.analysis
        assert (row.estimate.high is None) == (alternative == "greater"), row.analysis


def test_descriptive_figures_count_by_arm_and_visit(trial: TrialBuilder) -> None:
    del trial.values["P01", "LESPCT", "day 28"]
    rows = analyzed(trial).descriptive
    (row,) = [
        row for row in rows
        if (row["parameter"], row["visit"], row["quantity"], row["arm"])
        == ("LESPCT", "day 28", "relative", "cells")
    ]  # fmt: skip
    values = changes(trial, "cells")
    assert (row["n"], row["n_missing"]) == (9, 1)
    assert (row["q1"], row["median"], row["q3"]) == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75]))
    assert (row["mean"], row["sd"]) == pytest.approx((np.mean(values), np.std(values, ddof=1)))
    assert row["unit"] == "%"
    assert {row["unit"] for row in rows if row["quantity"] == "absolute"} == {"percentage points"}
    assert not [row for row in rows if row["visit"] == "baseline" and row["quantity"] != "value"]


def test_baseline_table_shows_covariates_strata_and_measurements(trial: TrialBuilder) -> None:
    trial.arms[0]["age"] = ""
    rows = analyzed(trial).baseline_table
    assert [row["variable"] for row in rows] == [
        "age", "severity", "severity", "Whole lesion, % of both lungs at baseline",
        "Solid component, % of both lungs at baseline",
    ]  # fmt: skip
    age, critical, *_ = rows
    assert (age["treatment"]["n"], age["treatment"]["missing"], age["all"]["n"]) == (9, 1, 19)
    assert critical["level"] == "critical"
    assert critical["treatment"]["count"] + critical["control"]["count"] == critical["all"]["count"] == 7


def test_further_endpoints_go_through_the_same_door(trial: TrialBuilder, tmp_path: Path) -> None:
    rows = []
    for number, row in enumerate(trial.arms):
        for visit, metres in (("baseline", 300.0), ("day 28", 320.0 + 3 * number)):
            if (number, visit) not in {(0, "baseline"), (1, "day 28")}:
                walk = {"parameter": "SIXMWT", "name": "Six-minute walk", "unit": "m"}
                rows.append({"subject": row["subject"], "visit": visit, "value": metres, **walk})
    trial.plan["endpoints"].append(
        {"name": "walk", "parameter": "SIXMWT", "visit": "day 28", "change": "absolute"}
    )
    analysis = analyzed(trial, endpoints=write_rows(tmp_path / "endpoints.csv", rows))
    row = found(analysis, "walk")
    assert (row.parameter_name, row.unit) == ("Six-minute walk", "m")
    treated, control = [20.0 + 3 * n for n in range(2, 20, 2)], [20.0 + 3 * n for n in range(3, 20, 2)]
    assert row.estimate.effect == pytest.approx(rank_sum(treated, control).effect)
    reasons = {(row.subject, row.reason) for row in analysis.excluded if row.endpoint == "walk"}
    assert reasons == {("P01", "no-baseline"), ("P02", "no-value")}
    added = analysis.adtrial[analysis.adtrial["PARAMCD"] == "SIXMWT"]
    assert len(added) == 20 * 4
    assert set(added["PARAMN"]) == {101}


def test_relative_change_of_a_negative_baseline_is_missing(trial: TrialBuilder, tmp_path: Path) -> None:
    rows = [
        {"subject": row["subject"], "visit": visit, "parameter": "SCORE", "value": value}
        for number, row in enumerate(trial.arms)
        for visit, value in (("baseline", -1.0 if number == 0 else 2.0), ("day 28", number * 0.5))
    ]
    trial.plan["endpoints"].append({"name": "score", "parameter": "SCORE", "visit": "day 28"})
    analysis = analyzed(trial, endpoints=write_rows(tmp_path / "endpoints.csv", rows))
    (left,) = [row for row in analysis.excluded if row.endpoint == "score"]
    assert (left.subject, left.reason) == ("P01", "negative-baseline")


def test_adverse_events_are_compared_among_all_randomised(trial: TrialBuilder, tmp_path: Path) -> None:
    rows = [{"subject": subject, "term": "Fever", "severity": "mild"} for subject in ("P01", "P01", "P02")]
    events = analyzed(trial, adverse_events=write_rows(tmp_path / "ae.csv", rows)).as_dict()["adverse_events"]
    fever = next(row for row in events if row["term"] == "Fever")
    assert (fever["subjects_treatment"], fever["events_treatment"], fever["n_treatment"]) == (1, 2, 10)
    assert fever["pct_control"] == 10.0


def test_table_without_any_event_is_an_answer(
    trial: TrialBuilder, plain: TrialAnalysis, tmp_path: Path
) -> None:
    path = tmp_path / "ae.csv"
    path.write_text("subject,term\n")
    assert analyzed(trial, adverse_events=path).adverse_events is not None
    assert plain.as_dict()["adverse_events"] is None


def test_sensitivity_analyses_are_made_where_a_value_is_missing(trial: TrialBuilder) -> None:
    trial.plan["missing"] = {
        "sensitivity": ["worst-case", "tipping-point", "multiple-imputation"], "imputations": 5,
        "worst_change": {"lesion": 80},
    }  # fmt: skip
    for subject in ("P01", "P03", "P02"):
        del trial.values[subject, "LESPCT", "day 28"]
    analysis = analyzed(trial)
    rules = {(row.endpoint.name, row.analysis) for row in analysis.estimates if ":" in row.analysis}
    assert rules == {("lesion", "sensitivity:worst-case"), ("lesion", "sensitivity:multiple-imputation")}
    worst = found(analysis, "lesion", "sensitivity:worst-case").estimate
    best = min(changes(trial, "cells") + changes(trial, "placebo"))
    truth = rank_sum([*changes(trial, "cells"), 80, 80], [*changes(trial, "placebo"), best])
    assert worst.effect == pytest.approx(truth.effect)
    imputed = found(analysis, "lesion", "sensitivity:multiple-imputation").estimate
    assert (imputed.n_treatment, imputed.n_control) == (10, 10)
    (tipping,) = analysis.tipping_points
    assert tipping.endpoint == "lesion"
    assert tipping.as_dict()["curve"]
    json.dumps(analysis.as_dict(), allow_nan=False)


def test_zero_baseline_is_not_imputed(trial: TrialBuilder) -> None:
    """Its relative change was not missed: there is none."""
    trial.plan["missing"] = {"sensitivity": ["worst-case"]}
    trial.values["P01", "LESPCT", "baseline"] = 0.0
    assert not [row for row in analyzed(trial).estimates if ":" in row.analysis]
    del trial.values["P03", "LESPCT", "day 28"]
    assert found(analyzed(trial), "lesion", "sensitivity:worst-case").estimate.n_treatment == 9


def test_worst_case_of_a_further_endpoint_needs_its_direction(trial: TrialBuilder, tmp_path: Path) -> None:
    rows = [
        {"subject": row["subject"], "visit": visit, "parameter": "FVC", "value": 2 + 0.1 * number}
        for number, row in enumerate(trial.arms)
        for visit in ("baseline", "day 28")
        if number or visit == "baseline"
    ]
    path = write_rows(tmp_path / "endpoints.csv", rows)
    trial.plan["missing"] = {"sensitivity": ["worst-case"]}
    trial.plan["endpoints"].append({"name": "breath", "parameter": "FVC", "visit": "day 28"})
    row = found(analyzed(trial, endpoints=path), "breath", "sensitivity:worst-case")
    assert row.estimate.effect is None
    assert "lower or higher" in row.estimate.notes[0]
    trial.plan["endpoints"][-1]["better"] = "higher"
    row = found(analyzed(trial, endpoints=path), "breath", "sensitivity:worst-case")
    assert row.estimate.n_treatment == 10


def test_methods_paragraph_says_what_was_done(trial: TrialBuilder, plain: TrialAnalysis) -> None:
    analysis = plain
    for words in ("Wilcoxon", "Hodges-Lehmann", "van Elteren", "severity", "baseline, age", "fixed sequence",
                  "lesion, solid", analysis.plan.sha256, "two-sided at the level 0.05"):  # fmt: skip
        assert words in analysis.methods_text
    trial.plan["strata"] = []
    assert "van Elteren" not in analyzed(trial).methods_text


def test_all_of_it_is_written_and_the_same_on_every_run(trial: TrialBuilder, tmp_path: Path) -> None:
    trial.values["P01", "LESPCT", "baseline"] = 0.0
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        write_analysis(analyzed(trial), folder)
    names = sorted(path.name for path in folders[0].iterdir())
    assert names == [
        "adsl.csv", "adtrial.csv", "adtrial.parquet", "adverse_events_by_arm.csv", "analysis.json",
        "data_dictionary.csv", "estimates.csv", "responders.csv",
    ]  # fmt: skip
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
    content = json.loads((folders[0] / "analysis.json").read_text())
    assert content["schema"] == "lesionseg-analysis/1"
    assert content["plan"]["sha256"] == hashlib.sha256((trial.folder / "plan.yaml").read_bytes()).hexdigest()
    assert "NaN" not in (folders[0] / "analysis.json").read_text()
    assert "nan" not in (folders[0] / "adtrial.csv").read_text().lower()


def test_dictionary_describes_every_column_written(trial: TrialBuilder, tmp_path: Path) -> None:
    events = write_rows(tmp_path / "ae.csv", [{"subject": "P01", "term": "Fever"}])
    write_analysis(analyzed(trial, adverse_events=events), tmp_path)
    described = pd.read_csv(tmp_path / "data_dictionary.csv")
    for name in ("adsl", "adtrial", "estimates", "responders", "adverse_events_by_arm"):
        columns = list(pd.read_csv(tmp_path / f"{name}.csv", nrows=0).columns)
        assert list(described.loc[described["table"] == name, "column"]) == columns, name
        header = (tmp_path / f"{name}.csv").read_text().split("\n")[0]
        assert header == ",".join(columns)


def test_parquet_and_csv_of_the_trial_table_say_the_same(plain: TrialAnalysis, tmp_path: Path) -> None:
    write_analysis(plain, tmp_path)
    parquet, text = pd.read_parquet(tmp_path / "adtrial.parquet"), pd.read_csv(tmp_path / "adtrial.csv")
    assert list(parquet.columns) == list(text.columns)
    np.testing.assert_array_equal(parquet["PCHG"], text["PCHG"])
    assert list(parquet["USUBJID"]) == list(text["USUBJID"])
