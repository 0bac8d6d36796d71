from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lesionseg.core.errors import ConfigurationError, InputNotFoundError
from lesionseg.segmentation import NetworkSpec, write_bundle
from lesionseg.segmentation.network import build_network
from lesionseg.training.config import RESEARCH_ONLY, TrainingConfig
from lesionseg.training.config_file import read_config
from lesionseg.training.plan import make_plan
from tests.segmentation.builders import TINY_ARGUMENTS, tiny_metadata
from tests.training.tiny_run import tiny_content, write_config


@pytest.fixture
def content(tmp_path: Path) -> dict[str, Any]:
    return tiny_content(tmp_path)


def read(tmp_path: Path, content: dict[str, Any]) -> TrainingConfig:
    return read_config(write_config(tmp_path, content), data_root=tmp_path / "data")


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    metadata = tiny_metadata(
        name="start", commercial_use=False, training_data=[{"name": "old", "license": "CC BY-NC"}]
    )
    folder = tmp_path_factory.mktemp("bundles") / "start"
    network = build_network(metadata.network)
    write_bundle(folder, state_dict=network.state_dict(), metadata=metadata, model_card="card")
    return folder


def from_start(content: dict[str, Any], start: Path) -> dict[str, Any]:
    for name in ("network", "preprocessing", "window", "solid_convention"):
        del content["bundle"][name]
    return {**content, "start_from": str(start)}


def test_settings_reach_the_dataclasses_and_the_rest_keeps_its_defaults(tmp_path, content):
    content["batches"]["lesions"] = {"clear_probability": 0.3}
    config = read(tmp_path, content)
    assert config.batches.lesions.clear_probability == 0.3
    assert config.batches.patches.in_plane == (32, 32)
    assert config.stages[0].learning_rate == 0.01
    assert config.stages[1].weight_decay == 1e-4
    assert config.bundle.intended_use == RESEARCH_ONLY


def test_data_paths_start_at_the_data_root_or_else_beside_the_file(tmp_path, content):
    path = write_config(tmp_path / "data", content)
    assert read_config(path) == read(tmp_path, content)
    with pytest.raises(ConfigurationError, match=r"data\.scans\[0\]\.image") as caught:
        read_config(write_config(tmp_path, content))
    assert "--data-root" in caught.value.remedy


def test_number_in_scientific_notation_is_a_number(tmp_path, content):
    path = write_config(tmp_path / "data", content)
    path.write_text(path.read_text().replace("0.01", "2e-3"))
    assert read_config(path).stages[0].learning_rate == 2e-3


BROKEN = [
    (["stages", 0, "steps"], 0, r"stages\[0\]\.steps", ""),
    (["stages", 0, "learning_rate"], -1.0, r"stages\[0\]\.learning_rate", ""),
    (["stages", 0, "stepz"], 5, r"stages\[0\]\.stepz: there is no such key", "steps"),
    (["stages"], [], "stages", ""),
    (["batches", "lesions"], {"clear_probabilty": 0.1}, r"batches\.lesions\.clear", "clear_probability"),
    (["batches", "hu_window"], [0, 1], r"bundle\.preprocessing\.window_hu", ""),
    (["batches", "patches", "in_plane_spacing_mm"], 1.0, r"bundle\.preprocessing", ""),
    (["data"], {}, "at least one of scans", ""),
    (["data", "annotated", 0, "labels", "lung"], "lungs", r"data\.annotated\[0\]\.labels\.lung", ""),
    (["data", "scans", 0, "ignore"], [[[0.5, 0.1], [0, 1], [0, 1]]], r"data\.scans\[0\]\.ignore", ""),
    (["bundle", "name"], "Not A Name", r"bundle\.name", ""),
    (["bundle", "network"], None, "without start_from, bundle needs network", ""),
    (["seeds"], 1, "seeds: there is no such key", "seed"),
]


@pytest.mark.parametrize(("keys", "value", "words", "remedy"), BROKEN)
def test_fault_is_told_with_file_and_key(tmp_path, content, keys, value, words, remedy):
    place = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    with pytest.raises(ConfigurationError, match=words) as caught:
        read(tmp_path, content)
    assert caught.value.case.endswith("train.yaml")
    assert remedy in caught.value.remedy
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "words"),
    [("seed: 1\nseed: 2\n", "seed stands twice"), ("seed: ]", "line 1"), ("- 1\n", "list"), ("", "NoneType")],
)
def test_file_that_is_no_configuration_is_refused(tmp_path, text, words):
    path = tmp_path / "train.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_config(path)
    assert words in caught.value.found


