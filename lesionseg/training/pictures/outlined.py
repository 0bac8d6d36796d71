"""Grey pictures of chest slices on which an expert outlined lesions, as training material.

Such outlines say what is lesion and of which kind. They do not say where the lung ends: the rest of a picture
is `NOT_LESION_LABEL`, lung or background, and enters the loss as just that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import Dataset

from lesionseg.core.errors import InputError
from lesionseg.core.labels import Label
from lesionseg.training.config import PictureSource
from lesionseg.training.losses import NOT_LESION_LABEL
from lesionseg.training.pictures.grafts import grafted
from lesionseg.training.pictures.grey import PICTURE_COLUMNS, PICTURE_WIDTH_MM, hounsfield_from_grey
from lesionseg.training.sampling import Batch, scale_to_window
from lesionseg.training.synthesis.fields import chance, uniform
from lesionseg.training.synthesis.warping import warped

IMAGES, MASKS = "img", "gt"
MASK_VALUES: Mapping[int, int] = MappingProxyType({1: int(Label.NON_SOLID), 2: int(Label.SOLID)})
"""Ground glass and consolidation, as the published masks number them."""


@dataclass(frozen=True)
class OutlinedPicture:
    """One picture and its outlines.

    Attributes
    ----------
    name : str
    grey : Tensor, uint8, shape (rows, columns)
    labels : Tensor, uint8, same shape
        Non-solid, solid, or `NOT_LESION_LABEL`.
    """

    name: str
    grey: Tensor
    labels: Tensor

    @property
    def key(self) -> str:
        """Hash of picture and outlines."""
        content = self.grey.numpy().tobytes() + self.labels.numpy().tobytes()
        return hashlib.sha256(repr(tuple(self.grey.shape)).encode() + content).hexdigest()


@dataclass(frozen=True)
class OutlinedSettings:
    """How outlined pictures are varied; ranges of factors unless a unit is named.

    `stretch` and `warp_mm` are those of `PatchSettings`, for a picture as wide as `PICTURE_WIDTH_MM`;
    `graft_probability` is that of a picture to be given the lesions of another one as well.
    """

    count: int = 14
    in_plane: tuple[int, int] = (192, 208)
    zoom: tuple[float, float] = (0.85, 1.1)
    rotation_deg: float = 12.0
    stretch: float = 1.15
    warp_mm: float = 4.0
    contrast: tuple[float, float] = (0.88, 1.12)
    graft_probability: float = 0.4
    drift_hu: float = 40.0
    noise_hu: tuple[float, float] = (0.0, 40.0)
    hu_window: tuple[float, float] = (-1000.0, 400.0)


def read_outlined_pictures(
    folder: Path, *, values: Mapping[int, int] = MASK_VALUES
) -> tuple[OutlinedPicture, ...]:
    """Read every ``img/NAME.png`` with its ``gt/NAME.png``, in order of name.

    Raises
    ------
    InputError
        If there is none, a mask is missing, sizes differ, or a mask holds a value that `values` lacks.
    """
    paths = sorted((folder / IMAGES).glob("*.png"))
    if not paths:
        raise InputError(
            "no pictures were found", case=str(folder), expected=f"{IMAGES}/*.png", remedy="Check the folder"
        )
    return tuple(_read(path, folder / MASKS / path.name, values) for path in paths)


def chosen_pictures(source: PictureSource | None) -> tuple[OutlinedPicture, ...]:
    """Read the pictures of a configuration, but those left out.

    Raises
    ------
    InputError
        As `read_outlined_pictures`; or if a picture to leave out is not there, or none remains.
    """
    if source is None:
        return ()
    pictures = read_outlined_pictures(source.folder)
    absent = sorted(set(source.leave_out) - {picture.name for picture in pictures})
    chosen = tuple(picture for picture in pictures if picture.name not in source.leave_out)
    if absent or not chosen:
        raise InputError(
            "data.pictures.leave_out does not fit the pictures",
            case=str(source.folder),
            expected="names of pictures, and at least one picture not among them",
            found=", ".join(absent) or "all of them",
            remedy="Correct the names",
        )
    return chosen


def _read(path: Path, mask_path: Path, values: Mapping[int, int]) -> OutlinedPicture:
    from skimage.io import imread

    if not mask_path.exists():
        raise InputError("a picture has no mask", case=str(path), expected=str(mask_path))
    grey, mask = imread(path), imread(mask_path)
    if grey.ndim != 2 or grey.shape != mask.shape:
        raise InputError(
            "picture and mask do not fit",
            case=str(path),
            expected="one grey channel, equal sizes",
            found=f"{grey.shape} and {mask.shape}",
        )
    unknown = set(np.unique(mask).tolist()) - {0, *values}
    if unknown:
        raise InputError(
            "a mask holds values without a meaning",
            case=str(mask_path),
            expected=f"0 and {sorted(values)}",
            found=str(sorted(unknown)),
        )
    labels = np.full(mask.shape, NOT_LESION_LABEL, dtype=np.uint8)
    for value, label in values.items():
        labels[mask == value] = label
    return OutlinedPicture(path.stem, torch.from_numpy(grey.copy()), torch.from_numpy(labels))


class OutlinedBatches(Dataset[Batch]):
    """A seeded sequence that alternates at random between outlined pictures and another sequence.

    Without the other kind the network would forget volumes, and what lung is.
    """

    def __init__(
        self,
        pictures: Sequence[OutlinedPicture],
        others: Dataset[Batch],
        settings: OutlinedSettings,
        *,
        count: int,
        seed: int,
        share: float = 0.5,
        first: int = 0,
    ) -> None:
        self.hu = tuple(hounsfield_from_grey(picture.grey) for picture in pictures)
        self.labels = tuple(picture.labels for picture in pictures)
        self.others, self.settings = others, settings
        self.count, self.seed, self.share, self.first = count, seed, share, first

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self.count:
            raise IndexError(index)
        generator = torch.Generator().manual_seed(hash((self.seed, self.first + index, 1)) & 0x7FFFFFFF)
        if not chance(self.share, generator):
            return self.others[index]
        drawn = [self._draw(generator) for _ in range(self.settings.count)]
        images, labels = zip(*drawn, strict=True)
        return torch.stack(images)[:, None, None], torch.stack(labels)[:, None]

    def _draw(self, generator: torch.Generator) -> Batch:
        """Place one picture, at times with the lesions of another; air and background around it."""
        settings = self.settings
        hu, labels, inside = self._placed(generator)
        if chance(settings.graft_probability, generator):
            hu, labels = grafted((hu, labels), self._placed(generator)[:2])
        image = scale_to_window(_varied(hu, settings, generator), settings.hu_window)
        background = torch.tensor(int(Label.BACKGROUND), dtype=torch.uint8)
        return torch.where(inside, image, torch.tensor(-1.0)), torch.where(inside, labels, background)

    def _placed(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Pick one picture, turn, zoom, bend and mirror it: HU, labels, and where it lies."""
        pick = int(torch.randint(len(self.hu), (), generator=generator))
        hu, labels = self.hu[pick], self.labels[pick]
        grid = _grid(hu, self.settings, generator)
        inside = functional.grid_sample(torch.ones_like(hu)[None, None], grid, align_corners=False)[0, 0]
        placed = functional.grid_sample(hu[None, None], grid, align_corners=False)[0, 0]
        known = functional.grid_sample(labels[None, None].float(), grid, mode="nearest", align_corners=False)
        return placed, known[0, 0].to(torch.uint8), inside > 0.99


