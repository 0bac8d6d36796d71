"""Quick lung masks of real scans by threshold, to test measuring: airways included, dense lesions missed."""

from __future__ import annotations

import cc3d
import numpy as np

from lesionseg.volume import CTVolume, standard_axis_order

LUNG_BELOW_HU = -400
SMALLEST_ML = 50.0


def threshold_lungs(volume: CTVolume) -> np.ndarray:
    """Air inside the body: dark pieces of at least 50 ml that do not reach the sides of the image."""
    order = standard_axis_order(volume.geometry)
    labels = cc3d.connected_components(
        np.ascontiguousarray(order.apply(volume.hu) < LUNG_BELOW_HU), connectivity=6
    )
    counts = cc3d.statistics(labels)["voxel_counts"]
    keep = np.asarray(counts) * volume.geometry.voxel_volume_ml > SMALLEST_ML
    keep[0] = False
    for side in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
        keep[np.unique(side)] = False
    return order.undo(keep[labels])
