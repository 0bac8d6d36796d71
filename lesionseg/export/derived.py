"""What every DICOM object made from a source series has in common.

Patient and study are copied attribute by attribute as `copied_values` lists them, nothing is invented: what
the source lacks stays empty where the standard wants it present (type 2), and is absent otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import UID

from lesionseg.dicom.uids import derived_uid
from lesionseg.export.copied_values import TYPE_2, TYPE_3
from lesionseg.export.origin import Origin
from lesionseg.export.source import SourceSeries

MANUFACTURER: Final = "lesionseg"
MODEL_NAME: Final = "lesionseg"
CHARACTER_SET: Final = "ISO_IR 192"
"""UTF-8: whatever the source's character set, its texts can be written."""
_TEXT_LIMIT: Final = 64  # characters in an LO value, PS3.5 6.2


@dataclass(frozen=True)
class NewSeries:
    """A series to be made.

    Attributes
    ----------
    kind : str
        Part of the UIDs' entropy: one series for each kind, source, label map and moment.
    modality : str
    number : int
        SeriesNumber.
    description : str
    sop_class_uid : str
    """

    kind: str
    modality: str
    number: int
    description: str
    sop_class_uid: str


def derived_dataset(source: SourceSeries, new: NewSeries, origin: Origin) -> Dataset:
    """Patient, study, series, equipment and SOP common attributes of an object in a new series.

    The same source, labels and moment give the same UIDs, so that an object sent twice is known as one.
    """
    dataset = Dataset()
    _copy(source.header, dataset)
    dataset.StudyInstanceUID = UID(source.study_uid)
    dataset.SeriesInstanceUID = UID(new_series_uid(source, new, origin))
    dataset.SeriesNumber = new.number
    dataset.SeriesDescription = new.description[:_TEXT_LIMIT]
    dataset.Modality = new.modality
    dataset.SOPClassUID = UID(new.sop_class_uid)
    dataset.SOPInstanceUID = UID(new_instance_uid(source, new, origin))
    dataset.InstanceNumber = 1
    dataset.Manufacturer = MANUFACTURER
    dataset.ManufacturerModelName = MODEL_NAME
    dataset.DeviceSerialNumber = (origin.bundle_sha256 or "none")[:_TEXT_LIMIT]
    dataset.SoftwareVersions = origin.software_version
    for name in ("InstanceCreation", "Content", "Series"):
        setattr(dataset, f"{name}Date", origin.created.strftime("%Y%m%d"))
        setattr(dataset, f"{name}Time", origin.created.strftime("%H%M%S"))
    return dataset


def new_series_uid(source: SourceSeries, new: NewSeries, origin: Origin) -> str:
    """Return the UID of the new series."""
    return derived_uid("series", *_entropy(source, new, origin))


def new_instance_uid(source: SourceSeries, new: NewSeries, origin: Origin, number: int = 1) -> str:
    """Return the UID of the object with this number in the new series."""
    return derived_uid("instance", str(number), *_entropy(source, new, origin))


def _entropy(source: SourceSeries, new: NewSeries, origin: Origin) -> tuple[str, ...]:
    made_by = (origin.labels_sha256, origin.bundle_sha256, origin.reader, origin.created.isoformat())
    return (new.kind, source.series_uid, *made_by)


def _copy(header: Dataset, dataset: Dataset) -> None:
    dataset.SpecificCharacterSet = CHARACTER_SET
    for keyword in TYPE_2:
        setattr(dataset, keyword, header.get(keyword, None) or "")
    for keyword in TYPE_3:
        if keyword in header:
            dataset[keyword] = header[keyword]
