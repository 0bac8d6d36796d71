from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionseg.core.errors import ConfigurationError, InputError
from lesionseg.workflow.selftest import SelfTest, SelfTestLine
from tests.training.test_outlined_pictures import write_picture
from tests.training.test_train_run import CPU, elsewhere, run
from tests.training.tiny_run import tiny_content


@pytest.fixture
def content(tmp_path: Path) -> dict[str, Any]:
    return tiny_content(tmp_path)


@pytest.fixture(autouse=True)
def quick_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (SelfTestLine("lung", 100.0, 50.0, 10.0),)
    monkeypatch.setattr("lesionseg.training.finish.network_self_test", lambda _: SelfTest(lines, 0.0))


def with_pictures(content: dict[str, Any], folder: Path, *names: str, **more: Any) -> dict[str, Any]:
    folder.mkdir()
    for name in names:
        write_picture(folder, name)
    source = {"name": "pictures", "license": "none", "folder": str(folder), "share": 0.5, **more}
    batches = content.get("batches", {}) | {"pictures": 2}
    return {**content, "batches": batches, "data": {**content["data"], "pictures": source}}


def test_outlined_pictures_are_learnt_from_and_named(tmp_path, content):
    plain = run(tmp_path, elsewhere(content, tmp_path / "plain"))
    taught = run(tmp_path, with_pictures(elsewhere(content, tmp_path / "taught"), tmp_path / "p", "a", "b"))
    assert "pictures" in {source.name for source in taught.bundle.metadata.training_data}
    assert taught.bundle.metadata.training["chests"]["picture"] == 2
    assert taught.bundle.weights_sha256 != plain.bundle.weights_sha256


def test_picture_left_out_has_to_be_there(tmp_path, content):
    with pytest.raises(InputError, match="zzz"):
        run(tmp_path, with_pictures(content, tmp_path / "p", "a", "b", leave_out=["zzz"]))


def test_changed_picture_is_noticed(tmp_path, content):
    taught = with_pictures(content, tmp_path / "p", "a", "b")
    run(tmp_path, taught)
    write_picture(tmp_path / "p", "b", mask=np.zeros((80, 92), np.uint8))
    with pytest.raises(ConfigurationError, match="pictures"):
        run(tmp_path, taught, replace(CPU, overwrite=True))
