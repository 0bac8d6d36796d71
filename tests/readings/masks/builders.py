"""An asymmetric chest in four acquisitions, and masks of it written by code that is not ours."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from scipy.spatial.transform import Rotation
from skimage.measure import find_contours

from lesionseg.core.labels import Label
from lesionseg.dicom import load_series
from lesionseg.dicom.write import WriterSettings, write_ct_series
from lesionseg.readings.masks import ReferenceScan
from lesionseg.volume import CTVolume, LabelMap, VolumeGeometry
from tests.volumetry.chest import chest

SPACING_MM = (16.0, 11.0, 13.0)
AXIAL = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]])  # columns: slice, row, column direction in LPS
DIRECTIONS = {
    "axial": AXIAL,
    "reversed": AXIAL @ np.diag([-1.0, -1.0, 1.0]),  # slices footwards, rows to the front
    "oblique": Rotation.from_euler("xz", [12, 17], degrees=True).as_matrix() @ AXIAL,
    "sagittal": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1.0, 0]]),
}
_HALF_MM = {"axial": (140, 116, 170), "reversed": (140, 116, 170), "oblique": (170, 150, 190),
            "sagittal": (170, 140, 116)}  # fmt: skip
FRAME_UID = "1.2.826.0.1.3680043.8.498.1234"


@dataclass(frozen=True)
class Scan:
    """A series on disk, loaded, and its true label map."""

    folder: Path
    reference: ReferenceScan
    labels: LabelMap
    volume: CTVolume

    def headers(self) -> list[Dataset]:
        """Source datasets in the order of the array."""
        series = self.reference.series
        return [dcmread(part.file) for part in series.slices]


def geometry_of(acquisition: str, spacing_mm: tuple[float, float, float] = SPACING_MM) -> VolumeGeometry:
    direction = DIRECTIONS[acquisition]
    half = np.array(_HALF_MM[acquisition], float)
    shape = tuple(int(2 * extent / spacing) + 1 for extent, spacing in zip(half, spacing_mm, strict=True))
    origin = -(direction @ half) + (1.5, -2.25, 3.75)
    return VolumeGeometry.from_axes(shape, spacing_mm, tuple(origin), direction, FRAME_UID)


def write_scan(folder: Path, acquisition: str = "axial", **settings: str) -> Scan:
    volume = chest(geometry_of(acquisition)).volume
    write_ct_series(volume, folder, settings=WriterSettings(entropy=f"masks {acquisition}", **settings))
    loaded = load_series(folder)
    labels = chest(loaded.volume.geometry).label_map
    reference = ReferenceScan(loaded.volume.geometry, loaded.series, name="phantom")
    return Scan(folder, reference, labels, loaded.volume)


def masks_of(labels: np.ndarray) -> np.ndarray:
    """The three exclusive labels as masks, shape (..., 3)."""
    return np.stack([labels == label for label in (Label.LUNG, Label.NON_SOLID, Label.SOLID)], axis=-1)


# --- DICOM SEG ------------------------------------------------------------------------------------------

SEGMENT_NAMES = ("Lung", "Ground glass opacity", "Consolidation")


def description(number: int, label: str, type_code: Code = codes.SCT.Tissue) -> hd.seg.SegmentDescription:
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=codes.SCT.Tissue,
        segmented_property_type=type_code,
        algorithm_type="MANUAL",
    )


def highdicom_seg(
    path: Path,
    headers: Sequence[Dataset],
    pixels: np.ndarray,
    *,
    kind: str = "BINARY",
    names: Sequence[str] = SEGMENT_NAMES,
    **settings: object,
) -> Dataset:
    """Write a SEG with highdicom alone; `pixels` as highdicom takes them."""
    seg = hd.seg.Segmentation(
        source_images=list(headers),
        pixel_array=pixels,
        segmentation_type=kind,
        segment_descriptions=[description(number, name) for number, name in enumerate(names, start=1)],
        series_instance_uid=generate_uid(entropy_srcs=["seg series"]),
        series_number=100,
        sop_instance_uid=generate_uid(entropy_srcs=["seg", str(path)]),
        instance_number=1,
        manufacturer="another program",
        manufacturer_model_name="another",
        software_versions="1",
        device_serial_number="1",
        **settings,
    )
    seg.save_as(path)
    return dcmread(path)


def dcmqi_seg(path: Path, scan: Scan, image: Path, *options: str) -> None:
    """Convert a label image with dcmqi's itkimage2segimage."""
    types = [("39607008", "Lung"), ("1217294009", "Ground glass lung opacity"), ("9656002", "Consolidation")]
    attributes = [
        {
            "labelID": number,
            "SegmentLabel": meaning,
            "SegmentAlgorithmType": "MANUAL",
            "SegmentedPropertyCategoryCodeSequence": _coded("85756007", "Tissue"),
            "SegmentedPropertyTypeCodeSequence": _coded(value, meaning),
            "recommendedDisplayRGBValue": [255, 0, 0],
        }
        for number, (value, meaning) in enumerate(types, start=1)
    ]
    metadata = {
        "ContentCreatorName": "Reader", "SeriesDescription": "Segmentation", "SeriesNumber": "300",
        "InstanceNumber": "1", "segmentAttributes": [attributes],
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(metadata))
    tool = Path(sys.executable).with_name("itkimage2segimage")
    command = [
        str(tool), "--inputImageList", str(image), "--inputDICOMDirectory", str(scan.folder),
        "--inputMetadata", str(path.with_suffix(".json")), "--outputDICOM", str(path), *options,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert path.is_file(), done.stderr + done.stdout


def _coded(value: str, meaning: str) -> dict[str, str]:
    return {"CodeValue": value, "CodingSchemeDesignator": "SCT", "CodeMeaning": meaning}


# --- .seg.nrrd ------------------------------------------------------------------------------------------


def slicer_nrrd(
    path: Path,
    layers: np.ndarray,
    geometry: VolumeGeometry,
    segments: Sequence[Mapping[str, str]],
    extra: Mapping[str, str] | None = None,
) -> Path:
    """Write with pynrrd as 3D Slicer would; `layers` is (layers, slices, rows, columns)."""
    import nrrd

    affine = geometry.affine
    columns_first = layers.transpose(0, 3, 2, 1)
    several = len(layers) > 1
    header: dict[str, object] = {
        "space": "left-posterior-superior",
        "kinds": ["list", "domain", "domain", "domain"] if several else ["domain"] * 3,
        "space directions": np.vstack(
            ([[np.nan] * 3] if several else []) + [affine[:3, axis] for axis in (2, 1, 0)]
        ),
        "space origin": affine[:3, 3],
        "encoding": "gzip",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
        **(extra or {}),
    }
    for index, fields in enumerate(segments):
        header |= {f"Segment{index}_{key}": text for key, text in fields.items()}
    nrrd.write(str(path), columns_first if several else columns_first[0], header)
    return path


def segment_fields(name: str, value: int, layer: int = 0, code: str = "") -> dict[str, str]:
    tissue = "SCT^85756007^Tissue"
    kind = f"SCT^{code}^{name}" if code else tissue
    entry = f"Segmentation category and type - 3D Slicer General Anatomy list~{tissue}~{kind}~^^~~^^~^^"
    return {
        "ID": f"Segment_{value}", "Name": name, "LabelValue": str(value), "Layer": str(layer),
        "Extent": "0 1 0 1 0 1", "Tags": f"Segmentation.Status:inprogress|TerminologyEntry:{entry}|",
    }  # fmt: skip


def reference_geometry_field(geometry: VolumeGeometry) -> str:
    """The image that Slicer drew on, as it writes it: IJK to RAS, and the extent."""
    matrix = np.diag([-1.0, -1, 1, 1]) @ geometry.affine[:, [2, 1, 0, 3]]
    slices, rows, columns = geometry.shape
    numbers = [*matrix.ravel(), 0, columns - 1, 0, rows - 1, 0, slices - 1]
    text = "".join(f"{number:.17g};" for number in numbers)
    return f"Oversampling factor|1|How fine.&Reference image geometry|{text}|Image geometry description.&"


# --- RTSTRUCT -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Roi:
    """A region of interest: contours as (slice index, points in LPS mm)."""

    name: str
    contours: Sequence[tuple[int, np.ndarray]]
    kind: str = "CLOSED_PLANAR"


def outline(mask: np.ndarray, geometry: VolumeGeometry) -> list[tuple[int, np.ndarray]]:
    """Outlines of a mask half way between voxels, holes included, by scikit-image's marching squares."""
    return [
        (index, geometry.index_to_lps(np.column_stack([np.full(len(line) - 1, index), line[:-1] - 1])))
        for index, plane in enumerate(mask)
        for line in find_contours(np.pad(plane, 1).astype(float), 0.5)
    ]


def rtstruct(path: Path, scan: Scan, rois: Sequence[Roi], *, images: bool = True) -> Dataset:
    """Write a structure set with pydicom alone."""
    series = scan.reference.series
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["rtstruct"])
    dataset.Modality = "RTSTRUCT"
    dataset.StudyInstanceUID = series.study_uid
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=["rtstruct series"])
    dataset.FrameOfReferenceUID = series.frame_of_reference_uid
    dataset.ReferencedFrameOfReferenceSequence = Items([_frame(scan)])
    dataset.StructureSetROISequence = Items([_roi(number, roi, scan) for number, roi in enumerate(rois, 1)])
    dataset.ROIContourSequence = Items(
        [_contours(number, roi, scan, images) for number, roi in enumerate(rois, 1)]
    )
    dataset.save_as(path, enforce_file_format=True)
    return dataset


