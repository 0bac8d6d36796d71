"""The label scheme nests; hashes depend on content alone; stages are timed."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest

from lesionseg.core.labels import DEFAULT_SCHEME, Label
from lesionseg.core.provenance import (
    Stopwatch,
    package_versions,
    sha256_of_array,
    sha256_of_file,
)


def test_solid_lies_in_lesion_and_lesion_in_lung():
    assert set(DEFAULT_SCHEME.solid) < set(DEFAULT_SCHEME.lesion) < set(DEFAULT_SCHEME.lung)
    assert Label.BACKGROUND not in DEFAULT_SCHEME.lung
    assert DEFAULT_SCHEME.maximum == max(Label)
    assert len(DEFAULT_SCHEME.colours) == len(DEFAULT_SCHEME.names)


@pytest.mark.parametrize("size", [0, 10, 3 << 20])
def test_a_file_s_hash_is_that_of_its_bytes(tmp_path, size):
    content = bytes(size)
    (tmp_path / "a").write_bytes(content)
    assert sha256_of_file(tmp_path / "a") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("length", [8, 2 << 20])
def test_an_array_s_hash_ignores_memory_layout_and_byte_order(length):
    array = np.arange(length, dtype=np.int16).reshape(2, -1)
    reference = sha256_of_array(array)
    assert sha256_of_array(np.asfortranarray(array)) == reference
    assert sha256_of_array(array.astype(">i2")) == reference


def test_an_array_s_hash_tells_shape_type_and_value_apart():
    array = np.zeros((2, 3), np.int16)
    others = [array.reshape(3, 2), array.astype(np.uint16), array + 1]
    assert len({sha256_of_array(item) for item in (array, *others)}) == 4


def test_versions_of_absent_packages_are_left_out():
    versions = package_versions(("numpy", "no-such-package-here"))
    assert versions["numpy"] == np.__version__
    assert set(versions) == {"python", "numpy"}


def test_a_stage_run_twice_adds_up_also_when_it_fails():
    ticks = itertools.count(step=2.0)
    watch = Stopwatch(clock=lambda: next(ticks))
    with watch.stage("read"):
        pass
    with pytest.raises(ValueError, match="stop"), watch.stage("read"):
        raise ValueError("stop")
    assert watch.seconds == {"read": 4.0}
