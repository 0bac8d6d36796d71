"""Which bundles are there, in words for people; and whether one of them would run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import BundleError
from lesionseg.segmentation.bundle import ModelBundle, load_bundle
from lesionseg.segmentation.bundle_search import find_bundle, list_bundles


@dataclass(frozen=True)
class BundleEntry:
    """One bundle of the catalogue.

    Attributes
    ----------
    folder : Path
        Where it lies; its last part is what ``--model`` takes.
    is_default : bool
        Whether it runs when no bundle is named.
    found_by_name : bool
        False if a folder searched earlier holds the same name.
    size_bytes : int
        All files of the folder.
    bundle : ModelBundle or None
        None where the bundle is refused.
    error : BundleError or None
        Why it is refused.
    """

    folder: Path
    is_default: bool
    found_by_name: bool
    size_bytes: int
    bundle: ModelBundle | None
    error: BundleError | None


def describe_bundles() -> tuple[BundleEntry, ...]:
    """Every bundle in the folders that are searched, its hashes compared; a refused one is still listed.

    Raises
    ------
    BundleError
        If there is no folder to search.
    """
    default = _default_folder()
    entries: list[BundleEntry] = []
    names: set[str] = set()
    for folder in list_bundles():
        bundle, error = _loaded(folder)
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        entries.append(BundleEntry(folder, folder == default, folder.name not in names, size, bundle, error))
        names.add(folder.name)
    return tuple(entries)


def verify_bundle(path_or_name: Path | str | None = None) -> ModelBundle:
    """Check what can be checked without a scan: hashes, metadata, and that the weights fill the network.

    Raises
    ------
    BundleError
        If anything is wrong, naming the file.
    """
    bundle = load_bundle(path_or_name)
    bundle.network()
    return bundle


def _default_folder() -> Path | None:
    try:
        return find_bundle(None)
    except BundleError:  # several and none named, which is no fault of any of them
        return None


def _loaded(folder: Path) -> tuple[ModelBundle | None, BundleError | None]:
    try:
        return load_bundle(folder), None
    except BundleError as error:
        return None, error