def _varied(hu: Tensor, settings: OutlinedSettings, generator: torch.Generator) -> Tensor:
    """Vary contrast, level and noise."""
    low_hu = settings.hu_window[0]
    varied = low_hu + (hu - low_hu) * uniform(*settings.contrast, generator)
    varied = varied + uniform(-settings.drift_hu, settings.drift_hu, generator)
    return varied + uniform(*settings.noise_hu, generator) * torch.randn(hu.shape, generator=generator)


def _grid(hu: Tensor, settings: OutlinedSettings, generator: torch.Generator) -> Tensor:
    rows, columns = settings.in_plane
    pixels = hu.shape[1] / (PICTURE_COLUMNS * uniform(*settings.zoom, generator))
    broader = settings.stretch ** uniform(-0.5, 0.5, generator)
    reach_x = columns * pixels / (broader * hu.shape[1])
    reach_y = rows * pixels * broader / hu.shape[0]
    ratio = hu.shape[0] / hu.shape[1]
    angle = np.deg2rad(uniform(-settings.rotation_deg, settings.rotation_deg, generator))
    cosine, sine = float(np.cos(angle)), float(np.sin(angle))
    mirror = -1.0 if chance(0.5, generator) else 1.0
    theta = torch.tensor(
        [
            [mirror * cosine * reach_x, -sine * reach_y * ratio, 0.0],
            [mirror * sine * reach_x / ratio, cosine * reach_y, 0.0],
        ]
    )
    grid = functional.affine_grid(theta[None], [1, 1, rows, columns], align_corners=False)
    extent_mm = (PICTURE_WIDTH_MM * hu.shape[0] / hu.shape[1], PICTURE_WIDTH_MM)
    return warped(grid, settings.warp_mm, PICTURE_WIDTH_MM / PICTURE_COLUMNS, extent_mm, generator)
