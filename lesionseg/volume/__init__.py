"""Volumes and label maps in the patient's space, and their files."""

from lesionseg.volume.ct_volume import CTVolume
from lesionseg.volume.geometry import VolumeGeometry
from lesionseg.volume.label_map import LabelMap
from lesionseg.volume.orientation import AxisOrder, standard_axis_order

__all__ = ["AxisOrder", "CTVolume", "LabelMap", "VolumeGeometry", "standard_axis_order"]
