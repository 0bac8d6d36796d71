"""Model bundles: folders whose every byte is checked against SHA256SUMS before any of it is used."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from lesionseg.core.errors import BundleError
from lesionseg.core.files import staged_folder
from lesionseg.segmentation.metadata import ModelMetadata
from lesionseg.segmentation.network import build_network, load_state, unique_state

if TYPE_CHECKING:
    import torch

METADATA_NAME = "metadata.json"
WEIGHTS_NAME = "weights.safetensors"
CARD_NAME = "MODEL_CARD.md"
SUMS_NAME = "SHA256SUMS"
DEFAULT_NAME = "DEFAULT"
"""A text file beside the bundles whose one line names the default bundle."""
REQUIRED_NAMES = (METADATA_NAME, WEIGHTS_NAME, CARD_NAME)
ALLOWED_SUFFIXES = (".json", ".safetensors", ".md", ".txt")
"""Formats that cannot carry code; pickled weights (.pt, .pth, .bin, .pkl) are refused."""
MODELS_VARIABLE = "LESIONSEG_MODELS"

_SUMS_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


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
        network = build_network(self.metadata.network)
        load_state(network, state)
        return network.eval()


def default_bundle_folder() -> Path:
    """Folder that holds the bundles.

    The first that exists of: the environment variable LESIONSEG_MODELS, ``models/`` of a checkout,
    ``lesionseg/_models`` of an installed wheel.

    Raises
    ------
    BundleError
        If there is none, or the variable names no folder.
    """
    package = Path(__file__).resolve().parents[1]
    if wanted := os.environ.get(MODELS_VARIABLE):
        candidates = [Path(wanted).expanduser()]
    elif (package.parent / "pyproject.toml").is_file():
        candidates = [package.parent / "models", package / "_models"]
    else:
        candidates = [package / "_models"]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise BundleError(
        "there is no folder with model bundles",
        expected=" or ".join(str(candidate) for candidate in candidates),
        remedy=f"Reinstall lesionseg, or set {MODELS_VARIABLE} to the folder that holds the bundles",
    )


def list_bundles(folder: Path | None = None) -> tuple[Path, ...]:
    """Folders that look like bundles, by name; nothing is verified yet. Empty if there are none."""
    folder = folder or default_bundle_folder()
    return tuple(
        sorted(path for path in folder.iterdir() if path.is_dir() and (path / METADATA_NAME).is_file())
    )


def load_bundle(path_or_name: Path | str | None = None) -> ModelBundle:
    """Read and verify a bundle.

    Every file is read once, its hash compared with SHA256SUMS, and only then are the bytes that were hashed
    interpreted.

    Parameters
    ----------
    path_or_name : Path or str, optional
        A folder, or the name of one in `default_bundle_folder`; the default bundle if left out.

    Raises
    ------
    BundleError
        If the bundle is absent, or a file is missing, altered, unlisted, of a forbidden kind or unreadable.
    """
    folder = _find(path_or_name)
    files = _read_verified(folder)
    metadata = _parse_metadata(folder, files[METADATA_NAME])
    return ModelBundle(
        folder=folder,
        metadata=metadata,
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


def _find(path_or_name: Path | str | None) -> Path:
    if path_or_name is None:
        return _default_bundle(default_bundle_folder())
    path = Path(path_or_name)
    if path.is_dir():
        return path
    if len(path.parts) == 1 and not path.is_absolute():
        folder = default_bundle_folder()
        if (folder / path).is_dir():
            return folder / path
        known = ", ".join(bundle.name for bundle in list_bundles(folder)) or "none"
        raise BundleError(
            "there is no such model bundle", case=str(path_or_name), expected=f"a folder or one of: {known}"
        )
    raise BundleError("there is no such model bundle", case=str(path), remedy="Name the bundle's folder")


def _default_bundle(folder: Path) -> Path:
    bundles = list_bundles(folder)
    marker = folder / DEFAULT_NAME
    if marker.is_file():
        wanted = folder / marker.read_text(encoding="utf-8").strip()
        if wanted in bundles:
            return wanted
        raise BundleError("the default bundle is not there", case=str(marker), expected=wanted.name)
    if len(bundles) == 1:
        return bundles[0]
    raise BundleError(
        "there is no default model bundle",
        case=str(folder),
        expected=f"one bundle, or a file {DEFAULT_NAME} that names one of several",
        found=", ".join(bundle.name for bundle in bundles) or "no bundle",
        remedy="Name a bundle with --model",
    )


def _read_verified(folder: Path) -> dict[str, bytes]:
    """Read every file of the bundle once; return the bytes whose hashes are listed."""
    sums = _read(folder, SUMS_NAME)
    listed = _parse_sums(folder, sums)
    _refuse_unlisted(folder, listed)
    files = {SUMS_NAME: sums}
    for name, expected in listed.items():
        files[name] = _read(folder, name)
        found = hashlib.sha256(files[name]).hexdigest()
        if found != expected:
            raise BundleError(
                "a file of the model bundle was altered",
                case=str(folder / name),
                expected=f"SHA-256 {expected}",
                found=found,
                remedy="Fetch the bundle again",
            )
    return files


def _parse_sums(folder: Path, content: bytes) -> dict[str, str]:
    listed: dict[str, str] = {}
    for line in content.decode("utf-8", errors="replace").splitlines():
        match = _SUMS_LINE.fullmatch(line)
        if match is None:
            raise _bad_sums(folder, f"the line {line!r}")
        digest, name = match.groups()
        if _PLAIN_NAME.fullmatch(name) is None or name == SUMS_NAME or name in listed:
            raise _bad_sums(folder, f"the file name {name!r}")
        if not name.endswith(ALLOWED_SUFFIXES):
            raise _forbidden(folder / name)
        listed[name] = digest
    missing = [name for name in REQUIRED_NAMES if name not in listed]
    if missing:
        raise _bad_sums(folder, "no line for " + ", ".join(missing))
    return listed


def _refuse_unlisted(folder: Path, listed: Mapping[str, str]) -> None:
    for path in sorted(folder.iterdir()):
        if path.name == SUMS_NAME or path.name in listed:
            continue
        if path.is_file() and not path.name.endswith(ALLOWED_SUFFIXES):
            raise _forbidden(path)
        raise BundleError(
            "the model bundle holds something that SHA256SUMS does not list",
            case=str(path),
            remedy="Remove it, or fetch the bundle again",
        )


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise BundleError(
            "a file of the model bundle is missing or unreadable",
            case=str(folder / name),
            found=error.strerror or str(error),
            remedy="Fetch the bundle again",
        ) from error


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


def _bad_sums(folder: Path, found: str) -> BundleError:
    return BundleError(
        "the bundle's list of hashes is not valid",
        case=str(folder / SUMS_NAME),
        expected=f"lines of '<sha256>  <plain file name>' that name {', '.join(REQUIRED_NAMES)}",
        found=found,
        remedy="Fetch the bundle again",
    )


def _forbidden(path: Path) -> BundleError:
    return BundleError(
        "the model bundle holds a kind of file that could carry code",
        case=str(path),
        expected="only " + ", ".join(ALLOWED_SUFFIXES),
        remedy="Fetch the bundle again; pickled weights are never loaded",
    )
