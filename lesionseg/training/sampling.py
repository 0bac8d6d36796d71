"""Fresh training batches: newly cut slices, newly placed lesions, a newly drawn scanner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.data import Dataset

from lesionseg.core.labels import Label
from lesionseg.training.chests.cutting import (
    PatchSettings,
    PictureSettings,
    cropped_extent,
    draw_patch,
    draw_picture,
)
from lesionseg.training.chests.scans import TrainingScan
from lesionseg.training.losses import IGNORED_LABEL
from lesionseg.training.pictures.grey import as_picture
from lesionseg.training.synthesis.fields import chance
from lesionseg.training.synthesis.lesions import LesionSettings, insert_lesions
from lesionseg.training.synthesis.lookalikes import add_lookalikes
from lesionseg.training.synthesis.patch import LungPatch
from lesionseg.training.synthesis.scanner import QUIET, ScannerSettings, scanner_variation


@dataclass(frozen=True)
class BatchSettings:
    """What one training step sees: some stacks, or many single slices spoilt as published pictures are."""

    stacks: int = 2
    pictures: int = 14
    picture_share: float = 0.0
    hu_window: tuple[float, float] = (-1000.0, 400.0)
    patches: PatchSettings = field(default_factory=PatchSettings)
    picture: PictureSettings = field(default_factory=PictureSettings)
    lesions: LesionSettings = field(default_factory=LesionSettings)
    scanner: ScannerSettings = field(default_factory=ScannerSettings)
    picture_scanner: ScannerSettings = QUIET


Batch = tuple[Tensor, Tensor]
"""Images, float32 of shape ``(batch, 1, slices, rows, columns)`` in -1..1; exclusive labels, uint8 of shape
``(batch, slices, rows, columns)``, `IGNORED_LABEL` where the truth is unknown."""


class SyntheticBatches(Dataset[Batch]):
    """Batch number `index` of an endless, seeded sequence that starts at number `first`."""

    def __init__(
        self, scans: Sequence[TrainingScan], settings: BatchSettings, *, count: int, seed: int, first: int = 0
    ) -> None:
        self.scans = tuple(scans)
        self.settings = settings
        self.count = count
        self.seed = seed
        self.first = first

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self.count:
            raise IndexError(index)
        generator = torch.Generator().manual_seed(hash((self.seed, self.first + index)) & 0x7FFFFFFF)
        if chance(self.settings.picture_share, generator):
            items = [self._picture(generator) for _ in range(self.settings.pictures)]
        else:
            items = [self._stack(generator) for _ in range(self.settings.stacks)]
        images, labels = zip(*items, strict=True)
        return torch.stack(images), torch.stack(labels)

    def _draw_scan(self, generator: torch.Generator) -> TrainingScan:
        weights = torch.tensor([scan.weight for scan in self.scans])
        return self.scans[int(torch.multinomial(weights, 1, generator=generator))]

    def _stack(self, generator: torch.Generator) -> Batch:
        patch, ignored = draw_patch(self._draw_scan(generator), self.settings.patches, generator)
        hu, labels = self._with_disease(patch, ignored, self.settings.scanner, generator)
        return scale_to_window(hu, self.settings.hu_window)[None], labels

    def _picture(self, generator: torch.Generator) -> Batch:
        patch, ignored = draw_picture(self._draw_scan(generator), self.settings.picture, generator)
        hu, labels = self._with_disease(patch, ignored, self.settings.picture_scanner, generator)
        rows, columns = cropped_extent(patch.lung[0], self.settings.picture.margin, generator)
        image = torch.full_like(hu, -1.0)
        picture = as_picture(hu[0, rows, columns], generator)
        image[0, rows, columns] = scale_to_window(picture, self.settings.hu_window)
        outside = torch.ones_like(patch.lung)
        outside[:, rows, columns] = False
        labels[outside & (labels != IGNORED_LABEL)] = int(Label.BACKGROUND)
        return image[None], labels

    def _with_disease(
        self, patch: LungPatch, ignored: Tensor, scanner: ScannerSettings, generator: torch.Generator
    ) -> Batch:
        """Draw look-alikes, lesions and a scanner; HU and labels.

        Where a reader outlined lesions there are no look-alikes, for they could cover them; drawn lesions, if
        wanted at all, only ever add.
        """
        if patch.outlined is None:
            patch = add_lookalikes(patch, generator)
        if patch.outlined is not None and not patch.takes_lesions:
            hu, labels = patch.hu, patch.outlined
        else:
            hu, labels = insert_lesions(patch, self.settings.lesions, generator)
            labels = labels if patch.outlined is None else torch.maximum(labels, patch.outlined)
        labels[ignored] = IGNORED_LABEL
        return scanner_variation(hu, patch.lung, generator, scanner), labels


def scale_to_window(hu: Tensor, window: tuple[float, float]) -> Tensor:
    """Clip HU to the window and map it to -1..1."""
    low, high = window
    return (hu.clamp(low, high) - low) * (2.0 / (high - low)) - 1.0
