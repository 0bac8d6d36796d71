"""Single slices kept as grey pictures: crop, unknown window, 8 bits; and the way back to approximate HU.

Published slices with expert outlines come without Hounsfield units: cropped around the lungs, scaled to 8
bits through a window nobody noted. `hounsfield_from_grey` undoes that as far as it can be undone, for such
pictures and, in training, for slices that `as_picture` has spoilt in the same way, so that the network learns
what remains of the error.
"""

from __future__ import annotations

from math import ceil

import torch
from skimage.measure import label
from torch import Tensor, nn
from torch.nn import functional

from lesionseg.segmentation.specks import drop_specks
from lesionseg.training.synthesis.fields import chance, grown, uniform

DARK_SHARE = 0.003
DARK_HU = -980.0
"""Assumed for the darkest 0.3 % of a chest slice: air in trachea, bronchi or well aired lung."""
TISSUE_HU = 40.0
"""Assumed for the commonest bright grey: blood and muscle."""
GREY_LEVELS = 256
FRAME_GREY = 12
"""Grey up to which pixels that hang together with a corner are a frame, or air outside the body: the lungs of
a chest reach no corner of a picture around them."""
FRAME_RIM = 2
"""Pixels around a frame that compression and smoothing mix with it."""
PICTURE_COLUMNS = 184
"""Width to which a picture cropped around both lungs is brought: as wide as such crops are in training."""
SEGMENTED_COLUMNS = (184, 206, 230)
"""Widths at which a picture is segmented, logits averaged. On 225 synthetic pictures Dice of lesion and of
non-solid lesion was better by 0.01 than with the first alone, solid component about the same."""
PICTURE_WIDTH_MM = 1.5 * PICTURE_COLUMNS
"""Assumed width of a picture cropped around both lungs; no pixel spacing is published with them."""
SMALLEST_PIECE_PIXELS = 24
"""Of a picture that wide, about 7 mm across; smaller pieces of lesion are dropped. Chosen on 350 synthetic
pictures, where Dice of solid component was best with it, and that of lesion as well."""


def hounsfield_from_grey(grey: Tensor) -> Tensor:
    """Estimate HU from one grey picture of a chest slice.

    The grey value that 0.3 % of the pixels undercut and the commonest one in the upper part of the grey range
    are taken as `DARK_HU` and `TISSUE_HU`, and the scale between them as linear. Black
    frames and corners do not count; a picture that is nothing else is taken as a whole.

    Parameters
    ----------
    grey : Tensor, shape (rows, columns)
        0 to 255.

    Returns
    -------
    Tensor, float32, same shape
    """
    values = grey.float()
    shown = values[~_frame(values)]
    counts = torch.histc(shown if len(shown) else values, GREY_LEVELS, 0.0, float(GREY_LEVELS - 1))
    smooth = functional.avg_pool1d(counts[None, None], 7, 1, 3, count_include_pad=False)[0, 0]
    cumulative = torch.cumsum(counts, 0) / counts.sum()
    dark = float(torch.searchsorted(cumulative, torch.tensor(DARK_SHARE)))
    middle = int(dark + 0.5 * (GREY_LEVELS - 1 - dark))
    tissue = float(middle + int(torch.argmax(smooth[middle:])))
    return DARK_HU + (values - dark) * (TISSUE_HU - DARK_HU) / max(1.0, tissue - dark)


def _frame(values: Tensor) -> Tensor:
    """Mask of what is black and hangs together with a corner, and a rim around it."""
    black = values <= FRAME_GREY
    corners = tuple(slice(None, None, max(1, length - 1)) for length in values.shape)
    if not black[corners].any():
        return torch.zeros_like(black)
    parts = torch.from_numpy(label(black.numpy(), connectivity=1))
    at_corners = parts[corners]
    frame = torch.isin(parts, at_corners[at_corners > 0])
    return grown(frame[None], FRAME_RIM)[0]


