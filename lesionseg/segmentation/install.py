"""Installing a zipped model bundle: verified in memory, written aside, renamed into place."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import BundleError, OutputExistsError
from lesionseg.core.files import staged_folder
from lesionseg.segmentation.bundle import ModelBundle, bundle_of_files, load_bundle
from lesionseg.segmentation.bundle_archive import plain_name, read_bundle_archive
from lesionseg.segmentation.bundle_files import METADATA_NAME, verified_files
from lesionseg.segmentation.bundle_search import bundle_folders, install_folder


@dataclass(frozen=True)
class InstalledBundle:
    """What `install_bundle` did.

    Attributes
    ----------
    bundle : ModelBundle
        Where it lies now, read back and verified.
    was_there : bool
        The very same bundle was installed already; nothing was written.
    replaced : bool
        Another bundle of that name was replaced, as asked for.
    found_by_name : bool
        ``--model NAME`` finds it; otherwise it must be named by its folder.
    """

    bundle: ModelBundle
    was_there: bool
    replaced: bool
    found_by_name: bool


def install_bundle(archive: Path, *, into: Path | None = None, overwrite: bool = False) -> InstalledBundle:
    """Install a bundle from a zip file under the name that its metadata give.

    In this order: names, kinds and sizes in the archive are judged; the files are read into memory; their
    hashes are compared with SHA256SUMS; only then are metadata and weights parsed, and must fit the network.
    What is refused has written nothing; what is accepted appears in one rename.

    Parameters
    ----------
    archive : Path
        A zip file with a bundle's files at its top or in one folder.
    into : Path, optional
        Folder of bundles to put it in; made if absent. `install_folder` if left out.
    overwrite : bool
        Replace another bundle of that name.

    Returns
    -------
    InstalledBundle

    Raises
    ------
    BundleError
        If the archive is refused, or the bundle would not be the one its name finds.
    OutputExistsError
        If another bundle, or something else, has its place.
    OutputError
        If the folder cannot be written.
    """
    place = (into or install_folder()).expanduser().absolute()  # a relative folder could pass for a name
    files, bundle = _verified(archive)
    target = place / bundle.metadata.name
    for folder in (*_found_before(bundle, place), target):
        if _same(folder, bundle):
            return _installed(folder, was_there=True, replaced=False)
    replaced = _refuse_other(target, bundle, overwrite=overwrite)
    with staged_folder(target, overwrite=overwrite) as staging:
        for name, content in files.items():
            (staging / name).write_bytes(content)
    return _installed(target, was_there=False, replaced=replaced)


def _installed(target: Path, *, was_there: bool, replaced: bool) -> InstalledBundle:
    named = next((folder / target.name for folder in _searched() if (folder / target.name).is_dir()), None)
    found_by_name = named is not None and named.resolve() == target.resolve()
    return InstalledBundle(load_bundle(target), was_there, replaced, found_by_name)


def _verified(archive: Path) -> tuple[Mapping[str, bytes], ModelBundle]:
    unpacked = read_bundle_archive(archive)

    def read(name: str) -> bytes:
        if name not in unpacked:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return unpacked[name]

    files = verified_files(archive, unpacked, read)
    bundle = bundle_of_files(archive, files)
    if not plain_name(bundle.metadata.name):
        raise BundleError(
            "the bundle's name cannot be a folder's on every system",
            case=str(archive),
            found=bundle.metadata.name,
        )
    bundle.network()  # parses the weights and raises if they do not fill the network
    return files, bundle


def _found_before(bundle: ModelBundle, place: Path) -> list[Path]:
    """Folders of the same bundle that the search meets before `place`; refuse another of that name there.

    A place that is not searched at all has no such trouble: a bundle there is named by its folder.
    """
    searched = [folder.resolve() for folder in (*_searched(), install_folder())]
    earlier = searched[: searched.index(place.resolve())] if place.resolve() in searched else []
    found = [folder / bundle.metadata.name for folder in earlier if (folder / bundle.metadata.name).is_dir()]
    for other in found:
        if not _same(other, bundle):
            raise BundleError(
                "another bundle of this name is found first",
                case=bundle.name,
                found=f"{_describe(other)} in {other.parent}",
                remedy="Put it elsewhere with --into and give --model its folder",
            )
    return found


def _refuse_other(target: Path, bundle: ModelBundle, *, overwrite: bool) -> bool:
    """Return whether a bundle will be replaced; refuse to, unless asked, and never touch anything else."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return False
    is_bundle = (target / METADATA_NAME).is_file()
    if is_bundle and overwrite:
        return True
    if is_bundle:
        raise OutputExistsError(
            "a bundle of this name but with other content is installed",
            case=str(target),
            expected=f"room for {bundle.name}, SHA-256 {bundle.sha256[:16]}…",
            found=_describe(target),
            remedy="Pass --overwrite to replace it, or --into to keep both",
        )
    raise OutputExistsError(
        "something that is no model bundle has the bundle's place",
        case=str(target),
        remedy="Move it away, or choose another folder with --into",
    )


def _same(folder: Path, bundle: ModelBundle) -> bool:
    other = _readable(folder)
    return other is not None and other.sha256 == bundle.sha256


def _describe(folder: Path) -> str:
    other = _readable(folder)
    return "a damaged bundle" if other is None else f"{other.name}, SHA-256 {other.sha256[:16]}…"


def _readable(folder: Path) -> ModelBundle | None:
    try:
        return load_bundle(folder)
    except BundleError:
        return None


def _searched() -> tuple[Path, ...]:
    try:
        return bundle_folders()
    except BundleError:  # none is there yet
        return ()
