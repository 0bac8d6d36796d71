"""Outlined scans in the folder layout of nnU-Net, version 2.

    dataset.json                     channel_names, labels, numTraining, file_ending
    imagesTr/CASE_0000.nii.gz        one channel: CT in Hounsfield units
    labelsTr/CASE.nii.gz             the labels that dataset.json lists

The layout is described in the documentation of nnU-Net (Isensee et al. 2021), "dataset_format.md".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lesionseg.core.errors import (
    ConfigurationError,
    GeometryError,
    InputError,
    InputNotFoundError,
    UnreadableFileError,
)
from lesionseg.core.labels import DEFAULT_SCHEME, LabelScheme
from lesionseg.volume import CTVolume, LabelMap, is_volume_file, read_label_map
from lesionseg.workflow.loading import load_scan

DESCRIPTION, IMAGES, LABELS = "dataset.json", "imagesTr", "labelsTr"
CHANNEL = "_0000"
IGNORE = "ignore"
IGNORED = len(DEFAULT_SCHEME.names)
"""Label of voxels that say nothing; beside the four exclusive ones."""
TRUTH_SCHEME = LabelScheme(names=(*DEFAULT_SCHEME.names, IGNORE))
TARGETS = {name: value for value, name in enumerate(TRUTH_SCHEME.names)}
"""What a dataset's own label may become."""

_ANY_LABEL = LabelScheme(names=tuple(str(value) for value in range(256)))
_UNLISTED = 255
_SHOWN = 5


