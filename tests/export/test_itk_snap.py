"""The label description file, read as ITK-SNAP's own parser does: seven numbers and a name in quotes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import SimpleITK

from lesionseg.export.codes import EXCLUSIVE_SEGMENTS
from lesionseg.export.itk_snap import write_itk_snap
from tests.export.test_slicer import label_map

LINE = re.compile(r'\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+([\d.]+)\s+([01])\s+([01])\s+"([^"]*)"')


def described(path: Path) -> dict[int, tuple[tuple[int, ...], float, bool, bool, str]]:
    """Colour, opacity, whether it is shown in slices and in 3D, and name; by label value."""
    labels = {}
    for line in path.read_text(encoding="ascii").splitlines():
        if line and not line.startswith("#"):
            found = LINE.fullmatch(line)
            assert found is not None, line
            value, red, green, blue, opacity, visible, mesh, name = found.groups()
            colour = (int(red), int(green), int(blue))
            labels[int(value)] = (colour, float(opacity), visible == "1", mesh == "1", name)
    return labels


def test_every_label_has_its_name_and_colour_and_the_background_none(tmp_path: Path) -> None:
    write_itk_snap(label_map(1, 2, 3), tmp_path / "labels.nii.gz", tmp_path / "labels.txt")
    labels = described(tmp_path / "labels.txt")
    assert sorted(labels) == [0, 1, 2, 3]
    assert labels[0][1:4] == (0, False, False)
    for segment in EXCLUSIVE_SEGMENTS:
        assert labels[segment.number] == (segment.colour, 1, True, True, segment.label)


def test_described_values_are_those_of_the_image(tmp_path: Path) -> None:
    write_itk_snap(label_map(1, 2, 3), tmp_path / "labels.nii.gz", tmp_path / "labels.txt")
    values = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "labels.nii.gz")))
    assert np.unique(values).tolist() == sorted(described(tmp_path / "labels.txt"))
