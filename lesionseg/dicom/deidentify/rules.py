"""What may leave, attribute by attribute: what is not named here is removed, in every nested item too.

PS3.15 table E.1-1 names what must go; a list of what may stay goes further, since it also drops what the
table does not know: private, retired and future attributes. The list holds what a CT image needs to be read,
measured and compared (PS3.3 A.3 and A.38). `standard.py` holds the table to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydicom.datadict import tag_for_keyword

from lesionseg.dicom.deidentify.terms import PATTERNS, TERMS


class Action(StrEnum):
    """How the value of an attribute that may stay is treated."""

    NUMBER = "number"
    """Stays if it is a number of believable size."""
    BYTES = "bytes"
    """Stays as it is: pixel data and its offset tables."""
    TERM = "term"
    """Stays if it stands on the list of `terms.py`."""
    IMAGE_TYPE = "image type"
    """Words that are not on the list become OTHER."""
    SCAN_WORDS = "scan words"
    AGENT = "agent"
    MAKER = "maker"
    MODEL = "model"
    KERNEL = "kernel"
    ROUTE = "route"
    """These keep the words that `vocabulary.py` lists for them."""
    UID = "uid"
    CLASS_UID = "class uid"
    DATE = "date"
    TIME = "time"
    DATE_TIME = "date and time"
    SEQUENCE = "sequence"
    CODES = "codes"
    """A sequence whose items are codes, or nothing."""
    EMPTY = "empty"
    SUBJECT = "subject"
    AGE = "age"
    """Only with the patient's characteristics."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done to one attribute.

    Attributes
    ----------
    action : Action
    required : bool
        A value that may not stay makes the file refused: without it the image would mean something else.
    emptied : bool
        A value that may not stay leaves an empty one (type 2), instead of nothing.
    characteristic : bool
        Stays only if the patient's characteristics are to be kept.
    """

    action: Action
    required: bool = False
    emptied: bool = False
    characteristic: bool = False


_REQUIRED_NUMBERS = """
    BitsAllocated BitsStored Columns HighBit ImageOrientationPatient ImagePositionPatient NumberOfFrames
    PixelPaddingRangeLimit PixelPaddingValue PixelRepresentation PixelSpacing RescaleIntercept
    RescaleSlope Rows SamplesPerPixel
"""
_NUMBERS = """
    AcquisitionDuration CTDIvol ContrastBolusAgentNumber
    ContrastBolusIngredientConcentration ContrastBolusTotalDose ContrastBolusVolume ContrastFlowDuration
    ContrastFlowRate DataCollectionCenterPatient DataCollectionDiameter DimensionIndexPointer
    DimensionIndexValues DistanceSourceToDataCollectionCenter DistanceSourceToDetector
    DistanceSourceToPatient EstimatedDoseSaving Exposure ExposureInmAs ExposureInuAs ExposureTime
    ExposureTimeInms FocalSpots FrameAcquisitionDuration FrameAcquisitionNumber FunctionalGroupPointer
    GantryDetectorTilt GeneratorPower ImagesInAcquisition InConcatenationNumber
    InConcatenationTotalNumber InStackPositionNumber IsocenterPosition KVP LargestImagePixelValue
    LossyImageCompressionRatio NominalPercentageOfCardiacPhase NominalScannedPixelSpacing
    PixelAspectRatio PlanarConfiguration ReconstructionAngle ReconstructionDiameter
    ReconstructionFieldOfView ReconstructionPixelSpacing ReconstructionTargetCenterPatient
    ReferencedFrameNumber RevolutionTime SingleCollimationWidth SliceLocation
    SliceThickness SmallestImagePixelValue SpacingBetweenSlices SpatialResolution SpiralPitchFactor
    TableFeedPerRotation TableHeight TablePosition TableSpeed TemporalPositionIndex
    TotalCollimationWidth TubeAngle WaterEquivalentDiameter WindowCenter WindowWidth XRayTubeCurrent
    XRayTubeCurrentInmA
"""
_UIDS = """
    ConcatenationUID DimensionOrganizationUID FrameOfReferenceUID IrradiationEventUID
    ReferencedSOPInstanceUID SOPInstanceUID SOPInstanceUIDOfConcatenationSource SeriesInstanceUID
    StudyInstanceUID SynchronizationFrameOfReferenceUID
"""
_SEQUENCES = """
    CTAcquisitionDetailsSequence CTAcquisitionTypeSequence CTExposureSequence CTGeometrySequence
    CTImageFrameTypeSequence CTPositionSequence CTReconstructionSequence CTTableDynamicsSequence
    CTXRayDetailsSequence ContrastBolusUsageSequence DerivationImageSequence DimensionIndexSequence
    DimensionOrganizationSequence FrameAnatomySequence FrameContentSequence FrameVOILUTSequence
    IrradiationEventIdentificationSequence PerFrameFunctionalGroupsSequence PixelMeasuresSequence
    PixelValueTransformationSequence PlaneOrientationSequence PlanePositionSequence
    ReferencedImageSequence SharedFunctionalGroupsSequence SourceImageSequence
    UnassignedPerFrameConvertedAttributesSequence UnassignedSharedConvertedAttributesSequence
