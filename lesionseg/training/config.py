"""What a training run's configuration says: the bundle to make, the data, the patches, the stages.

The models mirror the YAML file key by key. Unknown keys are refused. Settings of patches, lesions and the
optimizer are the dataclasses that the training itself takes, so that nothing is described twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from pydantic import field_validator as check_field
from pydantic_core import PydanticCustomError

from lesionseg.segmentation.metadata import NetworkSpec, PreprocessingSpec, TrainingSource, WindowSpec
from lesionseg.training.loop import TrainingSettings
from lesionseg.training.sampling import BatchSettings

RESEARCH_ONLY = "Research use only. Not a medical device; no clinical validity is claimed."
ABSENT_PATH = "absent_path"
"""Type of the validation error for a path that is not there."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]


def _from_data_root(path: Path, info: ValidationInfo) -> Path:
    return _existing(path, info, "data_root")


def _from_config_folder(path: Path, info: ValidationInfo) -> Path:
    return _existing(path, info, "folder")


def _existing(path: Path, info: ValidationInfo, base: str) -> Path:
    folder = (info.context or {}).get(base, Path())
    found = Path(folder) / path.expanduser()
    if not found.exists():
        raise PydanticCustomError(
            ABSENT_PATH, "there is no such file or folder: {path}", {"path": str(found)}
        )
    return found


