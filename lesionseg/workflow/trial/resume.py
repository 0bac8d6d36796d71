"""Is the case that an earlier run left behind the one that is wanted now? Told by hashes, never by names."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lesionseg import __version__
from lesionseg.core.errors import OutputExistsError
from lesionseg.core.provenance import sha256_of_file
from lesionseg.core.tables import plain_json
from lesionseg.segmentation import ModelBundle, Segmenter
from lesionseg.workflow.request import MANIFEST, MANIFEST_FORMAT, CaseSettings

_NOT_COMPARED = ("model", "threads")
"""Settings that say how the segmenter is found and how fast it runs; the bundle's hash says what it is."""


@dataclass(frozen=True)
class WantedCase:
    """What a case must have been made of to be taken over.

    Attributes
    ----------
    files : tuple of Path or None
        Of the series that would be measured now; None where they lie elsewhere, and are compared there.
    series_uid : str or None
        As asked for.
    repairs : tuple of str
    settings : CaseSettings
    segmenter : Segmenter
        Its bundle's name and hash are compared; its network is not opened.
    """

    files: tuple[Path, ...] | None
    series_uid: str | None
    repairs: tuple[str, ...]
    settings: CaseSettings
    segmenter: Segmenter

    def is_in(self, folder: Path) -> bool:
        """Tell whether `folder` holds this very case, whole and unaltered.

        That is: it was made by this version of lesionseg and this model bundle, with these settings, of
        files with these SHA-256 hashes.

        Raises
        ------
        OutputExistsError
            If the folder holds a case whose files are no longer those of its manifest: somebody's corrections
            are not written over.
        """
        manifest = _read_manifest(folder)
        if manifest is None:
            return False
        _refuse_altered(folder, manifest)
        return self._asked_alike(manifest) and self._same_input(manifest)

    def _asked_alike(self, manifest: dict[str, Any]) -> bool:
        request, model = manifest["request"], manifest["model"]
        bundle = getattr(self.segmenter, "bundle", None)
        return (
            manifest["lesionseg"] == __version__
            and request["series_uid"] == self.series_uid
            and request["repairs"] == list(self.repairs)
            and _compared(request["settings"]) == _compared(plain_json(asdict(self.settings)))
            and model["bundle"] == self.segmenter.bundle_name
            and model.get("bundle_sha256") == (bundle.sha256 if isinstance(bundle, ModelBundle) else None)
        )

    def _same_input(self, manifest: dict[str, Any]) -> bool:
        """Compare file by file; a repair that drops duplicates has left some of them out."""
        if self.files is None:
            return True
        recorded = Counter(entry["sha256"] for entry in manifest["input"]["files"])
        present = Counter(sha256_of_file(path) for path in self.files)
        return recorded <= present if "duplicates" in self.repairs else recorded == present


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a case; None where there is none of this layout."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and manifest.get("format") == MANIFEST_FORMAT else None


def _refuse_altered(folder: Path, manifest: dict[str, Any]) -> None:
    for name, sha256 in manifest["outputs"].items():
        path = folder / name
        if not path.is_file() or sha256_of_file(path) != sha256:
            raise OutputExistsError(
                "the files of this case have changed since they were written",
                case=str(folder),
                expected=f"{name} as {MANIFEST} records it",
                found="another content" if path.is_file() else "no such file",
                remedy="Move the folder away to have the scan measured again",
            )


def _compared(settings: dict[str, Any]) -> dict[str, Any]:
    segmenter = {key: value for key, value in settings["segmenter"].items() if key not in _NOT_COMPARED}
    return {**settings, "segmenter": segmenter}
