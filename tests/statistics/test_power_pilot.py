from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lesionseg.core.errors import AnalysisError, ConfigurationError, TableError
from lesionseg.statistics.planning.pilot import Effect, Pilot, PilotQuestion, read_pilot

QUESTION = PilotQuestion("LESPCT", "day 28")
BASELINES = np.array([10.0, 20.0, 5.0, 40.0, 8.0])
FOLLOW_UPS = np.array([5.0, 20.0, 0.0, 50.0, 7.0])


def plain(path: Path, rows: str) -> Path:
    path.write_text("subject,parameter,visit,baseline,value\n" + rows)
    return path


def test_plain_table_is_read_and_subjects_without_a_change_are_counted(tmp_path: Path) -> None:
    rows = [f"P{i},LESPCT,day 28,{a},{b}" for i, (a, b) in enumerate(zip(BASELINES, FOLLOW_UPS, strict=True))]
    rows += ["P7,LESPCT,day 28,0,3", "P8,LESPCT,day 28,4,", "P1,LESPCT,day 10,9,1", "P1,SOLPCT,day 28,9,1"]
    path = plain(tmp_path / "pilot.csv", "\n".join(rows))
    relative = read_pilot(path, QUESTION)
    absolute = read_pilot(path, PilotQuestion("LESPCT", "day 28", "absolute"))
    assert relative.changes == pytest.approx([-50.0, 0.0, -100.0, 25.0, -12.5])
    assert (relative.left_out, absolute.left_out) == (2, 1)
    assert absolute.changes == pytest.approx([-5.0, 0.0, -5.0, 10.0, -1.0, 3.0])


def test_trial_table_is_read_and_one_arm_chosen(tmp_path: Path) -> None:
    path = tmp_path / "adtrial.csv"
    rows = [
        f"T,P{i}{arm},{arm},LESPCT,day 28,10,{i + (arm == 'cells') * 5}"
        for i in range(6)
        for arm in ("cells", "placebo")
    ]
    path.write_text("STUDYID,USUBJID,TRT01P,PARAMCD,AVISIT,BASE,AVAL\n" + "\n".join(rows))
    assert read_pilot(path, QUESTION).baselines.size == 12
    chosen = read_pilot(path, PilotQuestion("LESPCT", "day 28", "relative", "placebo"))
    assert sorted(chosen.follow_ups) == [0, 1, 2, 3, 4, 5]
    with pytest.raises(AnalysisError, match="no row of the pilot has sugar"):
        read_pilot(path, PilotQuestion("LESPCT", "day 28", "relative", "sugar"))


def test_faults_of_the_table_and_unknown_parameters_are_told(tmp_path: Path) -> None:
    path = plain(tmp_path / "pilot.csv", 'P1,LESPCT,day 28,"10,5",3\nP1,LESPCT,day 28,4,3\n')
    with pytest.raises(TableError) as fault:
        read_pilot(path, QUESTION)
    assert "row 2, column baseline" in str(fault.value)
    path = plain(tmp_path / "pilot.csv", "P1,LESPCT,day 28,4,3\n")
    with pytest.raises(AnalysisError, match="LESPC2") as unknown:
        read_pilot(path, PilotQuestion("LESPC2", "day 28"))
    assert "found LESPCT" in str(unknown.value)
    with pytest.raises(AnalysisError, match="too small"):
        read_pilot(path, QUESTION)
    with pytest.raises(AnalysisError, match="no arms"):
        read_pilot(path, PilotQuestion("LESPCT", "day 28", "relative", "cells"))


def test_shift_stops_where_the_lesion_is_gone() -> None:
    pilot = Pilot(BASELINES, FOLLOW_UPS)
    assert pilot.treated(Effect(shift=-60.0)) == pytest.approx([-100.0, -60.0, -100.0, -35.0, -72.5])
    absolute = Pilot(BASELINES, FOLLOW_UPS, "absolute")
    assert absolute.treated(Effect(shift=-6.0)) == pytest.approx([-10.0, -6.0, -5.0, 4.0, -7.0])


def test_values_that_may_be_negative_are_not_stopped_at_zero() -> None:
    scores = Pilot(BASELINES, FOLLOW_UPS - 30.0, "absolute")
    assert scores.treated(Effect(shift=-50.0)) == pytest.approx(scores.changes - 50.0)


def test_shrinking_takes_its_share_off_the_follow_up() -> None:
    pilot = Pilot(BASELINES, FOLLOW_UPS)
    assert pilot.treated(Effect(shrink_pct=20.0)) == pytest.approx([-60.0, -20.0, -100.0, 0.0, -30.0])
    with pytest.raises(ConfigurationError):
        Effect(shrink_pct=120.0)
