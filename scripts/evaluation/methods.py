"""The methods under comparison, behind one door: a volume or a slice in, a label map for each method out."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from lesionseg.core.errors import ConfigurationError
from lesionseg.segmentation import ModelBundle, NetworkSegmenter
from lesionseg.volume import CTVolume, LabelMap
from scripts.evaluation import baselines
from scripts.evaluation.picture_methods import PictureNetwork

DEFAULT, RESEARCH = "default", "research"
NETWORKS = (DEFAULT, RESEARCH)
METHODS = (*NETWORKS, *baselines.ON_VOLUMES)


@dataclass
class Bench:
    """The chosen methods; label maps of the scan at hand, and of scans to keep, are not computed twice.

    The classical methods need a lung mask and get that of the first network, so their lung is not measured.

    Attributes
    ----------
    segmenters : mapping of str to NetworkSegmenter
        By method name; at least one, for the lung mask.
    chosen : tuple of str
        Methods to report.
    """

    segmenters: Mapping[str, NetworkSegmenter]
    chosen: tuple[str, ...]
    _maps: dict[tuple[str, str], LabelMap] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)
    _pictures: dict[str, PictureNetwork] = field(default_factory=dict)
    _pictured: dict[tuple[str, bytes], np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.chosen if name not in METHODS]
        missing = [name for name in self.chosen if name in NETWORKS and name not in self.segmenters]
        if unknown or missing or not self.segmenters:
            raise ConfigurationError(
                "a method cannot be evaluated",
                expected=", ".join(METHODS),
                found=", ".join(unknown or missing) or "no network",
                remedy="The research bundle is named by --research-model",
            )

    @property
    def lungs_by(self) -> str:
        """Network whose lung mask the classical methods get."""
        return next(iter(self.segmenters))

    @property
    def networks(self) -> tuple[str, ...]:
        """The chosen methods that are bundles."""
        return tuple(name for name in self.chosen if name in NETWORKS)

    @property
    def sources(self) -> dict[str, str]:
        """Bundle behind each chosen method: its own, or the one that lends the lung mask."""
        own = {name: source_of(segmenter.bundle) for name, segmenter in self.segmenters.items()}
        return {name: own.get(name, f"lungs by {own[self.lungs_by]}") for name in self.chosen}

    def label_maps(self, volume: CTVolume, *, keep: bool = False) -> Iterator[tuple[str, LabelMap]]:
        """Label a volume by every chosen method; `keep` remembers the maps under the volume's name."""
        if keep:
            self._kept.add(volume.name)
        for method in self.chosen:
            yield method, self.label_map(method, volume)

    def label_map(self, method: str, volume: CTVolume) -> LabelMap:
        """Label a volume by one method. Volumes are told apart by their names."""
        if (method, volume.name) not in self._maps:
            for name in {name for _, name in self._maps} - self._kept - {volume.name}:
                for other in METHODS:
                    self._maps.pop((other, name), None)
            self._maps[method, volume.name] = self._labelled(method, volume)
        return self._maps[method, volume.name]

    def _labelled(self, method: str, volume: CTVolume) -> LabelMap:
        started = time.perf_counter()
        if method in self.segmenters:
            found = self.segmenters[method].segment(volume)
        else:
            lung = self.label_map(self.lungs_by, volume)
            started = time.perf_counter()
            found = baselines.label_volume(method, volume, lung)
        say(f"{volume.name}: {method}, {time.perf_counter() - started:.1f} s")
        return found

    def picture_labels(self, method: str, grey: np.ndarray) -> np.ndarray:
        """Label one grey 8-bit picture of a slice, cropped around both lungs, by one method."""
        network = method if method in NETWORKS else self.lungs_by
        if network not in self._pictures:
            self._pictures[network] = PictureNetwork.of(self.segmenters[network].bundle)
        key = (network, grey.tobytes())
        if key not in self._pictured:
            self._pictured[key] = self._pictures[network].labels(grey)
        labels = self._pictured[key]
        return labels if method in NETWORKS else baselines.label_picture(method, grey, labels > 0)


def source_of(bundle: ModelBundle) -> str:
    """Name, version and start of the hash of a bundle."""
    return f"{bundle.name} {bundle.sha256[:12]}"


def say(line: str) -> None:
    """Tell what is going on, on stderr."""
    print(line, file=sys.stderr, flush=True)