"""
_CODES = """
    AnatomicRegionModifierSequence AnatomicRegionSequence CTDIPhantomTypeCodeSequence
    ContrastBolusAdministrationRouteSequence ContrastBolusAgentSequence
    ContrastBolusIngredientCodeSequence DerivationCodeSequence PurposeOfReferenceCodeSequence
"""
_DATES = "AcquisitionDate ContentDate InstanceCreationDate SeriesDate StudyDate"
_TIMES = """
    AcquisitionTime ContentTime ContrastBolusStartTime ContrastBolusStopTime InstanceCreationTime
    SeriesTime StudyTime
"""
_DATE_TIMES = "AcquisitionDateTime FrameAcquisitionDateTime FrameReferenceDateTime"
_EMPTIED = "AccessionNumber AcquisitionContextSequence PatientBirthDate ReferringPhysicianName StudyID"
_TYPE_2_TERMS = "PatientOrientation PatientPosition PositionReferenceIndicator"
_REQUIRED_TERMS = "LossyImageCompression Modality PhotometricInterpretation PixelPresentation RescaleType"


def _tag(keyword: str) -> int:
    found = tag_for_keyword(keyword)
    if found is None:
        raise ValueError(f"{keyword} is no keyword of PS3.6")
    return found


def _rules(keywords: str, rule: Rule) -> dict[int, Rule]:
    return {_tag(keyword): rule for keyword in keywords.split()}


RULES: Final[dict[int, Rule]] = {
    **_rules(_NUMBERS, Rule(Action.NUMBER)),
    **_rules("AcquisitionNumber InstanceNumber SeriesNumber", Rule(Action.NUMBER, emptied=True)),
    **_rules(_REQUIRED_NUMBERS, Rule(Action.NUMBER, required=True)),
    **_rules("PatientSize PatientWeight PregnancyStatus", Rule(Action.NUMBER, characteristic=True)),
    **_rules(" ".join({**TERMS, **PATTERNS}), Rule(Action.TERM)),
    **_rules(_TYPE_2_TERMS, Rule(Action.TERM, emptied=True)),
    **_rules(_REQUIRED_TERMS, Rule(Action.TERM, required=True)),
    **_rules("PatientSex", Rule(Action.TERM, emptied=True, characteristic=True)),
    **_rules("SmokingStatus", Rule(Action.TERM, characteristic=True)),
    **_rules("PatientAge", Rule(Action.AGE, characteristic=True)),
    **_rules("ImageType FrameType", Rule(Action.IMAGE_TYPE, required=True)),
    **_rules("ProtocolName SeriesDescription StudyDescription", Rule(Action.SCAN_WORDS)),
    **_rules("Manufacturer", Rule(Action.MAKER, emptied=True)),
    **_rules("ManufacturerModelName", Rule(Action.MODEL)),
    **_rules("ConvolutionKernel", Rule(Action.KERNEL, emptied=True)),
    **_rules("ContrastBolusAgent", Rule(Action.AGENT, emptied=True)),
    **_rules("ContrastBolusRoute", Rule(Action.ROUTE)),
    **_rules(_UIDS, Rule(Action.UID)),
    **_rules("ReferencedSOPClassUID SOPClassUID", Rule(Action.CLASS_UID)),
    **_rules(_DATES, Rule(Action.DATE, emptied=True)),
    **_rules(_TIMES, Rule(Action.TIME, emptied=True)),
    **_rules(_DATE_TIMES, Rule(Action.DATE_TIME)),
    **_rules(_SEQUENCES, Rule(Action.SEQUENCE)),
    **_rules(_CODES, Rule(Action.CODES)),
    **_rules(_EMPTIED, Rule(Action.EMPTY)),
    **_rules("PatientID PatientName", Rule(Action.SUBJECT)),
    **_rules("ExtendedOffsetTable ExtendedOffsetTableLengths PixelData", Rule(Action.BYTES)),
}
"""Rule of every attribute that may stay, by tag."""
ALWAYS_PRESENT: Final = (
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyID",
)
"""Type 2 attributes of patient and study that stand there empty, whether the source has them or not."""
ENHANCED_EQUIPMENT: Final = (
    "Manufacturer",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "SoftwareVersions",
)
"""Type 1 in multi-frame images (PS3.3 C.7.5.2): a value that was removed is replaced by `REMOVED`."""
REMOVED: Final = "REMOVED"
