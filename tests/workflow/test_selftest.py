from __future__ import annotations

import numpy as np
import pytest

from lesionseg.volume import CTVolume, LabelMap
from lesionseg.workflow.selftest import SelfTestLine, network_self_test, volumetry_self_test
from tests.workflow.builders import RuleSegmenter


def test_volumetry_finds_the_known_volumes() -> None:
    test = volumetry_self_test()
    assert test.passed
    assert {line.name for line in test.lines} == {"lung", "right lung", "lesion", "solid component"}
    assert all(abs(line.error_pct) <= 0.5 for line in test.lines)


def test_volumetry_that_counts_wrongly_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from lesionseg.volumetry import measure

    def thinner(volume: CTVolume, label_map: LabelMap) -> object:
        labels = label_map.labels.copy()
        labels[::50] = 0  # one slice in fifty
        return measure(volume, LabelMap(labels, label_map.geometry))

    monkeypatch.setattr("lesionseg.workflow.selftest.measure", thinner)
    assert not volumetry_self_test().passed


def test_network_that_finds_no_lung_fails() -> None:
    class Blind(RuleSegmenter):
        def segment(self, volume: CTVolume, *, progress: object = None) -> LabelMap:
            return LabelMap(np.zeros(volume.hu.shape, np.uint8), volume.geometry)

    test = network_self_test(Blind())
    assert not test.passed
    assert test.lines[0].error_pct == pytest.approx(-100)


def test_line_without_tolerance_is_shown_and_not_judged() -> None:
    assert SelfTestLine("lesion", 100.0, 900.0, None).passed
    assert not SelfTestLine("lung", 100.0, 111.0, 10.0).passed