def _frame(scan: Scan) -> Dataset:
    series = scan.reference.series
    frame, study, named = Dataset(), Dataset(), Dataset()
    frame.FrameOfReferenceUID = series.frame_of_reference_uid
    study.ReferencedSOPInstanceUID = series.study_uid
    named.SeriesInstanceUID = series.series_uid
    named.ContourImageSequence = Items([_image(scan, index) for index in range(len(series.slices))])
    study.RTReferencedSeriesSequence = Items([named])
    frame.RTReferencedStudySequence = Items([study])
    return frame


def _image(scan: Scan, index: int) -> Dataset:
    image = Dataset()
    image.ReferencedSOPClassUID = scan.reference.series.identity.sop_class_uid
    image.ReferencedSOPInstanceUID = scan.reference.series.slices[index].sop_instance_uid
    return image


def _roi(number: int, roi: Roi, scan: Scan) -> Dataset:
    item = Dataset()
    item.ROINumber, item.ROIName = number, roi.name
    item.ReferencedFrameOfReferenceUID = scan.reference.series.frame_of_reference_uid
    item.ROIGenerationAlgorithm = "MANUAL"
    return item


def _contours(number: int, roi: Roi, scan: Scan, images: bool) -> Dataset:
    item = Dataset()
    item.ReferencedROINumber = number
    item.ContourSequence = Items([])
    for index, points_mm in roi.contours:
        contour = Dataset()
        contour.ContourGeometricType = roi.kind
        contour.NumberOfContourPoints = len(points_mm)
        contour.ContourData = [f"{value:.6f}" for value in points_mm.ravel()]
        if images:
            contour.ContourImageSequence = Items([_image(scan, index)])
        item.ContourSequence.append(contour)
    return item