def as_picture(hu: Tensor, generator: torch.Generator) -> Tensor:
    """Spoil one slice as publication does (coarser pixels, random window, 8 bits), back to approximate HU.

    What real pictures add to the error of the way back, lungs without well aired parts above all, is drawn
    too: a scale and a shift about soft tissue.

    Parameters
    ----------
    hu : Tensor, shape (rows, columns), float32

    Returns
    -------
    Tensor, float32, same shape
    """
    low_hu = uniform(-1350.0, -950.0, generator)
    high_hu = uniform(50.0, 450.0, generator) if chance(0.8, generator) else uniform(-150.0, 50.0, generator)
    if chance(0.35, generator):
        hu = _coarser(hu, uniform(0.55, 0.95, generator))
    grey = ((hu - low_hu) * (255.0 / (high_hu - low_hu))).clamp(0.0, 255.0).round()
    found = hounsfield_from_grey(grey)
    if chance(0.6, generator):
        scale, shift_hu = uniform(0.82, 1.1, generator), uniform(-30.0, 50.0, generator)
        found = TISSUE_HU + scale * (found - TISSUE_HU) + shift_hu
    return found


def _coarser(hu: Tensor, factor: float) -> Tensor:
    """Resample to fewer pixels and back, as pictures are that were made smaller for publication."""
    size = [max(16, round(length * factor)) for length in hu.shape]
    small = functional.interpolate(hu[None, None], size=size, mode="bilinear", antialias=True)
    return functional.interpolate(small, size=tuple(hu.shape), mode="bilinear", align_corners=False)[0, 0]


@torch.no_grad()
def segment_picture(
    network: nn.Module, grey: Tensor, *, window_hu: tuple[float, float], divisor: int = 16
) -> Tensor:
    """Label one grey picture that is cropped around both lungs.

    The logits of the picture and of its mirror image, at the widths of `SEGMENTED_COLUMNS`, are averaged;
    specks are dropped.

    Parameters
    ----------
    network : Module
        In evaluation mode; takes ``(1, 1, 1, rows, columns)``.
    grey : Tensor, shape (rows, columns)
        0 to 255.
    window_hu : tuple of float
        The network's.
    divisor : int
        Rows and columns are filled up with air to a multiple of it.

    Returns
    -------
    Tensor, uint8, shape (rows, columns)
        Exclusive labels, values of `lesionseg.core.labels.Label`.
    """
    hu = hounsfield_from_grey(grey)
    images = (picture_input(hu, window_hu, columns) for columns in SEGMENTED_COLUMNS)
    full = torch.stack([_logits(network, image, hu.shape, divisor) for image in images]).mean(dim=0)
    labels = full.argmax(dim=0).to(torch.uint8)
    drop_specks(labels.numpy(), ceil(SMALLEST_PIECE_PIXELS * (grey.shape[1] / PICTURE_COLUMNS) ** 2))
    return labels


def _logits(network: nn.Module, image: Tensor, size: tuple[int, ...], divisor: int) -> Tensor:
    """Logits of one input and of its mirror image, averaged and brought to a picture's size."""
    rows, columns = image.shape
    padded = functional.pad(image, (0, -columns % divisor, 0, -rows % divisor), value=-1.0)[None, None, None]
    mirrored = network(padded.flip(-1)).flip(-1)
    logits = (0.5 * (network(padded) + mirrored))[:, :, 0, :rows, :columns]
    return functional.interpolate(logits, size=size, mode="bilinear", align_corners=False)[0]


def picture_input(hu: Tensor, window_hu: tuple[float, float], columns: int) -> Tensor:
    """Bring a cropped slice to so many columns and the network's scale of -1 to 1."""
    low, high = window_hu
    rows = max(1, round(hu.shape[0] * columns / hu.shape[1]))
    resized = functional.interpolate(
        hu[None, None], size=(rows, columns), mode="bilinear", antialias=True, align_corners=False
    )[0, 0]
    return (resized.clamp(low, high) - low) * (2.0 / (high - low)) - 1.0
