from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch

from lesionseg.core.errors import BundleError, OutputExistsError
from lesionseg.segmentation import (
    ModelBundle,
    NetworkSpec,
    default_bundle_folder,
    list_bundles,
    load_bundle,
    write_bundle,
)
from lesionseg.segmentation.bundle import METADATA_NAME, SUMS_NAME, WEIGHTS_NAME
from lesionseg.segmentation.network import build_network
from tests.segmentation.builders import TINY_ARGUMENTS, tiny_metadata
from tests.segmentation.conftest import write_tiny_bundle


def relist(folder: Path) -> None:
    """Write SHA256SUMS anew, as someone would who altered a bundle on purpose."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != SUMS_NAME
    ]
    (folder / SUMS_NAME).write_text("".join(lines))


def edit_metadata(folder: Path, **changes: object) -> None:
    path = folder / METADATA_NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    relist(folder)


def test_written_bundle_reads_back_with_the_same_weights(tmp_path: Path) -> None:
    metadata = tiny_metadata(training={"seed": 7, "scores": [0.5, 0.25]})
    torch.manual_seed(3)
    network = build_network(metadata.network)
    written = write_bundle(
        tmp_path / "tiny", state_dict=network.state_dict(), metadata=metadata, model_card="# Card\n"
    )
    read = load_bundle(tmp_path / "tiny")
    assert read == written
    assert read.metadata == metadata
    assert read.model_card == "# Card\n"
    restored = read.network().state_dict()
    assert restored.keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(restored[name], tensor), name


def test_network_comes_in_evaluation_mode(tiny_bundle: ModelBundle) -> None:
    assert not any(module.training for module in tiny_bundle.network().modules())


def test_shared_layers_are_stored_once(tiny_bundle: ModelBundle) -> None:
    unique = sum(tensor.numel() * tensor.element_size() for tensor in tiny_bundle.network().parameters())
    assert len(tiny_bundle.weights) < 1.5 * unique + 20_000


def test_existing_bundle_is_not_overwritten_unasked(tiny_bundle: ModelBundle) -> None:
    with pytest.raises(OutputExistsError):
        write_tiny_bundle(tiny_bundle.folder)


def test_weights_that_do_not_fit_are_not_written(tmp_path: Path) -> None:
    state = build_network(tiny_metadata().network).state_dict()
    state.popitem()
    other = dict(TINY_ARGUMENTS, filters=[4, 8, 16])
    metadata = tiny_metadata(network=NetworkSpec(class_name="DynUNet", arguments=other))
    with pytest.raises(BundleError, match="do not belong"):
        write_bundle(tmp_path / "x", state_dict=state, metadata=metadata, model_card="")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [WEIGHTS_NAME, METADATA_NAME, "MODEL_CARD.md"])
def test_altered_byte_is_refused_with_the_file_named(bundle_copy: Path, name: str) -> None:
    content = bytearray((bundle_copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle_copy / name).write_bytes(content)
    with pytest.raises(BundleError, match="altered") as caught:
        load_bundle(bundle_copy)
    assert name in caught.value.case


@pytest.mark.parametrize("name", [WEIGHTS_NAME, METADATA_NAME, "MODEL_CARD.md", SUMS_NAME])
def test_missing_file_is_refused_with_its_name(bundle_copy: Path, name: str) -> None:
    (bundle_copy / name).unlink()
    with pytest.raises(BundleError, match="missing") as caught:
        load_bundle(bundle_copy)
    assert name in caught.value.case


@pytest.mark.parametrize("name", [WEIGHTS_NAME, METADATA_NAME, "MODEL_CARD.md"])
def test_file_that_is_not_listed_is_refused(bundle_copy: Path, name: str) -> None:
    sums = bundle_copy / SUMS_NAME
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if name not in line))
    with pytest.raises(BundleError, match="hashes") as caught:
        load_bundle(bundle_copy)
    assert name in caught.value.found


def test_extra_file_is_refused(bundle_copy: Path) -> None:
    (bundle_copy / "notes.txt").write_text("hello")
    with pytest.raises(BundleError, match="does not list"):
        load_bundle(bundle_copy)


def test_extra_folder_is_refused(bundle_copy: Path) -> None:
    (bundle_copy / "more.md").mkdir()
    with pytest.raises(BundleError, match="does not list"):
        load_bundle(bundle_copy)


@pytest.mark.parametrize("listed", [True, False])
def test_pickle_is_refused_listed_or_not(bundle_copy: Path, listed: bool) -> None:
    (bundle_copy / "weights.pt").write_bytes(pickle.dumps({"weight": 1}))
    if listed:
        relist(bundle_copy)
    with pytest.raises(BundleError, match="carry code") as caught:
        load_bundle(bundle_copy)
    assert "weights.pt" in caught.value.case


def test_pickle_under_the_name_of_the_weights_is_refused(bundle_copy: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, bundle_copy / WEIGHTS_NAME)
    relist(bundle_copy)
    with pytest.raises(BundleError, match="not a safetensors file"):
        load_bundle(bundle_copy).network()


@pytest.mark.parametrize(
    "name", ["../outside.md", "/etc/hostname.md", "a/b.md", "..", ".hidden.md", "SHA256SUMS", "x\\y.md"]
)
def test_name_that_leaves_the_folder_is_refused(bundle_copy: Path, name: str) -> None:
    (bundle_copy.parent / "outside.md").write_text("secret")
    digest = hashlib.sha256(b"secret").hexdigest()
    with (bundle_copy / SUMS_NAME).open("a") as sums:
        sums.write(f"{digest}  {name}\n")
    with pytest.raises(BundleError, match="hashes") as caught:
        load_bundle(bundle_copy)
    assert repr(name) in caught.value.found


@pytest.mark.parametrize("line", ["nonsense", "abc  metadata.json", ""])
def test_line_that_is_no_hash_is_refused(bundle_copy: Path, line: str) -> None:
    with (bundle_copy / SUMS_NAME).open("a") as sums:
        sums.write(f"{line}\n")
    with pytest.raises(BundleError, match="hashes"):
        load_bundle(bundle_copy)


def test_name_listed_twice_is_refused(bundle_copy: Path) -> None:
    sums = bundle_copy / SUMS_NAME
    sums.write_text(sums.read_text() * 2)
    with pytest.raises(BundleError, match="hashes"):
        load_bundle(bundle_copy)


def test_unknown_network_class_is_refused(bundle_copy: Path) -> None:
    edit_metadata(bundle_copy, network={"class_name": "os.system", "arguments": {}})
    with pytest.raises(BundleError, match="unknown network class") as caught:
        load_bundle(bundle_copy).network()
    assert caught.value.found == "os.system"


@pytest.mark.parametrize("arguments", [{"nonsense": 1}, {**TINY_ARGUMENTS, "strides": [1]}])
def test_arguments_the_network_refuses_are_reported(bundle_copy: Path, arguments: dict[str, object]) -> None:
    edit_metadata(bundle_copy, network={"class_name": "DynUNet", "arguments": arguments})
    with pytest.raises(BundleError, match="cannot be built"):
        load_bundle(bundle_copy).network()


def test_weights_of_another_network_are_refused(bundle_copy: Path) -> None:
    edit_metadata(
        bundle_copy,
        network={"class_name": "DynUNet", "arguments": dict(TINY_ARGUMENTS, filters=[4, 8, 16])},
    )
    with pytest.raises(BundleError, match="do not belong"):
        load_bundle(bundle_copy).network()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("surprise", 1),
        ("format_version", 2),
        ("name", "../up"),
        ("labels", ["background", "lesion"]),
        ("preprocessing", {"window_hu": [400, -1000], "in_plane_spacing_mm": 1, "slice_spacing_mm": [1, 8]}),
        ("preprocessing", {"window_hu": [-1000, 400], "in_plane_spacing_mm": 0, "slice_spacing_mm": [1, 8]}),
        ("window", {"shape": [16, 60, 64], "divisor": [1, 16, 16]}),
        ("window", {"shape": [16, 64, 64], "divisor": [1, 16, 16], "overlap": 1.0}),
    ],
)
def test_metadata_that_make_no_sense_are_refused(bundle_copy: Path, key: str, value: object) -> None:
    edit_metadata(bundle_copy, **{key: value})
    with pytest.raises(BundleError, match="metadata") as caught:
        load_bundle(bundle_copy)
    assert key in caught.value.found


def test_metadata_that_is_no_json_is_refused(bundle_copy: Path) -> None:
    (bundle_copy / METADATA_NAME).write_text("{")
    relist(bundle_copy)
    with pytest.raises(BundleError, match="metadata"):
        load_bundle(bundle_copy)


@pytest.fixture
def models(tmp_path: Path, tiny_bundle: ModelBundle, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the bundles ``one`` and ``two``, named in LESIONSEG_MODELS."""
    folder = tmp_path / "models"
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
        for path in tiny_bundle.folder.iterdir():
            (folder / name / path.name).write_bytes(path.read_bytes())
    (folder / "empty").mkdir()
    monkeypatch.setenv("LESIONSEG_MODELS", str(folder))
    return folder


