from pathlib import Path

import pytest

from lesionseg.core.errors import ConfigurationError
from lesionseg.core.yaml_file import YamlKind, key_path, read_yaml, shown

RECIPE = YamlKind("the recipe", "flour, water", "docs/baking.md", ConfigurationError)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("flour: 1\nflour: 2\n", "flour stands twice"),
        ("bread: {flour: 1, flour: 2}\n", "flour stands twice"),
        ("flour: [\n", "not a readable YAML file"),
        ("- flour\n", "keys such as flour, water"),
        ("", "the recipe holds no keys"),
        ("flour: !!python/object/apply:os.getcwd []\n", "not a readable YAML file"),
    ],
)
def test_fault_names_the_file_and_the_document_that_shows_a_whole_one(
    text: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_yaml(path, RECIPE)
    for word in (words, "recipe.yaml", "docs/baking.md"):
        assert word in str(caught.value)


def test_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("flour: 1\n", encoding="utf-8-sig")
    assert read_yaml(path, RECIPE) == {"flour": 1}


def test_place_of_a_key_reads_as_in_python() -> None:
    assert key_path(("endpoints", 0, "visit")) == "endpoints[0].visit"


def test_long_values_are_quoted_in_part() -> None:
    assert shown("a") == "'a'"
    assert len(shown("a" * 500)) < 90
