"""Damaged files end in a volume or a typed error: never in another exception, a crash, a hang or a flood."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.fuzz_campaign import Campaign, Tally, run_campaign
from tests.support.mutation import MUTATIONS, mutate, phantom_sources


def campaign(tmp_path: Path, count: int, seed: int) -> Tally:
    return run_campaign(phantom_sources(tmp_path / "sources"), Campaign(count=count, seed=seed))


def assert_all_typed(tally: Tally, count: int) -> None:
    assert tally.total == count
    assert not tally.failures, tally.failures[:5]


def test_three_hundred_damaged_files_are_loaded_or_refused_by_type(tmp_path: Path) -> None:
    tally = campaign(tmp_path, 300, seed=11)
    assert_all_typed(tally, 300)
    refused = sum(count for outcome, count in tally.load.items() if outcome.startswith("typed"))
    assert refused > 60, "the damage is too mild to show anything"
    assert tally.load["loaded same"] > 10, "the intact parts are not read"


@pytest.mark.slow
def test_two_thousand_damaged_files_are_loaded_or_refused_by_type(tmp_path: Path) -> None:
    assert_all_typed(campaign(tmp_path, 2000, seed=12), 2000)


def test_damage_depends_on_the_seed_alone_and_changes_the_file(tmp_path: Path) -> None:
    content = phantom_sources(tmp_path)[0].files[0][1]
    for name, mutation in MUTATIONS.items():
        first, second = (mutation(content, np.random.default_rng(5)) for _ in range(2))
        assert first == second, name
    changed = [mutate(content, np.random.default_rng(n))[0] != content for n in range(100)]
    assert sum(changed) > 90


@pytest.mark.parametrize("content", [b"", b"\0", b"DICM", b"\x08\x00" * 3])
def test_damage_to_scraps_does_not_fail(content: bytes) -> None:
    for number in range(200):
        mutate(content, np.random.default_rng(number))
