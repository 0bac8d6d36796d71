from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lesionseg.phantoms import ChestPhantom, ChestSettings, chest_phantom
from lesionseg.segmentation import ModelBundle, ModelMetadata, write_bundle
from tests.segmentation.builders import tiny_metadata


def write_tiny_bundle(folder: Path, metadata: ModelMetadata | None = None, seed: int = 0) -> ModelBundle:
    import torch

    from lesionseg.segmentation.network import build_network

    metadata = metadata or tiny_metadata()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_network(metadata.network)
    return write_bundle(folder, state_dict=network.state_dict(), metadata=metadata, model_card="# Tiny\n")


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    return write_tiny_bundle(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def bundle_copy(tiny_bundle: ModelBundle, tmp_path: Path) -> Path:
    """A bundle of one's own, to be damaged."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    for path in tiny_bundle.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def chest() -> ChestPhantom:
    return chest_phantom(
        ChestSettings(shape=(40, 130, 130), spacing_mm=(8.0, 2.9, 2.9)), np.random.default_rng(3)
    )