DataPath = Annotated[Path, AfterValidator(_from_data_root)]
ConfigPath = Annotated[Path, AfterValidator(_from_config_folder)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BundleSection(_Frozen):
    """The bundle that the run ends with; what is left out comes from ``start_from``.

    Attributes
    ----------
    name, version, summary, intended_use, license, commercial_use, solid_convention
        As in ``metadata.json``; `license` is that of the weights.
    network, preprocessing, window
        As in ``metadata.json``.
    training_data : tuple of TrainingSource
        Data the weights have seen beyond what this file and the bundle started from list.
    card : Path, optional
        Markdown with placeholders (see `lesionseg.training.card`), relative to the configuration file.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
    version: str
    summary: str
    intended_use: str = RESEARCH_ONLY
    license: str
    commercial_use: bool | None = None
    solid_convention: str | None = None
    network: NetworkSpec | None = None
    preprocessing: PreprocessingSpec | None = None
    window: WindowSpec | None = None
    training_data: tuple[TrainingSource, ...] = ()
    card: ConfigPath | None = None


Fraction = tuple[Share, Share]


class ScanSource(_Frozen):
    """One clear chest into which lesions are drawn.

    Attributes
    ----------
    name, license, use : str
        What bundle and card say about it; the file's own name is told nowhere.
    image : Path
        Volume file or DICOM folder, relative to the data root.
    lung : Path, optional
        Mask on the image's grid, non-zero is lung; found by classical steps if left out.
    ignore : tuple of boxes
        Parts with real disease or doubtful lung truth, as fractions (from, to) along slices (foot to head),
        rows (front to back) and columns (the patient's right to left).
    weight : float
        How often it is drawn, relative to everything else.
    """

    name: str
    license: str
    use: str = "clear lung, lesions synthetic"
    image: DataPath
    lung: DataPath | None = None
    ignore: tuple[tuple[Fraction, Fraction, Fraction], ...] = ()
    weight: Positive = 1.0

    @check_field("ignore")
    @classmethod
    def _check_order(cls, boxes: tuple[tuple[Fraction, ...], ...]) -> tuple[tuple[Fraction, ...], ...]:
        if any(start >= stop for box in boxes for start, stop in box):
            raise ValueError("in every pair the first fraction must be the smaller one")
        return boxes


class ProceduralChests(_Frozen):
    """Chests drawn by lesionseg itself; `weight` is that of all of them together."""

    count: Count
    weight: Positive = 1.0
    extent_mm: tuple[Positive, Positive, Positive] = (300.0, 300.0, 384.0)
    slice_spacing_mm: tuple[Positive, Positive] = (1.5, 5.0)


class AnnotatedSource(_Frozen):
    """A dataset with outlines in the folder layout of nnU-Net.

    Attributes
    ----------
    name, license, use : str
        What bundle and card say about it.
    folder : Path
        Holds ``dataset.json``, ``imagesTr`` and ``labelsTr``; relative to the data root.
    labels : dict
        Every label of ``dataset.json`` but the background, and what it becomes; voxels to
        ignore do not enter the loss.
    insert_lesions : bool
        Whether synthetic lesions are added to the outlined ones.
    leave_out : tuple of str
        Cases kept for validation.
    weight : float
        How often its cases are drawn, all together.
    """

    name: str
    license: str
    use: str = "lesions outlined"
    folder: DataPath
    labels: dict[str, Literal["background", "lung", "non_solid", "solid", "ignore"]]
    insert_lesions: bool = False
    leave_out: tuple[str, ...] = ()
    weight: Positive = 1.0


class PictureSource(_Frozen):
    """Grey pictures of single slices, cropped around the lungs, on which lesions are outlined.

    Attributes
    ----------
    name, license, use : str
        What bundle and card say about them.
    folder : Path
        Holds ``img/NAME.png`` and ``gt/NAME.png``, masks with 1 for ground glass and 2 for consolidation;
        relative to the data root.
    leave_out : tuple of str
        Pictures kept for validation.
    share : float
        Of the steps that see them; the others see chests, so that volumes are not forgotten.
    """

    name: str
    license: str
    use: str = "lesions outlined on single slices"
    folder: DataPath
    leave_out: tuple[str, ...] = ()
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5


class DataSection(_Frozen):
    """Everything to learn from; at least one kind of chests."""

    scans: tuple[ScanSource, ...] = ()
    procedural_chests: ProceduralChests | None = None
    annotated: tuple[AnnotatedSource, ...] = ()
    pictures: PictureSource | None = None

    @model_validator(mode="after")
    def _check_any(self) -> Self:
        if not (self.scans or self.procedural_chests or self.annotated):
            raise ValueError("name at least one of scans, procedural_chests and annotated")
        return self


@dataclass(frozen=True)
class Stage(TrainingSettings):
    """One stretch of training with a learning rate that rises and falls; starts from the averaged weights.

    `batches` replaces the run's own where given.
    """

    steps: Count = TrainingSettings.steps
    learning_rate: Positive = TrainingSettings.learning_rate
    averaging: Share = TrainingSettings.averaging
    gradient_limit: Positive = TrainingSettings.gradient_limit
    checkpoint_every: Count = TrainingSettings.checkpoint_every
    log_every: Count = TrainingSettings.log_every
    workers: Annotated[int, Field(ge=0)] = TrainingSettings.workers
    batches: BatchSettings | None = None


class TrainingConfig(_Frozen):
    """A whole run.

    Attributes
    ----------
    seed : int
        Of the first weights, of every patch and of the procedural chests.
    bundle, data, batches, stages
        See their classes.
    start_from : str, optional
        Folder or name of the bundle whose weights are trained on; random weights if left out.
    run_folder : Path
        Prepared scans, checkpoints and logs.
    output : Path
        The bundle's folder.
    """

    seed: Annotated[int, Field(ge=0)]
    bundle: BundleSection
    start_from: str | None = None
    data: DataSection
    batches: BatchSettings = Field(default_factory=BatchSettings)
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    run_folder: Path
    output: Path

    @check_field("batches", mode="before")
    @classmethod
    def _check_batches(cls, value: Any) -> Any:
        _refuse_derived(value)
        return value

    @check_field("stages", mode="before")
    @classmethod
    def _check_stage_batches(cls, value: Any) -> Any:
        for stage in value if isinstance(value, list | tuple) else ():
            _refuse_derived(stage.get("batches") if isinstance(stage, dict) else None)
        return value

    @model_validator(mode="after")
    def _check_start(self) -> Self:
        needed = ("network", "preprocessing", "window", "solid_convention")
        missing = [name for name in needed if getattr(self.bundle, name) is None]
        if self.start_from is None and missing:
            raise ValueError(f"without start_from, bundle needs {', '.join(missing)}")
        return self


def _refuse_derived(batches: object) -> None:
    """One number in one place: what ``bundle.preprocessing`` decides cannot be given a second time."""
    if not isinstance(batches, dict):
        return
    patches = batches.get("patches")
    if "hu_window" in batches:
        raise ValueError("hu_window is bundle.preprocessing.window_hu; leave it out here")
    if isinstance(patches, dict) and "in_plane_spacing_mm" in patches:
        raise ValueError("patches.in_plane_spacing_mm is that of bundle.preprocessing; leave it out here")
