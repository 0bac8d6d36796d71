"""Model bundles: folders whose every byte is checked against SHA256SUMS before any of it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from lesionseg.core.errors import BundleError
from lesionseg.core.files import staged_folder
from lesionseg.segmentation.bundle_files import (
    CARD_NAME,
    METADATA_NAME,
    SUMS_NAME,
    WEIGHTS_NAME,
    read_verified_folder,
)
from lesionseg.segmentation.bundle_search import find_bundle
from lesionseg.segmentation.metadata import ModelMetadata
from lesionseg.segmentation.network import build_network, load_state, unique_state

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ModelBundle:
    """A verified bundle.

    Attributes
    ----------
    folder : Path
        Where it was read.
    metadata : ModelMetadata
        Network, preprocessing, window, provenance.
    weights : bytes
        The safetensors file, exactly as it was hashed.
    model_card : str
        Markdown.
    sha256 : str
        Hash of SHA256SUMS, which covers every file: identifies the bundle in manifests.
    weights_sha256 : str
        Hash of the weights alone.
    """

    folder: Path
    metadata: ModelMetadata
    weights: bytes = field(repr=False)
    model_card: str = field(repr=False)
    sha256: str
    weights_sha256: str

    @property
    def name(self) -> str:
        """Name and version, as reports and manifests call it."""
        return f"{self.metadata.name} {self.metadata.version}"

    def network(self) -> torch.nn.Module:
        """Build the network with these weights, on the CPU, in evaluation mode.

        Raises
        ------
        BundleError
            If class, arguments and weights do not fit together.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            state = load(self.weights)
        except (SafetensorError, KeyError, ValueError) as error:
            raise BundleError(
                "the weights are not a safetensors file",
                case=str(self.folder / WEIGHTS_NAME),
                found=str(error),
                remedy="Fetch the bundle again; pickled weights are never loaded",
            ) from error
        try:
            network = build_network(self.metadata.network)
            load_state(network, state)
        except BundleError as error:
            error.case = error.case or str(self.folder)
            raise
        return network.eval()


def load_bundle(path_or_name: Path | str | None = None) -> ModelBundle:
    """Read and verify a bundle.

    Every file is read once, its hash compared with SHA256SUMS, and only then are the bytes that were hashed
    interpreted.

    Parameters
    ----------
    path_or_name : Path or str, optional
        A folder, or the name of one in `bundle_folders`; the default bundle if left out.

    Raises
    ------
    BundleError
        If the bundle is absent, or a file is missing, altered, unlisted, of a forbidden kind or unreadable.
    """
    folder = find_bundle(path_or_name)
    return bundle_of_files(folder, read_verified_folder(folder))


def bundle_of_files(place: Path, files: Mapping[str, bytes]) -> ModelBundle:
    """Make a bundle of files whose hashes were verified.

    Parameters
    ----------
    place : Path
        The folder or archive they were read from.
    files : mapping of str to bytes
        From `verified_files`.

    Raises
    ------
    BundleError
        If the metadata is not valid.
    """
    return ModelBundle(
        folder=place,
        metadata=_parse_metadata(place, files[METADATA_NAME]),
        weights=files[WEIGHTS_NAME],
        model_card=files[CARD_NAME].decode("utf-8", errors="replace"),
        sha256=hashlib.sha256(files[SUMS_NAME]).hexdigest(),
        weights_sha256=hashlib.sha256(files[WEIGHTS_NAME]).hexdigest(),
    )


def write_bundle(
    folder: Path,
    *,
    state_dict: Mapping[str, torch.Tensor],
    metadata: ModelMetadata,
    model_card: str,
    overwrite: bool = False,
) -> ModelBundle:
    """Write a bundle aside, rename it into place, and read it back verified.

    Parameters
    ----------
    folder : Path
        The bundle's folder; its last part is usually ``metadata.name``.
    state_dict : mapping of str to Tensor
        Must fill the network of `metadata` exactly; stored as contiguous CPU tensors, shared ones once.
    metadata : ModelMetadata
    model_card : str
        Markdown: data and licences, convention, measured accuracy, limits.
    overwrite : bool
        Replace an existing bundle, once the new one is complete.

    Raises
    ------
    BundleError
        If the weights do not fit the network.
    OutputExistsError, OutputError
        If the folder is filled, or cannot be written.
    """
    from safetensors.torch import save

    network = build_network(metadata.network)
    load_state(network, state_dict)
    files = {
        METADATA_NAME: (metadata.model_dump_json(indent=2) + "\n").encode(),
        WEIGHTS_NAME: save(unique_state(network)),
        CARD_NAME: model_card.encode(),
    }
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    with staged_folder(folder, overwrite=overwrite) as staging:
        for name, content in {**files, SUMS_NAME: sums.encode()}.items():
            (staging / name).write_bytes(content)
    return load_bundle(folder)


def _parse_metadata(folder: Path, content: bytes) -> ModelMetadata:
    try:
        return ModelMetadata.model_validate_json(content)
    except ValidationError as error:
        details = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'file'}: {item['msg']}" for item in error.errors()
        )
        raise BundleError(
            "the bundle's metadata is not valid",
            case=str(folder / METADATA_NAME),
            found=details,
            remedy="Update lesionseg if the bundle is newer than it, else fetch the bundle again",
        ) from error
