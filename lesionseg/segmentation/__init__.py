"""Lungs and lesions on a CT volume: model bundles, preprocessing, inference runtimes, post-processing.

Importing this room loads neither torch nor MONAI nor OpenVINO; they come when a network is built or run.
"""

from lesionseg.segmentation.bundle import ModelBundle, load_bundle, write_bundle
from lesionseg.segmentation.bundle_search import (
    bundle_folders,
    default_bundle_folder,
    find_bundle,
    install_folder,
    list_bundles,
)
from lesionseg.segmentation.catalogue import BundleEntry, describe_bundles, verify_bundle
from lesionseg.segmentation.device import (
    RuntimeDescription,
    available_devices,
    available_runtimes,
    describe_runtimes,
    resolve,
)
from lesionseg.segmentation.install import InstalledBundle, install_bundle
from lesionseg.segmentation.metadata import (
    FigureRange,
    ModelMetadata,
    NetworkSpec,
    PreprocessingSpec,
    ReferenceRanges,
    TrainingSource,
    WindowSpec,
)
from lesionseg.segmentation.preprocessing import (
    Box,
    PreparedVolume,
    prepare,
    prepare_labels,
    restore,
    working_hu,
)
from lesionseg.segmentation.protocol import AssessingSegmenter, Progress, Runtime, Segmentation, Segmenter
from lesionseg.segmentation.segmenter import NetworkSegmenter, open_segmenter

__all__ = [
    "AssessingSegmenter",
    "Box",
    "BundleEntry",
    "FigureRange",
    "InstalledBundle",
    "ModelBundle",
    "ModelMetadata",
    "NetworkSegmenter",
    "NetworkSpec",
    "PreparedVolume",
    "PreprocessingSpec",
    "Progress",
    "ReferenceRanges",
    "Runtime",
    "RuntimeDescription",
    "Segmentation",
    "Segmenter",
    "TrainingSource",
    "WindowSpec",
    "available_devices",
    "available_runtimes",
    "bundle_folders",
    "default_bundle_folder",
    "describe_bundles",
    "describe_runtimes",
    "find_bundle",
    "install_bundle",
    "install_folder",
    "list_bundles",
    "load_bundle",
    "open_segmenter",
    "prepare",
    "prepare_labels",
    "resolve",
    "restore",
    "verify_bundle",
    "working_hu",
    "write_bundle",
]