class _Description(BaseModel):
    """The part of ``dataset.json`` that is needed; nnU-Net itself allows further keys."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    channel_names: dict[str, str]
    labels: dict[str, Annotated[int, Field(ge=0, le=254)]]
    num_training: Annotated[int, Field(alias="numTraining", ge=1)]
    file_ending: str


@dataclass(frozen=True)
class OutlinedCase:
    """One case: its name and its two files."""

    name: str
    image: Path
    labels: Path


@dataclass(frozen=True)
class OutlinedDataset:
    """A dataset whose files are all there.

    Attributes
    ----------
    folder : Path
    labels : dict
        Label names of the dataset and their values, background included.
    cases : tuple of OutlinedCase
        By name.
    """

    folder: Path
    labels: Mapping[str, int]
    cases: tuple[OutlinedCase, ...]


def read_dataset(folder: Path) -> OutlinedDataset:
    """Read ``dataset.json`` and find every case's files; no image is opened yet.

    Raises
    ------
    InputNotFoundError
        If ``dataset.json``, a folder, or one of a case's two files is not there.
    InputError
        If the description is damaged, of another version, of several channels, or counts other cases.
    """
    description = _read_description(folder / DESCRIPTION)
    ending = description.file_ending
    images = _names(folder / IMAGES, CHANNEL + ending)
    labels = _names(folder / LABELS, ending)
    _refuse_unpaired(folder, images, labels, ending)
    if len(images) != description.num_training:
        raise InputError(
            "the dataset holds another number of cases than it says",
            case=str(folder),
            expected=f"numTraining {description.num_training}",
            found=f"{len(images)} in {IMAGES}",
            remedy=f"Copy the missing cases, or correct numTraining in {DESCRIPTION}",
        )
    cases = tuple(
        OutlinedCase(name, folder / IMAGES / f"{name}{CHANNEL}{ending}", folder / LABELS / f"{name}{ending}")
        for name in sorted(images)
    )
    return OutlinedDataset(folder, description.labels, cases)


def label_table(dataset: OutlinedDataset, mapping: Mapping[str, str]) -> npt.NDArray[np.uint8]:
    """Turn a mapping of label names into a table from the dataset's values to `TRUTH_SCHEME`.

    The background stays background and nnU-Net's own ``ignore`` stays ignored; every other label must be
    mapped, for nothing about a reader's outlines is guessed.

    Returns
    -------
    ndarray, shape (256,), uint8
        255 for values the dataset does not list.

    Raises
    ------
    ConfigurationError
        If a label is not mapped, or the mapping names one that the dataset does not have.
    """
    wanted = {"background": "background", IGNORE: IGNORE, **mapping}
    unmapped = [name for name in dataset.labels if name not in wanted]
    foreign = [name for name in mapping if name not in dataset.labels]
    if unmapped or foreign:
        raise ConfigurationError(
            "the label mapping does not fit the dataset",
            case=str(dataset.folder),
            expected="a line for each of: "
            + ", ".join(name for name in dataset.labels if name != "background"),
            found="; ".join(
                f"{words} {', '.join(names)}"
                for words, names in (("nothing for", unmapped), ("unknown", foreign))
                if names
            ),
            remedy="Map each label to background, lung, non_solid, solid or ignore. Lesions of unknown kind "
            "can be mapped to non_solid, if that is meant, or be ignored: they are never split by guess",
        )
    table = np.full(256, _UNLISTED, dtype=np.uint8)
    for name, value in dataset.labels.items():
        table[value] = TARGETS[wanted[name]]
    return table


def load_case(case: OutlinedCase, table: npt.NDArray[np.uint8]) -> tuple[CTVolume, LabelMap]:
    """Read a case's scan and its labels, brought to `TRUTH_SCHEME` by `table`.

    Raises
    ------
    InputError
        If a file is unreadable, the scan not in Hounsfield units, or a label not in ``dataset.json``.
    GeometryError
        If scan and labels do not lie on one grid.
    """
    volume = load_scan(case.image).volume
    stored = read_label_map(case.labels, _ANY_LABEL)
    if not stored.geometry.matches(volume.geometry):
        raise GeometryError(
            "scan and labels do not lie on the same grid",
            case=f"{case.name} ({case.labels})",
            expected=_grid(volume.geometry.shape, volume.geometry.spacing_mm),
            found=_grid(stored.geometry.shape, stored.geometry.spacing_mm),
            remedy="Export the labels on the scan's own grid, with its origin and direction",
        )
    labels = table[stored.labels]
    if (labels == _UNLISTED).any():
        values = np.unique(stored.labels[labels == _UNLISTED])
        raise InputError(
            f"a label is not listed in {DESCRIPTION}",
            case=f"{case.name} ({case.labels})",
            found=", ".join(str(value) for value in values),
            remedy=f"List it under labels in {DESCRIPTION}, or correct the label file",
        )
    return volume, LabelMap(labels, volume.geometry, TRUTH_SCHEME)


def _read_description(path: Path) -> _Description:
    if not path.is_file():
        raise InputNotFoundError(
            "there is no description of the dataset",
            case=str(path),
            remedy="Name the folder that holds dataset.json, imagesTr and labelsTr (nnU-Net, version 2)",
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        description = _Description.model_validate(content)
    except (OSError, ValueError) as error:
        raise UnreadableFileError(
            "the description of the dataset cannot be used",
            case=str(path),
            expected="channel_names, labels (name: number), numTraining, file_ending: nnU-Net version 2",
            found=_first_complaint(error),
            remedy="Convert version 1 with nnU-Net's own tool; labels of several numbers are not read",
        ) from error
    _refuse_description(path, description)
    return description


def _refuse_description(path: Path, description: _Description) -> None:
    if len(description.channel_names) != 1:
        raise InputError(
            "the dataset has several channels",
            case=str(path),
            expected="one: CT",
            found=", ".join(description.channel_names.values()),
            remedy="Make a dataset of the CT channel alone",
        )
    if description.labels.get("background") != 0:
        raise InputError("the label 0 must be called background", case=str(path))
    if not is_volume_file(Path(f"case{description.file_ending}")):
        raise InputError(
            "images of this format are not read",
            case=str(path),
            expected="file_ending .nii.gz, .nrrd or .mha",
            found=description.file_ending,
        )


def _names(folder: Path, ending: str) -> set[str]:
    if not folder.is_dir():
        raise InputNotFoundError("the dataset lacks a folder", case=str(folder))
    found = (path.name for path in folder.iterdir() if not path.name.startswith("."))
    return {name.removesuffix(ending) for name in found if name.endswith(ending)}


def _refuse_unpaired(folder: Path, images: set[str], labels: set[str], ending: str) -> None:
    for there, missing, place in (
        (images, sorted(images - labels), f"{LABELS}/CASE{ending}"),
        (labels, sorted(labels - images), f"{IMAGES}/CASE{CHANNEL}{ending}"),
    ):
        if missing:
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            raise InputNotFoundError(
                f"{len(missing)} of {len(there)} cases lack a file",
                case=str(folder),
                expected=place,
                found="nothing for " + ", ".join(missing[:_SHOWN]) + more,
                remedy="Copy the missing files, or move the cases out of the dataset",
            )


def _first_complaint(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    return " ".join(str(error).split())


def _grid(shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> str:
    voxels = " x ".join(str(length) for length in shape)
    return f"{voxels} voxels of {' x '.join(f'{step:.3g}' for step in spacing_mm)} mm"
