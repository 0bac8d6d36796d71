"""Hashes, versions and timings for the run manifest."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np
import numpy.typing as npt

RECORDED_PACKAGES = (
    "lesionseg", "numpy", "scipy", "scikit-image", "SimpleITK", "pydicom", "torch", "monai",
    "openvino", "safetensors", "connected-components-3d", "fill-voids", "edt", "matplotlib",
)  # fmt: skip
_BLOCK_BYTES = 1 << 20


def sha256_of_file(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_array(array: npt.NDArray[np.generic]) -> str:
    """Hex SHA-256 of dtype, shape and C-ordered little-endian values."""
    values = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    digest = hashlib.sha256(f"{values.dtype.str}{values.shape}".encode())
    digest.update(values.tobytes() if values.size < _BLOCK_BYTES else values.data)
    return digest.hexdigest()


def package_versions(names: tuple[str, ...] = RECORDED_PACKAGES) -> dict[str, str]:
    """Installed version of each package, from its metadata; absent ones are left out. Imports nothing."""
    versions = {"python": platform.python_version()}
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


@dataclass
class Stopwatch:
    """Wall-clock seconds per named stage."""

    clock: Callable[[], float] = time.perf_counter
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the enclosed block; a repeated name adds up."""
        start = self.clock()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self.clock() - start
