from __future__ import annotations

import pytest

from lesionseg.core.file_names import plain_words, safe_file_name


@pytest.mark.parametrize("text", ["P01", "CT-2020.04", "a_b"])
def test_names_that_every_file_system_takes_stay(text: str) -> None:
    assert safe_file_name(text) == text


@pytest.mark.parametrize(
    "text", ["", ".", "..", "../up", "a/b", "a\\b", "a b", ".hidden", "ä", "end.", "x" * 200, "a:b", "-v"]
)
def test_other_texts_become_one_plain_name(text: str) -> None:
    name = safe_file_name(text)
    assert name.isascii()
    assert not set(name) & set('/\\: "*?<>|')
    assert name[0] not in ".-"
    assert len(name) <= 60


def test_two_texts_never_share_a_name() -> None:
    texts = ["a/b", "a b", "a\\b", "a-b", "ä", "ö", "x" * 100, "x" * 101]
    assert len({safe_file_name(text) for text in texts}) == len(texts)


def test_plain_words_read_like_the_text() -> None:
    assert plain_words("day 28") == "day-28"
