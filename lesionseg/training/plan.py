"""What a configuration amounts to once the bundle it starts from is known; everything is checked here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lesionseg.core.errors import ConfigurationError
from lesionseg.segmentation import ModelBundle, ModelMetadata, TrainingSource, WindowSpec, load_bundle
from lesionseg.training.card import read_template
from lesionseg.training.config import AnnotatedSource, PictureSource, ScanSource, Stage, TrainingConfig
from lesionseg.training.sampling import BatchSettings

SCALED_TO = (-1.0, 1.0)
"""What the patches are scaled to; a bundle made here must ask for the same at inference."""
OWN_CHESTS = "lesionseg procedural chests"
INHERITED = ("network", "preprocessing", "window", "solid_convention")


@dataclass(frozen=True)
class PlannedStage:
    """A stage, its batches, and the number of its first batch in the run's sequence."""

    settings: Stage
    batches: BatchSettings
    first_batch: int


@dataclass(frozen=True)
class TrainingPlan:
    """A run that can start.

    Attributes
    ----------
    config : TrainingConfig
    metadata : ModelMetadata
        Of the bundle to make; its record of the training is still empty.
    start : ModelBundle, optional
        Whose weights are trained on.
    stages : tuple of PlannedStage
    card_template : str
    """

    config: TrainingConfig
    metadata: ModelMetadata
    start: ModelBundle | None
    stages: tuple[PlannedStage, ...]
    card_template: str

    @property
    def steps(self) -> int:
        """Steps of all stages together."""
        return sum(stage.settings.steps for stage in self.stages)


def make_plan(config: TrainingConfig) -> TrainingPlan:
    """Settle what the configuration leaves to the bundle it starts from, and check the whole.

    Raises
    ------
    ConfigurationError
        If patches and network do not fit, or the licence of the start is widened, or the card has unknown
        placeholders.
    BundleError
        If the bundle to start from is not there or not whole.
    """
    start = None if config.start_from is None else load_bundle(config.start_from)
    metadata = _metadata(config, start)
    if metadata.preprocessing.scaled_to != SCALED_TO:
        raise ConfigurationError(
            "bundle.preprocessing.scaled_to: training scales to -1..1 only",
            found=str(metadata.preprocessing.scaled_to),
            remedy="Set it to [-1, 1], or start from another bundle",
        )
    stages = tuple(_stages(config, metadata))
    for number, stage in enumerate(stages):
        _refuse_batches(stage, metadata.window, f"stages[{number}]")
    return TrainingPlan(config, metadata, start, stages, read_template(config.bundle.card))


def _metadata(config: TrainingConfig, start: ModelBundle | None) -> ModelMetadata:
    section = config.bundle
    inherited = {name: getattr(section, name) for name in INHERITED}
    seen: tuple[TrainingSource, ...] = ()
    commercial_use = section.commercial_use
    if start is not None:
        given = {name: value for name, value in inherited.items() if value is not None}
        inherited = {name: getattr(start.metadata, name) for name in INHERITED} | given
        seen = start.metadata.training_data
        _refuse_other_network(config, start)
        _refuse_wider_licence(config, start)
        if commercial_use is None:
            commercial_use = start.metadata.commercial_use
    values: dict[str, Any] = section.model_dump(
        exclude={*INHERITED, "card", "training_data", "commercial_use"}
    )
    return ModelMetadata(
        **values,
        **inherited,
        commercial_use=True if commercial_use is None else commercial_use,
        training_data=tuple(dict.fromkeys((*seen, *section.training_data, *_sources(config)))),
    )


def _refuse_other_network(config: TrainingConfig, start: ModelBundle) -> None:
    if config.bundle.network not in (None, start.metadata.network):
        raise ConfigurationError(
            "bundle.network: the weights to start from belong to another network",
            case=start.name,
            remedy="Leave bundle.network out, or leave start_from out and train from random weights",
        )


def _refuse_wider_licence(config: TrainingConfig, start: ModelBundle) -> None:
    if config.bundle.commercial_use and not start.metadata.commercial_use:
        raise ConfigurationError(
            "bundle.commercial_use: the weights to start from must not be used commercially",
            case=start.name,
            found=start.metadata.license,
            remedy="Set it to false, or start from another bundle",
        )


def _sources(config: TrainingConfig) -> list[TrainingSource]:
    named: list[ScanSource | AnnotatedSource | PictureSource] = [*config.data.scans, *config.data.annotated]
    if config.data.pictures is not None:
        named.append(config.data.pictures)
    sources = [TrainingSource(name=part.name, license=part.license, use=part.use) for part in named]
    if config.data.procedural_chests is not None:
        use = "anatomy and lesions synthetic"
        sources.append(TrainingSource(name=OWN_CHESTS, license="Apache-2.0", use=use))
    return sources


def _stages(config: TrainingConfig, metadata: ModelMetadata) -> list[PlannedStage]:
    preprocessing = metadata.preprocessing
    planned, first = [], 0
    for settings in config.stages:
        batches = settings.batches or config.batches
        patches = replace(batches.patches, in_plane_spacing_mm=preprocessing.in_plane_spacing_mm)
        planned.append(
            PlannedStage(
                settings, replace(batches, hu_window=preprocessing.window_hu, patches=patches), first
            )
        )
        first += settings.steps
    return planned


def _refuse_batches(stage: PlannedStage, window: WindowSpec, where: str) -> None:
    batches = stage.batches
    pictures_drawn = batches.picture_share > 0
    complaints = {
        "stacks must be at least 1": batches.stacks < 1 and batches.picture_share < 1,
        "pictures must be at least 1 where picture_share is above 0": pictures_drawn and batches.pictures < 1,
        "picture_share must lie between 0 and 1": not 0 <= batches.picture_share <= 1,
        "patches.slices and patches.in_plane must be multiples of bundle.window.divisor": _misfits(
            (batches.patches.slices, *batches.patches.in_plane), window
        ),
        "picture.in_plane must be multiples of bundle.window.divisor": pictures_drawn
        and _misfits((window.divisor[0], *batches.picture.in_plane), window),
        "pictures are single slices, which this network does not take": pictures_drawn
        and window.divisor[0] > 1,
    }
    for words, applies in complaints.items():
        if applies:
            raise ConfigurationError(
                f"batches: {words}",
                case=where,
                found=f"divisor {window.divisor}, {batches.patches.slices} slices of "
                f"{batches.patches.in_plane}, pictures of {batches.picture.in_plane}",
                remedy="docs/training.md lists every key and its range",
            )


def _misfits(shape: tuple[int, int, int], window: WindowSpec) -> bool:
    return any(length < 1 or length % step for length, step in zip(shape, window.divisor, strict=True))
