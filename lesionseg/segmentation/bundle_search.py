"""Where model bundles lie, and which one a name or no name at all means.

Searched in this order, and the first folder that holds a name wins:

1. ``models/`` of a checkout, or ``lesionseg/_models`` of an installed wheel: what ships with lesionseg;
2. the user's own folder, `user_bundle_folder`: what ``lesionseg models install`` adds.

What a user installs thus never takes the place of what ships, nor changes which bundle is the default. The
environment variable LESIONSEG_MODELS replaces the whole search by one folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from lesionseg.core.errors import BundleError
from lesionseg.segmentation.bundle_files import METADATA_NAME, PLAIN_NAME

MODELS_VARIABLE = "LESIONSEG_MODELS"
DEFAULT_NAME = "DEFAULT"
"""A text file beside the bundles whose one line names the default bundle."""


def user_bundle_folder(
    environment: Mapping[str, str] | None = None, *, platform: str = sys.platform, home: Path | None = None
) -> Path:
    """Folder for bundles of this user; it need not exist.

    ``$XDG_DATA_HOME/lesionseg/models``, by default under ``~/.local/share`` (XDG Base Directory Specification
    0.8: a relative path there is ignored); ``~/Library/Application Support`` on macOS; ``%LOCALAPPDATA%`` on
    Windows.
    """
    environment = os.environ if environment is None else environment
    home = home or Path.home()
    variable, fallback = {
        "win32": ("LOCALAPPDATA", home / "AppData" / "Local"),
        "darwin": ("", home / "Library" / "Application Support"),
    }.get(platform, ("XDG_DATA_HOME", home / ".local" / "share"))
    named = Path(environment.get(variable, ""))
    return (named if named.is_absolute() else fallback) / "lesionseg" / "models"


def bundle_folders() -> tuple[Path, ...]:
    """Existing folders that may hold bundles, in the order they are searched; at least one.

    Raises
    ------
    BundleError
        If there is none, or LESIONSEG_MODELS names no folder.
    """
    candidates = _candidates()
    found = tuple(candidate for candidate in candidates if candidate.is_dir())
    if found:
        return found
    raise BundleError(
        "there is no folder with model bundles",
        expected=" or ".join(str(candidate) for candidate in candidates),
        remedy=f"Reinstall lesionseg, or set {MODELS_VARIABLE} to the folder that holds the bundles",
    )


def default_bundle_folder() -> Path:
    """Folder whose DEFAULT file, or only bundle, is the default: the first of `bundle_folders`.

    Raises
    ------
    BundleError
        As `bundle_folders`.
    """
    return bundle_folders()[0]


def install_folder() -> Path:
    """Folder that new bundles go to: the one LESIONSEG_MODELS names, else the user's own."""
    wanted = os.environ.get(MODELS_VARIABLE)
    return Path(wanted).expanduser() if wanted else user_bundle_folder()


def list_bundles(folder: Path | None = None) -> tuple[Path, ...]:
    """Folders that look like bundles, by name; nothing is verified yet. Empty if there are none.

    Parameters
    ----------
    folder : Path, optional
        Where to look; all of `bundle_folders`, in their order, if left out.
    """
    places = bundle_folders() if folder is None else (folder,)
    return tuple(path for place in places for path in sorted(place.iterdir()) if _looks_like_bundle(path))


def find_bundle(path_or_name: Path | str | None) -> Path:
    """Folder of the bundle that is meant: an existing folder, else a name, else the default.

    Raises
    ------
    BundleError
        If there is no such bundle.
    """
    if path_or_name is None:
        return _default_bundle(default_bundle_folder())
    path = Path(path_or_name)
    if path.is_dir():
        return path
    if PLAIN_NAME.fullmatch(str(path_or_name)) is None:
        raise BundleError("there is no such model bundle", case=str(path), remedy="Name the bundle's folder")
    for folder in bundle_folders():
        if (folder / path).is_dir():
            return folder / path
    known = ", ".join(dict.fromkeys(bundle.name for bundle in list_bundles())) or "none"
    raise BundleError(
        "there is no such model bundle", case=str(path_or_name), expected=f"a folder or one of: {known}"
    )


def _candidates() -> tuple[Path, ...]:
    if wanted := os.environ.get(MODELS_VARIABLE):
        return (Path(wanted).expanduser(),)
    package = Path(__file__).resolve().parents[1]
    shipped = package / "_models"
    if (package.parent / "pyproject.toml").is_file() and (package.parent / "models").is_dir():
        shipped = package.parent / "models"
    return (shipped, user_bundle_folder())


def _looks_like_bundle(path: Path) -> bool:
    # Hidden folders are left-overs of a write that was killed.
    return not path.name.startswith(".") and (path / METADATA_NAME).is_file()


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
