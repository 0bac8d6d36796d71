"""What each kind of training data becomes: scans, procedural chests, outlined cases, on the working grid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import ConfigurationError, GeometryError
from lesionseg.core.labels import LabelScheme
from lesionseg.core.provenance import sha256_of_file
from lesionseg.phantoms import ChestSettings, chest_phantom
from lesionseg.segmentation.metadata import PreprocessingSpec
from lesionseg.segmentation.preprocessing import CT_RANGE_HU, prepare_labels, working_geometry
from lesionseg.segmentation.resampling import resample
from lesionseg.training.chests.datasets import OutlinedCase, label_table, load_case, read_dataset
from lesionseg.training.chests.scans import TrainingScan, outlined_scan, training_scan
from lesionseg.training.config import AnnotatedSource, ProceduralChests, ScanSource
from lesionseg.volume import CTVolume, LabelMap, read_label_map, standard_axis_order
from lesionseg.workflow.loading import load_scan

PREPARATION = "chest/1"
"""Part of every key: to be raised when a scan would be prepared differently from what is kept."""
_MASK = LabelScheme(names=tuple(str(value) for value in range(256)))


@dataclass(frozen=True)
class Chest:
    """One chest that is to be prepared.

    Attributes
    ----------
    kind : str
        ``scan``, ``procedural`` or ``annotated``, and which.
    name : str
        For messages.
    key : str
        Hash of everything the prepared chest depends on: files, settings, grid.
    weight : float
        How often it is drawn.
    build : callable
        Makes it.
    check : callable
        Reads its files and raises what `build` would raise about them, at less cost.
    """

    kind: str
    name: str
    key: str
    weight: float
    build: Callable[[], TrainingScan]
    check: Callable[[], object]


def scan_chest(source: ScanSource, spec: PreprocessingSpec) -> Chest:
    """Describe a clear chest from a file or a DICOM folder."""

    def read() -> tuple[CTVolume, npt.NDArray[np.bool_] | None]:
        volume = load_scan(source.image).volume
        return volume, None if source.lung is None else _lung_mask(source.lung, volume, spec)

    def build() -> TrainingScan:
        volume, lung = read()
        return training_scan(on_working_grid(volume, spec), ignore=source.ignore, lung=lung)

    files = [source.image] if source.lung is None else [source.image, source.lung]
    key = _key("scan", [_content_hash(file) for file in files], source.ignore, spec)
    return Chest("scan", source.name, key, source.weight, build, read)


def _lung_mask(path: Path, volume: CTVolume, spec: PreprocessingSpec) -> npt.NDArray[np.bool_]:
    stored = read_label_map(path, _MASK)
    if not stored.geometry.matches(volume.geometry):
        raise GeometryError(
            "scan and lung mask do not lie on the same grid",
            case=str(path),
            expected=str(volume.geometry.shape),
            found=str(stored.geometry.shape),
            remedy="Export the mask on the scan's own grid, with its origin and direction",
        )
    lung = LabelMap((stored.labels > 0).astype(np.uint8), stored.geometry, LabelScheme(names=("0", "lung")))
    return prepare_labels(lung, spec) > 0


def procedural_chests(source: ProceduralChests, spec: PreprocessingSpec, seed: int) -> Iterator[Chest]:
    """Describe chests of random habitus and slice spacing, each a function of seed and number."""
    for number in range(source.count):
        facts = [source.extent_mm, source.slice_spacing_mm, seed, number]

        def build(number: int = number) -> TrainingScan:
            return _procedural_scan(source, spec, np.random.default_rng([seed, number]))

        key = _key("procedural", facts, (), spec)
        weight = source.weight / source.count
        yield Chest("procedural", f"procedural chest {number}", key, weight, build, _nothing_to_read)


def _nothing_to_read() -> None:
    return None


def _procedural_scan(
    source: ProceduralChests, spec: PreprocessingSpec, rng: np.random.Generator
) -> TrainingScan:
    pixel_mm = spec.in_plane_spacing_mm
    spacing_mm = (float(rng.uniform(*source.slice_spacing_mm)), pixel_mm, pixel_mm)
    slices, rows, columns = (
        max(2, round(length / step)) for length, step in zip(source.extent_mm, spacing_mm, strict=True)
    )
    chest = chest_phantom(ChestSettings(shape=(slices, rows, columns), spacing_mm=spacing_mm), rng)
    return training_scan(chest.volume, lung=chest.labels.lung)


def annotated_chests(source: AnnotatedSource, number: int, spec: PreprocessingSpec) -> Iterator[Chest]:
    """Cases of the configuration's annotated dataset `number`, but those it leaves out.

    Raises
    ------
    InputError
        If the dataset is not whole.
    ConfigurationError
        If the label mapping does not fit it, or a case to leave out is not in it.
    """
    dataset = read_dataset(source.folder)
    table = label_table(dataset, source.labels)
    cases = [case for case in dataset.cases if case.name not in source.leave_out]
    _refuse_leaving_out(source, [case.name for case in dataset.cases])
    lungs_outlined = "lung" in source.labels.values()
    for case in cases:

        def read(case: OutlinedCase = case) -> tuple[CTVolume, LabelMap]:
            return load_case(case, table)

        def build(read: Callable[[], tuple[CTVolume, LabelMap]] = read) -> TrainingScan:
            volume, truth = read()
            return outlined_scan(
                on_working_grid(volume, spec),
                prepare_labels(truth, spec),
                lungs_outlined=lungs_outlined,
                takes_lesions=source.insert_lesions,
            )

        files = [sha256_of_file(case.image), sha256_of_file(case.labels)]
        key = _key("annotated", files, [table.tolist(), lungs_outlined, source.insert_lesions], spec)
        yield Chest(f"annotated {number}", case.name, key, source.weight / len(cases), build, read)


def _refuse_leaving_out(source: AnnotatedSource, known: list[str]) -> None:
    strange = [name for name in source.leave_out if name not in known]
    if strange or set(known) <= set(source.leave_out):
        raise ConfigurationError(
            "the cases to leave out do not fit the dataset",
            case=str(source.folder),
            expected="some, not all, of: " + ", ".join(known),
            found=", ".join(strange or source.leave_out),
            remedy="Correct leave_out",
        )


def _content_hash(path: Path) -> str:
    """Hash of a file, or of all files in a folder with their names."""
    if path.is_file():
        return sha256_of_file(path)
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(path)} {sha256_of_file(file)}\n".encode())
    return digest.hexdigest()


def _key(kind: str, files: list[object] | list[str], settings: object, spec: PreprocessingSpec) -> str:
    facts = [PREPARATION, kind, files, settings, spec.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def on_working_grid(volume: CTVolume, spec: PreprocessingSpec) -> CTVolume:
    """Bring a scan to the grid on which the network will see it, HU kept beyond the window."""
    order = standard_axis_order(volume.geometry)
    geometry = working_geometry(order.apply_to_geometry(volume.geometry), spec)
    hu = resample(order.apply(volume.hu), geometry.shape, limits=CT_RANGE_HU)
    return CTVolume(np.rint(hu).astype(np.int16), geometry, volume.name)
