"""Coded strings that may stay, attribute by attribute; a value that is not on its list goes.

The lists are the enumerated values and defined terms of the CT and Enhanced CT modules (PS3.3 C.7.6, C.8.2,
C.8.15) and what scanners write beside them.
"""

from __future__ import annotations

import re
from typing import Final

_BODY_PARTS: Final = (
    "ABDOMEN ABDOMENPELVIS AORTA ARM AXILLA BACK BODY BONE BRAIN BREAST BRONCHUS CHEST CHESTABDOMEN "
    "CHESTABDPELVIS CLAVICLE COLON CSPINE EXTREMITY FOOT HAND HEAD HEADNECK HEART HIP KIDNEY KNEE LEG "
    "LIVER LSPINE LUNG LUNGS MEDIASTINUM NECK NECKCHEST NECKCHESTABDOMEN NECKCHESTABDPELV PELVIS PHANTOM "
    "RIB SHOULDER SPINE TSPINE THORAX TRACHEA TRUNK WHOLEBODY"
)
_SCAN_OPTIONS: Final = (
    "AXIAL,AXIAL MODE,CINE MODE,CONTINUOUS,DVOLUME_CT,FLYING SPOT,HELICAL,HELICAL MODE,HELICAL_CT,HELIX,"
    "HR,NORMAL_CT,SCANOSCOPE,SCOUT MODE,SEQUENCE,SPIRAL,SURVIEW,TOPO,VOLUME,VOLUME_CT,SNAPSHOT,"
    "BIOPSY MODE"
)
_IMAGE_WORDS: Final = (
    "ADD,ADDITION,ANGIO,AVERAGE,AXIAL,CPR,CSA MPR,CSA RESAMPLED,CT_SOM5 DUAL,CT_SOM5 PROT,CT_SOM5 SEQ,"
    "CT_SOM5 SPI,CT_SOM5 SPI DUAL,CT_SOM5 TOP,CT_SOM7 DUAL,CT_SOM7 SEQ,CT_SOM7 SPI,CT_SOM7 SPI DUAL,"
    "CT_SOM7 TOP,CURVED,DERIVED,DOSE,DOSE INFO,DOSE_INFO,GDC,HELICAL,HELIX,LOCALIZER,MAXIMUM,MEAN,MEDIAN,"
    "MINIMUM,MINIP,MIP,MONO_E,MPR,NONE,ORIGINAL,OTHER,PERFUSION,PRIMARY,PROJECTION IMAGE,PROTOCOL,"
    "REFORMATTED,RESAMPLED,SCOUT,SCREEN SAVE,SECONDARY,SSD,STANDARD,SUBTRACT,SUBTRACTION,SUM,SURVIEW,"
    "TOPOGRAM,VARIANCE,VOLUME,VOLUME RENDERED,VOLUME_RENDER,VOLUMETRIC,VRT"
)


def _words(text: str, separator: str = " ") -> frozenset[str]:
    return frozenset(text.split(separator))


IMAGE_WORDS: Final = _words(_IMAGE_WORDS, ",")
"""Values of ImageType and FrameType; the first four positions of PS3.3, and vendors' words."""
TERMS: Final[dict[str, frozenset[str]]] = {
    "AcquisitionTimeSynchronized": _words("Y N"),
    "AcquisitionType": _words("SEQUENCED SPIRAL CONSTANT_ANGLE STATIONARY FREE CINE"),
    "AnatomicalOrientationType": _words("BIPED"),
    "BodyPartExamined": _words(_BODY_PARTS),
    "BurnedInAnnotation": _words("NO"),
    "ConstantVolumeFlag": _words("YES NO"),
    "ContentQualification": _words("PRODUCT RESEARCH SERVICE"),
    "ContrastBolusAgentAdministered": _words("YES NO"),
    "ContrastBolusAgentDetected": _words("YES NO"),
    "ContrastBolusAgentPhase": _words(
        "PRE_CONTRAST POST_CONTRAST IMMEDIATE DYNAMIC STEADY_STATE DELAYED ARTERIAL "
        "CAPILLARY VENOUS PORTAL_VENOUS"
    ),
    "ContrastBolusIngredient": _words("IODINE GADOLINIUM BARIUM XENON"),
    "ConvolutionKernelGroup": _words("BRAIN SOFT_TISSUE LUNG BONE CONSTANT_ANGLE"),
    "DimensionOrganizationType": _words("3D 3D_TEMPORAL"),
    "ExposureModulationType": _words(
        "NONE ANGULAR XYZ_EC XY_EC Z_EC XYZEC XYEC ZEC ECG BODY ORGAN_BASED SMART AUTO"
    ),
    "FilterMaterial": _words(
        "MOLYBDENUM ALUMINUM COPPER RHODIUM NIOBIUM EUROPIUM LEAD TIN TITANIUM MIXED CARBON"
    ),
    "FilterType": frozenset(
        {
            *map(str, range(20)),
            "NONE",
            "WEDGE",
            "FLAT",
            "BUTTERFLY",
            "STRIP",
            "MULTIPLE",
            "BODY FILTER",
            "LARGE BODY FILTER",
            "MEDIUM FILTER",
            "MEDIUM BODY FILTER",
            "LARGE",
            "SMALL BODY FILTER",
            "HEAD FILTER",
            "SMALL",
            "MEDIUM",
            "WEDGE_1",
            "WEDGE_2",
            "WEDGE_3",
        }
    ),
    "FluoroscopyFlag": _words("YES NO"),
    "FrameLaterality": _words("R L U B"),
    "LossyImageCompression": _words("00 01"),
    "LossyImageCompressionMethod": _words("ISO_10918_1 ISO_14495_1 ISO_15444_1 ISO_15444_15"),
    "Modality": _words("CT"),
    "MultienergyCTAcquisition": _words("YES NO"),
    "PatientSex": _words("M F O"),
    "PatientPosition": _words(
        "HFP HFS HFDR HFDL FFP FFS FFDR FFDL LFP LFS RFP RFS AFDR AFDL PFDR PFDL SITTING"
    ),
    "PhotometricInterpretation": _words("MONOCHROME1 MONOCHROME2"),
    "PixelPresentation": _words("MONOCHROME"),
    "PositionReferenceIndicator": _words("SN,XY,OM,IC,STERNAL NOTCH,XIPHOID,ILIAC CREST,XX,SS,SX", ","),
    "PresentationLUTShape": _words("IDENTITY INVERSE"),
    "QualityControlImage": _words("YES NO BOTH"),
    "RecognizableVisualFeatures": _words("NO"),
    "ReconstructionAlgorithm": _words("FILTER_BACK_PROJ ITERATIVE"),
    "RescaleType": _words("HU US OD HU_MOD PCT Z_EFF ED EDW MGML BRN10"),
    "RotationDirection": _words("CW CC"),
    "ScanOptions": _words(_SCAN_OPTIONS, ","),
    "SmokingStatus": _words("YES NO UNKNOWN"),
    "SynchronizationTrigger": _words("SOURCE EXTERNAL PASSTHRU") | {"NO TRIGGER"},
    "VOILUTFunction": _words("LINEAR LINEAR_EXACT SIGMOID"),
    "VolumeBasedCalculationTechnique": _words("MAX_IP MIN_IP MPR CURVED_MPR NONE MIXED"),
    "VolumetricProperties": _words("VOLUME SAMPLED DISTORTED MIXED"),
}
PATTERNS: Final = {
    "PatientOrientation": re.compile(r"[APRLHF]{1,3}"),
    "StackID": re.compile(r"\d{1,3}"),
}
