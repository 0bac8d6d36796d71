"""A scan in which every attribute of the standard that can hold text, a date or a UID tells who it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from pydicom import Dataset, config
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence

from lesionseg.dicom.deidentify.rules import RULES

MARK = "ZXQ"
"""Begins every planted text; no word of the vocabulary and no base 32 pseudonym of the tests holds it."""
FIRST_DAY = date(1931, 1, 1)
MOVED_DAY = date(2400, 1, 1)
"""Of all attributes whose dates stay, moved: apart from the others, so that none moves onto another."""
MOVED = frozenset(
    {"AcquisitionDate", "AcquisitionDateTime", "ContentDate", "FrameAcquisitionDateTime",
     "FrameReferenceDateTime", "InstanceCreationDate", "SeriesDate", "StudyDate"}
)  # fmt: skip
NUMBER = 19500312
"""A birth date written as a number."""
SPARED = frozenset(
    {"BurnedInAnnotation", "ConversionType", "DataSetTrailingPadding", "DateOfSecondaryCapture",
     "DoubleFloatPixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "FloatPixelData",
     "FrameType", "ImageOrientationPatient", "ImagePositionPatient", "ImageType",
     "LossyImageCompression", "Modality", "ModalityLUTSequence", "NumberOfFrames", "PatientID",
     "PerFrameFunctionalGroupsSequence", "PhotometricInterpretation", "PixelData",
     "PixelPresentation", "PixelSpacing", "RecognizableVisualFeatures", "RescaleIntercept",
     "RescaleSlope", "RescaleType", "SOPClassUID", "SecondaryCaptureDeviceID",
     "SecondaryCaptureDeviceManufacturer", "SecondaryCaptureDeviceManufacturerModelName",
     "SharedFunctionalGroupsSequence", "SliceThickness", "SpecificCharacterSet"}
)  # fmt: skip
"""Without these the file would be refused, or be no image; PatientID is planted by the tests."""
TEXT_VRS = frozenset({"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT"})
BYTE_VRS = frozenset({"OB", "OW", "UN", "OB or OW"})


@dataclass
class Planted:
    """What was planted, to be searched for."""

    attributes: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    dates: set[str] = field(default_factory=set)
    uids: set[str] = field(default_factory=set)

    def text(self, where: str) -> str:
        self.attributes.add(where)
        self.texts.add(text := f"{MARK}{len(self.texts):05d}")
        return text

    def day(self, where: str) -> str:
        self.attributes.add(where)
        moved = where in MOVED or "," in where
        planted = MOVED_DAY if moved else FIRST_DAY + timedelta(days=len(self.dates))
        self.dates.add(day := f"{planted:%Y%m%d}")
        return day

    def uid(self, where: str) -> str:
        self.attributes.add(where)
        self.uids.add(uid := f"1.2.3.987654321.{len(self.uids)}")
        return uid


def stuff(dataset: Dataset, planted: Planted, step: int = 1) -> None:
    """Overwrite or add every attribute of PS3.6 that can hold something telling, but for the spared.

    With `step`, only every so many of them.
    """
    for tag, (vr, _, _, _, keyword) in list(DicomDictionary.items())[::step]:
        if keyword and keyword not in SPARED and tag >> 16 not in (0x0000, 0x0002, 0xFFFE):
            _plant(dataset, tag, vr, keyword, planted)
    dataset.ImageType = [*list(dataset.ImageType)[:3], planted.text("ImageType")]
    _plant_private(dataset, planted)
    _plant_overlay_and_curve(dataset, planted)
    dataset.file_meta.SourceApplicationEntityTitle = planted.text("SourceApplicationEntityTitle")
    dataset.file_meta.SendingApplicationEntityTitle = planted.text("SendingApplicationEntityTitle")
    dataset.file_meta.PrivateInformationCreatorUID = planted.uid("PrivateInformationCreatorUID")
    dataset.file_meta.PrivateInformation = planted.text("PrivateInformation").encode()
    dataset.preamble = planted.text("preamble").encode().ljust(128, b"\0")


def save(dataset: Dataset, path: Path) -> None:
    """Save with the preamble as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def _plant(dataset: Dataset, tag: int, vr: str, keyword: str, planted: Planted) -> None:
    value: object
    if vr in TEXT_VRS:
        value = planted.text(keyword)
    elif vr in ("DA", "DT"):
        value = planted.day(keyword) + ("121314.5+0100" if vr == "DT" else "")
    elif vr == "UI":
        value = planted.uid(keyword)
    elif vr in ("IS", "DS"):
        value = NUMBER
        planted.attributes.add(keyword)
    elif vr in BYTE_VRS:
        vr, value = "OB", planted.text(keyword).encode()
    elif vr == "SQ":
        value = Sequence([_item(keyword, planted, deep=tag in RULES or tag % 10 == 0)])
    else:
        return
    dataset.add(DataElement(tag, vr, value, validation_mode=config.IGNORE))


def _item(keyword: str, planted: Planted, *, deep: bool) -> Dataset:
    """A name; or texts, dates, codes and private attributes, and the same once more one level deeper."""
    item, deeper = Dataset(), Dataset()
    if not deep:
        item.PatientName = planted.text(keyword)
        return item
    for level, name in ((item, keyword), (deeper, f"{keyword}, nested")):
        level.PatientName = planted.text(name)
        level.SeriesDescription = f"Thorax {planted.text(name)} lung"
        level.StudyDate = planted.day(f"{name}, date")
        level.ReferencedSOPInstanceUID = planted.uid(name)
        level.CodeValue, level.CodeMeaning = planted.text(name), planted.text(name)
        level.CodingSchemeDesignator = "SCT"
        level.add_new("PixelData", "OB", planted.text(name).encode())
        level.add_new("ExtendedOffsetTable", "OV", planted.text(name).encode())
        _plant_private(level, planted)
    item.ReferencedImageSequence = Sequence([deeper])
    return item


def _plant_private(dataset: Dataset, planted: Planted) -> None:
    block = dataset.private_block(0x0029, planted.text("private creator"), create=True)
    for offset, vr in enumerate(("LO", "PN", "UT", "SH", "LT")):
        block.add_new(offset, vr, planted.text(f"private {vr}"))
    block.add_new(0x10, "DA", planted.day("private DA"))
    block.add_new(0x11, "OB", planted.text("private OB").encode())
    nested = Dataset()
    nested.PatientName = planted.text("private SQ")
    block.add_new(0x12, "SQ", Sequence([nested]))


def _plant_overlay_and_curve(dataset: Dataset, planted: Planted) -> None:
    for group in (0x6000, 0x6002):
        dataset.add_new((group, 0x0010), "US", 8)
        dataset.add_new((group, 0x0011), "US", 8)
        dataset.add_new((group, 0x0022), "LO", planted.text("OverlayDescription"))
        dataset.add_new((group, 0x0040), "CS", "G")
        dataset.add_new((group, 0x0050), "SS", [1, 1])
        dataset.add_new((group, 0x0100), "US", 1)
        dataset.add_new((group, 0x0102), "US", 0)
        dataset.add_new((group, 0x1500), "LO", planted.text("OverlayLabel"))
        dataset.add_new((group, 0x3000), "OB", planted.text("OverlayData").encode())
    dataset.add_new((0x5000, 0x0022), "LO", planted.text("CurveDescription"))
    dataset.add_new((0x5000, 0x3000), "OB", planted.text("CurveData").encode())
