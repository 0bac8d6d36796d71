from __future__ import annotations

import pytest

from lesionseg.reports.canvas import TextStyle, shortened, text_width_px, wrapped
from lesionseg.reports.caption import share_text, volume_text


@pytest.mark.parametrize(
    ("value_pct", "text"),
    [
        (None, "no lung"),
        (0.0, "0.0 %"),
        (12.34, "12.3 %"),
        (0.04, "0.04 %"),
        (0.001, "< 0.01 %"),
        (100.0, "100.0 %"),
    ],
)
def test_shares_never_read_as_zero_when_they_are_not(value_pct: float | None, text: str) -> None:
    assert share_text(value_pct) == text


@pytest.mark.parametrize(("volume_ml", "text"), [(0.0, "0.0 ml"), (99.94, "99.9 ml"), (5283.4, "5,283 ml")])
def test_volumes_are_rounded_for_readers(volume_ml: float, text: str) -> None:
    assert volume_text(volume_ml) == text


def test_wrapped_lines_fit_and_lose_no_word() -> None:
    style = TextStyle(size_px=14)
    text = "The lung reaches the lowest slice, where twelve square centimetres of it are cut."
    lines = wrapped(text, style, 200)
    assert len(lines) > 1
    assert " ".join(lines) == text
    assert all(text_width_px(line, style) <= 200 for line in lines)


def test_a_word_too_long_for_the_line_is_shortened_in_the_middle() -> None:
    style = TextStyle(size_px=14)
    short = shortened("a" + "m" * 200 + "z", style, 150)
    assert short.startswith("a")
    assert short.endswith("z")
    assert "…" in short
    assert text_width_px(short, style) <= 150


def test_no_room_at_all_gives_an_ellipsis() -> None:
    assert shortened("word", TextStyle(), 1.0) == "…"
