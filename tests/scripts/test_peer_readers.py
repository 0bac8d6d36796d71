"""Readers compared: what is right, what is alive, what is a peer to beat. No peer is needed here."""

import sys

import numpy as np
import pytest

from scripts.bench.peers.fingerprint import Fingerprint, fingerprint
from scripts.bench.peers.loaders import verdicts
from scripts.bench.peers.read_times import time_reader
from scripts.bench.peers.readers import FLOOR_CONVERT, FLOOR_COPY, OWN, read_bytes_and_convert
from scripts.bench.peers.series import make_series
from scripts.bench.peers.survival import survive, write_damaged

HU = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
AFFINE = np.array([[0, 0, 0.75, -10], [0, 0.75, 0, -20], [2.0, 0, 0, 30], [0, 0, 0, 1]])
DIES_AT_1 = """#!/bin/sh
case $5 in 0) echo 0; echo read; echo 1; kill -SEGV $$;; *) echo $5; echo refused;; esac
"""


def test_the_order_of_axes_does_not_matter():
    truth = fingerprint(HU, AFFINE)
    transposed = fingerprint(np.transpose(HU, (2, 1, 0)).astype(np.float32), AFFINE[:, [2, 1, 0, 3]])
    assert transposed.fault(truth) == ""
    flipped = AFFINE.copy()
    flipped[:3, 3] += 2 * AFFINE[:3, 1]
    flipped[:3, 1] *= -1
    assert fingerprint(HU[:, ::-1], flipped).fault(truth) == ""


@pytest.mark.parametrize(
    ("hu", "affine", "fault"),
    [
        (HU[:1], AFFINE, "shape"),
        (HU[:, ::-1], AFFINE, "other values"),
        (HU + 0.5, AFFINE, "other values"),
        (HU, AFFINE @ np.diag([1.1, 1, 1, 1]), "corner off by 0.2 mm"),
        (HU, AFFINE + 0.02 * np.eye(4, k=3), "corner off by 0.02 mm"),
    ],
)
def test_what_differs_is_named(hu, affine, fault):
    assert fault in fingerprint(hu, affine).fault(fingerprint(HU, AFFINE))


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return make_series(tmp_path_factory.mktemp("series"), 4, 32)


def test_lesionseg_reads_every_encoding_right(series):
    for one in series:
        found = time_reader(OWN, one.folder, 1)
        assert "error" not in found
        assert [Fingerprint.from_json(part).fault(one.truth) for part in found["read_as"]] == [""]


def test_the_floor_reads_the_values_of_uncompressed_files(series):
    ((hu, _),) = read_bytes_and_convert(series[0].folder)
    assert fingerprint(hu, np.array(series[0].truth.affine).reshape(4, 4)).fault(series[0].truth) == ""
    assert "wall_s" in time_reader(FLOOR_COPY, series[1].folder, 1)


def test_a_reader_that_dies_is_counted_and_the_rest_is_read(tmp_path):
    python = tmp_path / "python"
    python.write_text(DIES_AT_1)
    python.chmod(0o755)
    assert survive("any", str(python), tmp_path, 3) == {"read": 1, "refused": 1, "crash": 1, "hang": 0}


def test_lesionseg_survives_damaged_series(tmp_path):
    write_damaged(tmp_path, 8)
    found = survive(OWN, sys.executable, tmp_path, 8)
    assert found["read"] + found["refused"] == 8
    assert found["refused"] > 0


def row(reader, seconds, fault="", encoding="RLE"):
    return {"reader": reader, "encoding": encoding, "wall_s": seconds, "fault": fault}


def test_only_right_and_surviving_readers_are_peers_to_beat():
    rows = [
        row(OWN, 1.0),
        row("quick, wrong", 0.1, "other values"),
        row("quick, dies", 0.2),
        row("slow", 1.25),
    ]
    (verdict,) = verdicts(rows, {"quick, dies": {"crash": 1, "hang": 0}})
    assert (verdict["against"], verdict["seconds_ratio"], verdict["holds"]) == ("slow", 0.8, True)
    (verdict,) = verdicts(rows, {})
    assert (verdict["against"], verdict["seconds_ratio"], verdict["holds"]) == ("quick, dies", 5.0, False)


def test_a_fast_reading_that_is_wrong_or_none_does_not_hold():
    (verdict,) = verdicts([row(OWN, 0.1, "other values"), row("slow", 1.0)], {})
    assert not verdict["holds"]
    (verdict,) = verdicts([{"reader": OWN, "encoding": "RLE", "error": "refused"}, row("slow", 1.0)], {})
    assert not verdict["holds"]


def test_uncompressed_files_are_held_against_the_floor():
    rows = [row(OWN, 0.5, encoding="uncompressed"), row(FLOOR_CONVERT, 0.2, encoding="uncompressed")]
    (verdict,) = verdicts(rows, {})
    assert (verdict["against"], verdict["limit"], verdict["holds"]) == (FLOOR_CONVERT, 2.0, False)
