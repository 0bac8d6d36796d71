"""Running the network over a scan: once, or a second time on the mirrored scan."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.segmentation.label_sums import Tally, argmax_tally
from lesionseg.segmentation.metadata import ModelMetadata
from lesionseg.segmentation.protocol import Progress, Runtime
from lesionseg.segmentation.resampling import FloatArray
from lesionseg.segmentation.window import sliding_logits


@dataclass(frozen=True)
class Passes:
    """The network's output, averaged over its passes.

    Attributes
    ----------
    logits : ndarray, shape (labels, slices, rows, columns), float16
    tallies : tuple of Tally
        What each pass alone would have found; empty for a single pass.
    retries : tuple of str
        What was tried again with less memory; see `lesionseg.segmentation.retries`.
    """

    logits: npt.NDArray[np.float16]
    tallies: tuple[Tally, ...] = ()
    retries: tuple[str, ...] = ()

    @property
    def spread_pct(self) -> tuple[float, float]:
        """Distance between the passes' proportions, lesion and solid, in percentage points; 0 for one."""
        if not self.tallies:
            return 0.0, 0.0
        lesion = [tally.lesion_pct for tally in self.tallies]
        solid = [tally.solid_pct for tally in self.tallies]
        return max(lesion) - min(lesion), max(solid) - min(solid)


def network_logits(
    intensity: FloatArray,
    runtime: Runtime,
    metadata: ModelMetadata,
    *,
    flips: bool = False,
    progress: Progress | None = None,
) -> Passes:
    """Slide the network over a prepared volume, with `flips` over its left-right mirror image too.

    Parameters
    ----------
    intensity : ndarray, shape (slices, rows, columns), float32
        In standard axial order, so that columns run from right to left.
    runtime : Runtime
    metadata : ModelMetadata
    flips : bool
    progress : callable, optional
        Counts the windows of all passes together.

    Raises
    ------
    SegmentationError
        If the network returns something unusable.
    """

    def run(image: FloatArray, number: int) -> npt.NDArray[np.float16]:
        return sliding_logits(
            image,
            metadata.window,
            runtime,
            labels=len(metadata.labels),
            padding=metadata.preprocessing.scaled_to[0],
            progress=_part_of(progress, number, 2 if flips else 1),
        )

    logits = run(intensity, 0)
    if not flips:
        return Passes(logits)
    mirrored = run(np.ascontiguousarray(intensity[:, :, ::-1]), 1)[..., ::-1]
    tallies = argmax_tally(logits), argmax_tally(mirrored)
    logits *= np.float16(0.5)  # halved before they are added: float16 ends at 65504
    logits += np.float16(0.5) * mirrored
    return Passes(logits, tallies)


def _part_of(progress: Progress | None, number: int, count: int) -> Progress | None:
    """Report pass `number` of `count` as a part of the whole; no second zero."""
    if progress is None:
        return None

    def report(done: int, total: int) -> None:
        if done or not number:
            progress(number * total + done, count * total)

    return report