def test_bundles_are_listed_and_found_by_name(models: Path) -> None:
    assert default_bundle_folder() == models
    assert [path.name for path in list_bundles()] == ["one", "two"]
    assert load_bundle("two").folder == models / "two"


def test_unknown_name_is_answered_with_the_known_ones(models: Path) -> None:
    with pytest.raises(BundleError, match="no such model bundle") as caught:
        load_bundle("three")
    assert "one, two" in caught.value.expected


def test_path_that_does_not_exist_is_refused(models: Path) -> None:
    with pytest.raises(BundleError, match="no such model bundle"):
        load_bundle(models / "three" / "four")


def test_several_bundles_without_a_default_are_not_guessed_from(models: Path) -> None:
    with pytest.raises(BundleError, match="no default model bundle"):
        load_bundle()


def test_default_file_names_the_default_bundle(models: Path) -> None:
    (models / "DEFAULT").write_text("two\n")
    assert load_bundle().folder == models / "two"
    (models / "DEFAULT").write_text("../two\n")
    with pytest.raises(BundleError, match="default bundle is not there"):
        load_bundle()


def test_only_bundle_is_the_default(models: Path) -> None:
    for path in (models / "two").iterdir():
        path.unlink()
    assert load_bundle().folder == models / "one"


def test_missing_models_folder_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LESIONSEG_MODELS", str(tmp_path / "nowhere"))
    with pytest.raises(BundleError, match="no folder with model bundles") as caught:
        load_bundle()
    assert "LESIONSEG_MODELS" in caught.value.remedy


def test_checkout_finds_its_own_models(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    monkeypatch.delenv("LESIONSEG_MODELS", raising=False)
    assert default_bundle_folder() == repository / "models"
