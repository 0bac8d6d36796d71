from __future__ import annotations

from pathlib import Path

from lesionseg.longitudinal import change_words, pairing_words


def test_every_reason_is_documented_in_the_words_of_the_code(repository: Path) -> None:
    lines = (repository / "docs" / "visits.md").read_text(encoding="utf-8").splitlines()
    assert set(pairing_words.MEANINGS) == set(pairing_words.Reason)
    for meanings in (pairing_words.MEANINGS, change_words.MEANINGS):
        for code, meaning in meanings.items():
            assert f"| `{code}` | {meaning} |" in lines
