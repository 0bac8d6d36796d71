"""What the segmenter says of itself becomes an interval, a score and a flag."""

from __future__ import annotations

import pytest

from lesionseg.core.confidence import Confidence, ProportionDoubt, ScanFigure
from lesionseg.segmentation.scan_figures import FIGURES
from lesionseg.volumetry import Measurements, Severity, measure
from lesionseg.volumetry.certainty import CERTAINTY_COLUMNS
from lesionseg.volumetry.unusual import SENTENCES
from tests.volumetry.chest import chest


def said(*figures: ScanFigure, missing_reason: str = "") -> Confidence:
    return Confidence(
        ProportionDoubt(1.0, 2.0, 0.5),
        ProportionDoubt(50.0, 99.9),
        figures,
        "tests",
        "some scans",
        missing_reason,
    )


def measured(confidence: Confidence | None, **chest_changes: object) -> Measurements:
    scan = chest(**chest_changes)
    return measure(scan.volume, scan.label_map, confidence=confidence)


def noise(excess: float) -> ScanFigure:
    return ScanFigure("noise_hu", 80.0, 5.0, 20.0, excess)


def flag_of(result: Measurements):
    return next((flag for flag in result.flags if flag.code == "out-of-distribution"), None)


def test_the_interval_lies_around_the_measured_proportion_and_within_0_to_100():
    result = measured(said())
    row, value = result.as_row(), result.whole.lesion_proportion_pct
    assert row["lesion_proportion_low_pct"] == pytest.approx(value - 1)
    assert row["lesion_proportion_high_pct"] == pytest.approx(value + 2)
    assert row["lesion_proportion_expected_pct"] == pytest.approx(value + 0.5)
    assert (row["solid_proportion_low_pct"], row["solid_proportion_high_pct"]) == (0.0, 100.0)


def test_a_reader_s_labels_have_neither_interval_nor_score():
    result = measured(None)
    assert {name: result.missing[name] for name in CERTAINTY_COLUMNS} == dict.fromkeys(
        CERTAINTY_COLUMNS, "not-assessed"
    )
    assert flag_of(result) is None
    assert result.as_dict()["confidence"]["figures"] == []


def test_no_lung_is_the_reason_where_there_is_none():
    result = measured(said(noise(9.0)), lungs=(), lesions=())
    assert result.missing["ood_score"] == result.missing["lesion_proportion_low_pct"] == "no-lung"


def test_a_bundle_without_ranges_gives_an_interval_and_the_reason_why_there_is_no_score():
    result = measured(said(ScanFigure("noise_hu", 80.0), missing_reason="no-reference-ranges"))
    assert result.missing["ood_score"] == result.missing["ood_figure"] == "no-reference-ranges"
    assert "lesion_proportion_low_pct" not in result.missing
    assert flag_of(result) is None


@pytest.mark.parametrize(
    ("excess", "severity"),
    [(0.9, None), (1.49, None), (1.5, Severity.WARNING), (2.9, Severity.WARNING), (3.0, Severity.CRITICAL)],
)
def test_the_worst_figure_decides_the_flag(excess, severity):
    result = measured(said(ScanFigure("lung_hu", -850.0, -900.0, -800.0, 0.0), noise(excess)))
    flag = flag_of(result)
    assert (flag.severity if flag else None) == severity
    assert (result.as_row()["ood_score"], result.as_row()["ood_figure"]) == (excess, "noise_hu")


def test_the_flag_says_what_is_unusual_in_words():
    flag = flag_of(measured(said(ScanFigure("tissue_hu", 300.0, 30.0, 60.0, 2.0), noise(4.0))))
    assert "4.0 times as noisy" in flag.sentence
    assert "80 against 20 HU" in flag.sentence
    assert flag.sentence.endswith("Also unusual: HU of muscle and blood.")
    assert flag.value == 4.0


@pytest.mark.parametrize("value", [1.0, 1000.0])
@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_a_sentence_of_its_own(name, value):
    assert name in SENTENCES
    flag = flag_of(measured(said(ScanFigure(name, value, 10.0, 20.0, 4.0))))
    assert flag.sentence.startswith("This scan is unlike those the network is known to handle: ")
    assert flag.sentence.endswith(".")
    assert name not in flag.sentence


def test_json_holds_every_figure_with_its_range():
    block = measured(said(noise(2.0))).as_dict()["confidence"]
    assert block["figures"] == [{"name": "noise_hu", "value": 80.0, "low": 5.0, "high": 20.0, "excess": 2.0}]
    assert (block["interval_basis"], block["reference"], block["ood_score"]) == ("tests", "some scans", 2.0)
    assert block["missing"] == {}


@pytest.mark.parametrize(("noise_hu", "raised"), [(34.9, False), (35.0, True), (220.0, True)])
def test_a_noisy_image_is_flagged_whatever_the_reference_scans_were(noise_hu, raised):
    result = measured(said(ScanFigure("noise_hu", noise_hu, 2.0, 300.0, 0.4)))
    found = [flag for flag in result.flags if flag.code == "noisy-image"]
    assert [flag.value for flag in found] == ([noise_hu] if raised else [])
    assert all(flag.severity is Severity.WARNING and f"{noise_hu:.0f} HU" in flag.sentence for flag in found)
