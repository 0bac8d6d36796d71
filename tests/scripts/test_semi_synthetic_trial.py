"""The semi-synthetic trial on a small chest of simple shapes, with a segmenter that knows a part of it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lesionseg.training.evaluation import ClearLungs
from lesionseg.volume import LabelMap
from scripts.evaluation import semi_synthetic_trial
from scripts.evaluation.semi_synthetic_patients import (
    BASELINE,
    CONTROL,
    DAY_28,
    SCANS,
    TREATMENT,
    at_inspiration,
    draw_patients,
    patient_scan,
)
from scripts.evaluation.semi_synthetic_trial import (
    FATES,
    as_csv,
    as_table,
    compare,
    earlier_rows,
    fates_pct,
    fates_table,
    measured_patients,
)


def chest():
    """Two boxes of lung, 2 x 4 x 4 mm voxels; the lower third is not judged."""
    lung = np.zeros((24, 40, 60), np.bool_)
    lung[2:22, 6:34, 6:26] = True
    lung[2:22, 6:34, 34:54] = True
    judged = np.ones_like(lung)
    judged[:8] = False
    noise = np.random.default_rng(0).normal(0, 5, lung.shape)
    hu = np.where(lung, -850.0, 40.0) + noise
    return ClearLungs("normal001", hu.astype(np.float32), lung & judged, judged, (2.0, 4.0, 4.0))


def patient(number=0):
    return replace(draw_patients(number + 1, 5)[number], scan=SCANS[0])


def test_patients_do_not_depend_on_how_many_there_are():
    few, many = draw_patients(3, 7), draw_patients(20, 7)
    assert few == many[:3]
    assert sum(one.arm == TREATMENT for one in many) == sum(one.arm == CONTROL for one in many) == 10
    assert {one.scan.name for one in many} == {scan.name for scan in SCANS}
    changes = {
        arm: np.median([p.visits[DAY_28].lesion / p.visits[BASELINE].lesion for p in many if p.arm == arm])
        for arm in (TREATMENT, CONTROL)
    }
    assert changes[TREATMENT] < changes[CONTROL]


def test_truth_is_what_was_asked_for_and_thick_slices_do_not_change_it():
    sick, lungs = patient(), chest()
    for name in (BASELINE, DAY_28):
        scan = patient_scan(sick, lungs, name)
        asked = sick.visits[name]
        # asked is where the opacity is half its strength or more; lesion begins a little further out
        assert 100 * asked.lesion <= scan.lesion_pct < 115 * asked.lesion
        # what is asked is the consolidation drawn; solid is what is dense, less of it at soft borders
        assert 0.7 < scan.solid_pct / (100 * asked.lesion * asked.solid) < 1.1
        slices = scan.volume.geometry.spacing_mm[0]
        assert slices == pytest.approx(asked.slice_mm, rel=0.15)
        extent = slices * scan.volume.hu.shape[0]
        assert extent == pytest.approx(24 * 2.0 * asked.stretch)


def test_the_foci_of_both_visits_are_the_same():
    sick, lungs = patient(), chest()
    still = {"slice_mm": 2.0, "stretch": 1.0, "blur_mm": 0.0, "noise_hu": 0.01}
    less = replace(sick.visits[BASELINE], lesion=0.1, solid=0.2, **still)
    more = replace(less, lesion=0.3)
    scans = [
        patient_scan(replace(sick, visits={BASELINE: visit, DAY_28: visit}), lungs, BASELINE)
        for visit in (less, more)
    ]
    raised = [(scan.volume.hu > -760) & lungs.lung for scan in scans]
    assert 0 < raised[0].sum() < raised[1].sum()
    assert (raised[0] & raised[1]).sum() > 0.9 * raised[0].sum()


def test_a_deeper_breath_thins_the_lung_and_leaves_tissue_alone():
    hu, lung = np.array([-900.0, -850.0, 40.0]), np.array([True, True, True])
    thinned = at_inspiration(hu, lung, 1.1)
    assert thinned[0] == pytest.approx(-1000 + 100 / 1.1)
    assert thinned[1] < -850
    assert thinned[2] == 40


class HalfBlind:
    """Finds lung above the air and lesion above -700 HU, but misses the right half."""

    bundle = SimpleNamespace(
        name="rule", sha256="0" * 64, metadata=SimpleNamespace(training_data=[SimpleNamespace(name="0314")])
    )

    def segment(self, volume):
        labels = np.where(chest_mask(volume.hu.shape), 1, 0).astype(np.uint8)
        lesion = (volume.hu > -700) & (labels > 0)
        lesion[:, :, : labels.shape[2] // 2] = False
        labels[lesion] = 2
        return LabelMap(labels, volume.geometry)


def chest_mask(shape):
    lung = torch.from_numpy(chest().lung.astype(np.float32))[None, None]
    return torch.nn.functional.interpolate(lung, size=shape)[0, 0].numpy() > 0.5


def test_rows_hold_truth_and_measurement_and_a_broken_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(semi_synthetic_trial, "clear_chest", lambda *_: chest())
    patients = [replace(one, scan=SCANS[number % 2]) for number, one in enumerate(draw_patients(6, 5))]
    rows = list(measured_patients(HalfBlind(), None, patients))
    assert {row["trained_on"] for row in rows if row["scan"] == "lidc0314"} == {True}
    for row in rows:
        assert 0 < row["measured_lesion_pct baseline"] < 60
        assert row["measured_solid_pct baseline"] == 0
        true_ml = sum(row[f"{fate}_lesion_ml baseline"] for fate in FATES)
        assert 0.1 * true_ml < row["found_lesion_ml baseline"] < 0.9 * true_ml
        assert row["background_lesion_ml baseline"] < 0.1 * true_ml
    path = tmp_path / "patients.csv"
    path.write_text(as_csv(rows))
    source = rows[0]["bundle"]
    assert len(earlier_rows(path, patients, source)) == 6
    assert earlier_rows(path, patients, "another bundle") == []
    assert earlier_rows(path, draw_patients(6, 6), source) == []
    older = tmp_path / "older.csv"
    older.write_text(as_csv([{key: row[key] for key in row if "lesion_ml" not in key} for row in rows]))
    assert earlier_rows(older, patients, source) == []
    # What was stored as text gives the same figures.
    assert list(compare(earlier_rows(path, patients, source))) == list(compare(rows))


def test_the_fates_of_true_lesion_add_up_over_all_visits():
    row = {f"{fate}_lesion_ml {name}": "0" for fate in FATES for name in (BASELINE, DAY_28)}
    first = row | {"found_lesion_ml baseline": 30.0, "background_lesion_ml day 28": 5.0}
    second = row | {"faint_lesion_ml baseline": 10.0, "other_lesion_ml day 28": "5.0"}
    shares = fates_pct([first, second])
    assert shares == pytest.approx({"found": 60.0, "background": 10.0, "faint": 20.0, "other": 10.0})
    assert "| taken for tissue outside the lung | 10.0 |" in fates_table(shares)


def rows_with_error(bias, count=20):
    rows = []
    for number, one in enumerate(draw_patients(count, 5)):
        row = {"arm": one.arm}
        for name in (BASELINE, DAY_28):
            true = 100 * one.visits[name].lesion
            for region in ("lesion", "solid"):
                row[f"true_{region}_pct {name}"] = true
                error = bias + 0.01 * (-1) ** number if region == "lesion" else 0.0
                row[f"measured_{region}_pct {name}"] = true + error
        rows.append(row)
    return rows


def test_a_constant_error_cancels_in_absolute_change_but_not_in_the_relative_one():
    found = {(one.region, one.figure): one for one in compare(rows_with_error(2.0))}
    assert found["lesion", f"proportion, {BASELINE}"].bias == pytest.approx(2.0, abs=1e-6)
    assert found["lesion", "absolute change"].bias == pytest.approx(0.0, abs=1e-9)
    relative = found["lesion", "relative change"]
    assert abs(relative.measured_effect) < abs(relative.true_effect)
    exact = found["solid", "relative change"]
    assert exact.measured_effect == exact.true_effect
    assert exact.sd == pytest.approx(0.0, abs=1e-9)


def test_patients_without_a_measured_baseline_leave_the_relative_change_only():
    rows = rows_with_error(0.0)
    rows[0]["measured_solid_pct baseline"] = 0.0
    rows[1]["measured_solid_pct day 28"] = None
    found = {(one.region, one.figure): one for one in compare(rows)}
    assert found["solid", "absolute change"].patients == 19
    assert found["solid", "relative change"].patients == 18
    table = as_table(list(found.values()), "bundle", 20)
    assert table.count("| solid component |") == 6