def test_missing_file_and_data_root_are_named(tmp_path):
    with pytest.raises(InputNotFoundError, match=r"nothing\.yaml"):
        read_config(tmp_path / "nothing.yaml")


def test_code_in_yaml_is_not_run(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text(f"seed: !!python/object/apply:pathlib.Path.touch [{tmp_path / 'hit'}]")
    with pytest.raises(ConfigurationError):
        read_config(path)
    assert not (tmp_path / "hit").exists()


def test_patches_take_window_and_spacing_from_the_bundle(tmp_path, content):
    content["bundle"]["preprocessing"]["window_hu"] = [-900, 300]
    stage = make_plan(read(tmp_path, content)).stages[1]
    assert stage.batches.hu_window == (-900, 300)
    assert stage.batches.patches.in_plane_spacing_mm == 3.0
    assert stage.first_batch == 4


def test_patch_the_network_does_not_take_is_refused(tmp_path, content):
    content["stages"][1]["batches"] = {"patches": {"slices": 2, "in_plane": [32, 30]}}
    with pytest.raises(ConfigurationError, match="multiples") as caught:
        make_plan(read(tmp_path, content))
    assert caught.value.case == "stages[1]"


def test_unknown_placeholder_in_a_card_is_found_before_training(tmp_path, content):
    (tmp_path / "card.md").write_text("$name saw $everything")
    content["bundle"]["card"] = "card.md"
    with pytest.raises(ConfigurationError, match="everything"):
        make_plan(read(tmp_path, content))


def test_start_hands_down_network_data_and_licence(tmp_path, content, start):
    plan = make_plan(read(tmp_path, from_start(content, start)))
    assert plan.metadata.network == NetworkSpec(class_name="DynUNet", arguments=TINY_ARGUMENTS)
    assert [source.name for source in plan.metadata.training_data] == ["old", "Clear block", "Blocks"]
    assert not plan.metadata.commercial_use


def test_licence_of_the_start_is_not_widened(tmp_path, content, start):
    content["bundle"]["commercial_use"] = True
    with pytest.raises(ConfigurationError, match="commercial"):
        make_plan(read(tmp_path, from_start(content, start)))


def test_weights_of_another_network_are_refused(tmp_path, content, start):
    content["bundle"]["network"]["arguments"] = {**TINY_ARGUMENTS, "filters": [4, 8, 12]}
    with pytest.raises(ConfigurationError, match="another network"):
        make_plan(read(tmp_path, {**content, "start_from": str(start)}))


@pytest.mark.parametrize(
    ("recipe", "name", "sources"),
    [("lung_lesion", "lung-lesion", 8), ("lung_lesion_left_out", "lung-lesion-left-out", 5)],
)
def test_recipes_of_bundles_are_configurations(repository, tmp_path, recipe, name, sources):
    path = repository / "scripts" / "train" / f"{recipe}.yaml"
    content = yaml.safe_load(path.read_text())
    for scan in content["data"]["scans"]:
        (tmp_path / scan["image"]).parent.mkdir(exist_ok=True)
        (tmp_path / scan["image"]).touch()
    plan = make_plan(read_config(path, data_root=tmp_path))
    assert plan.metadata.name == name
    assert len(plan.metadata.training_data) == sources


def test_left_out_recipe_has_the_default_network_and_none_of_the_scans_it_is_measured_on(repository):
    default, left_out = (
        yaml.safe_load((repository / "scripts" / "train" / f"{name}.yaml").read_text())
        for name in ("lung_lesion", "lung_lesion_left_out")
    )
    assert left_out["bundle"]["network"] == default["bundle"]["network"]
    assert left_out["bundle"]["preprocessing"] == default["bundle"]["preprocessing"]
    images = {scan["image"] for scan in default["data"]["scans"]} - {
        scan["image"] for scan in left_out["data"]["scans"]
    }
    assert images == {
        f"ct-1p5mm/{name}_ct.nii.gz" for name in ("nsclcrg-R01-001", "cptac-C3N-00247", "lungdx-A0002_8mm")
    }
