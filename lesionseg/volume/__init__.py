"""Volumes and label maps in the patient's space, and their files."""

from lesionseg.volume.ct_volume import CTVolume
from lesionseg.volume.files import (
    is_volume_file,
    read_label_map,
    read_volume_file,
    write_label_map,
    write_volume,
)
from lesionseg.volume.geometry import VolumeGeometry
from lesionseg.volume.hounsfield import check_hounsfield, replace_padding
from lesionseg.volume.label_map import LabelMap
from lesionseg.volume.orientation import AxisOrder, standard_axis_order

__all__ = [
    "AxisOrder",
    "CTVolume",
    "LabelMap",
    "VolumeGeometry",
    "check_hounsfield",
    "is_volume_file",
    "read_label_map",
    "read_volume_file",
    "replace_padding",
    "standard_axis_order",
    "write_label_map",
    "write_volume",
]
