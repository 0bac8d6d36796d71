"""Finding the label maps under two paths, and which belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lesionseg.core.errors import EmptyInputError, InputError, InputNotFoundError, UnreadableFileError
from lesionseg.volume.files import VOLUME_SUFFIXES, is_volume_file
from lesionseg.workflow.request import LABELS

_SHOWN = 5


@dataclass(frozen=True)
class FoundMaps:
    """Label maps under one path.

    Attributes
    ----------
    files : mapping of str to Path
        By case.
    others : tuple of str
        Names in the folder that are no label map and hold none; hidden ones are not counted.
    single : bool
        The path is one label map, not a folder of cases.
    """

    files: Mapping[str, Path]
    others: tuple[str, ...] = ()
    single: bool = False


@dataclass(frozen=True)
class CaseFiles:
    """The two label maps of one case."""

    case: str
    prediction: Path
    reference: Path


@dataclass(frozen=True)
class Matching:
    """Which label maps belong together, and which are left over.

    Attributes
    ----------
    pairs : tuple of CaseFiles
        By case name.
    without_prediction, without_reference : tuple of str
        Cases that only one side has.
    other_predictions, other_references : tuple of str
        Files and folders that are no label maps.
    """

    pairs: tuple[CaseFiles, ...]
    without_prediction: tuple[str, ...] = ()
    without_reference: tuple[str, ...] = ()
    other_predictions: tuple[str, ...] = ()
    other_references: tuple[str, ...] = ()


def find_label_maps(path: Path) -> FoundMaps:
    """Find label maps: one file, one result folder of `segment`, or a folder of either kind.

    A case is called by its result folder, or by its file without the suffix.

    Raises
    ------
    InputNotFoundError, EmptyInputError, UnreadableFileError
        If there is nothing, or no label map.
    InputError
        If two label maps have one case name.
    """
    if not path.exists():
        raise InputNotFoundError("there is no such file or folder", case=str(path))
    if path.is_file():
        if not is_volume_file(path):
            raise UnreadableFileError(
                "this is no label map", case=str(path), expected=" ".join(VOLUME_SUFFIXES)
            )
        return FoundMaps({_case_name(path): path}, single=True)
    entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    maps = [found for entry in entries if (found := _label_map(entry)) is not None]
    if maps == [path / LABELS]:
        return FoundMaps({_case_name(path / LABELS): path / LABELS}, single=True)
    if not maps:
        raise EmptyInputError(
            "there are no label maps in this folder",
            case=str(path),
            expected=f"files ending in {' '.join(VOLUME_SUFFIXES)}, or folders holding {LABELS}",
            found=_listed([entry.name for entry in entries]),
        )
    others = tuple(entry.name for entry in entries if _label_map(entry) is None)
    return FoundMaps(_by_case(maps, path), others)


def match_cases(predictions: Path, references: Path) -> Matching:
    """Pair label maps by case name; two single label maps are a pair whatever they are called.

    Raises
    ------
    InputError
        As `find_label_maps` does; and if no case has both.
    """
    ours, theirs = find_label_maps(predictions), find_label_maps(references)
    if ours.single and theirs.single:
        (case, prediction), reference = next(iter(ours.files.items())), next(iter(theirs.files.values()))
        return Matching((CaseFiles(case, prediction, reference),))
    both = sorted(ours.files.keys() & theirs.files.keys())
    if not both:
        raise InputError(
            "no case has both a prediction and a reference",
            case=f"{predictions} and {references}",
            expected="label maps of one case under one name, for instance P001 and P001.nii.gz",
            found=f"{_listed(sorted(ours.files))} against {_listed(sorted(theirs.files))}",
            remedy="Rename the files of one side",
        )
    return Matching(
        tuple(CaseFiles(case, ours.files[case], theirs.files[case]) for case in both),
        without_prediction=tuple(sorted(theirs.files.keys() - ours.files.keys())),
        without_reference=tuple(sorted(ours.files.keys() - theirs.files.keys())),
        other_predictions=ours.others,
        other_references=theirs.others,
    )


def _label_map(entry: Path) -> Path | None:
    """Return the label map that an entry of a folder is or holds."""
    if entry.is_dir():
        return entry / LABELS if (entry / LABELS).is_file() else None
    return entry if is_volume_file(entry) else None


def _by_case(maps: list[Path], folder: Path) -> dict[str, Path]:
    by_case: dict[str, Path] = {}
    for path in maps:
        case = _case_name(path)
        if case in by_case:
            raise InputError(
                "two label maps are of one case",
                case=str(folder),
                expected="one label map for each case name",
                found=f"{by_case[case].relative_to(folder)} and {path.relative_to(folder)}, both of {case}",
                remedy="Remove or rename one of them",
            )
        by_case[case] = path
    return by_case


def _case_name(path: Path) -> str:
    if path.name == LABELS:
        return path.absolute().parent.name
    suffix = next(suffix for suffix in VOLUME_SUFFIXES if path.name.lower().endswith(suffix))
    return path.name[: -len(suffix)]


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more if names else "nothing"
