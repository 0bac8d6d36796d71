"""Every coded concept that leaves the program, in one table: SEG, SR and `.seg.nrrd` say the same.

Schemes are named as in PS3.16 8: SCT (SNOMED CT), DCM (PS3.16 annex D), UCUM.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lesionseg.core.labels import DEFAULT_SCHEME, Label

if TYPE_CHECKING:
    from pydicom.sr.coding import Code


@dataclass(frozen=True)
class Concept:
    """A coded concept and where the code is from.

    Attributes
    ----------
    value, scheme, meaning : str
        As written into CodeValue, CodingSchemeDesignator and CodeMeaning.
    source : str
        The context group that lists it, or where else it was found.
    """

    value: str
    scheme: str
    meaning: str
    source: str

    def as_code(self) -> Code:
        """Return it as pydicom and highdicom take it."""
        from pydicom.sr.coding import Code

        return Code(self.value, self.scheme, self.meaning)


@dataclass(frozen=True)
class SegmentConcepts:
    """How one segment is named, numbered, coded and drawn.

    Attributes
    ----------
    name : str
        For machines: "lung", "non_solid", "solid" or "lesion".
    label : str
        For people, at most 64 characters.
    description : str
        What is inside and what is not.
    number : int
        Of the segment where all four are written; for the exclusive three it is their value in a label map.
    values : tuple of int
        Values of the label map that make it up.
    category, type : Concept
        Segmented property category and type.
    anatomic_region : Concept or None
        Where it lies, unless the type says so itself.
    colour : tuple of int
        sRGB, 0 to 255.
    """

    name: str
    label: str
    description: str
    number: int
    values: tuple[int, ...]
    category: Concept
    type: Concept
    anatomic_region: Concept | None
    colour: tuple[int, int, int]


# --- segments -------------------------------------------------------------------------------------------

ANATOMICAL_STRUCTURE: Final = Concept("91723000", "SCT", "Anatomical Structure", "PS3.16 CID 7150")
MORPHOLOGICALLY_ABNORMAL: Final = Concept(
    "49755003", "SCT", "Morphologically Abnormal Structure", "PS3.16 CID 7150"
)
LUNG: Final = Concept("39607008", "SCT", "Lung", "PS3.16 CID 7151, 7192")
LESION: Final = Concept("52988006", "SCT", "Lesion", "PS3.16 CID 7151, 7159")
GROUND_GLASS: Final = Concept(
    "1217294009",
    "SCT",
    "Ground glass lung opacity",
    "SNOMED CT International, finding; no context group of PS3.16 lists a SNOMED code for ground glass",
)
CONSOLIDATION: Final = Concept(
    "9656002",
    "SCT",
    "Consolidation",
    "SNOMED CT International, morphologic abnormality; used by HL7 FHIR's BodyStructure example",
)

LUNG_SEGMENT: Final = SegmentConcepts(
    "lung", "Lung without lesion",
    "Both lungs less all lesions; trachea, main bronchi, mediastinum and effusion are outside",
    int(Label.LUNG), (Label.LUNG,), ANATOMICAL_STRUCTURE, LUNG, None, DEFAULT_SCHEME.colours[Label.LUNG],
)  # fmt: skip
NON_SOLID_SEGMENT: Final = SegmentConcepts(
    "non_solid", "Non-solid lesion", "Ground glass and the like; the solid component is outside",
    int(Label.NON_SOLID), (Label.NON_SOLID,), MORPHOLOGICALLY_ABNORMAL, GROUND_GLASS, LUNG,
    DEFAULT_SCHEME.colours[Label.NON_SOLID],
)  # fmt: skip
SOLID_SEGMENT: Final = SegmentConcepts(
    "solid", "Solid component", "Consolidation and other dense parts of lesions",
    int(Label.SOLID), (Label.SOLID,), MORPHOLOGICALLY_ABNORMAL, CONSOLIDATION, LUNG,
    DEFAULT_SCHEME.colours[Label.SOLID],
)  # fmt: skip
LESION_SEGMENT: Final = SegmentConcepts(
    "lesion", "Whole lesion", "Non-solid lesion and solid component together",
    4, DEFAULT_SCHEME.lesion, MORPHOLOGICALLY_ABNORMAL, LESION, LUNG,
    (204, 121, 167),  # reddish purple, of the same palette as the scheme's
)  # fmt: skip
EXCLUSIVE_SEGMENTS: Final = (LUNG_SEGMENT, NON_SOLID_SEGMENT, SOLID_SEGMENT)
"""Every voxel belongs to at most one of these."""
ALL_SEGMENTS: Final = (*EXCLUSIVE_SEGMENTS, LESION_SEGMENT)

# --- how they were made ---------------------------------------------------------------------------------

ARTIFICIAL_INTELLIGENCE: Final = Concept(
    "123110", "DCM", "Artificial Intelligence", "PS3.16 CID 7162, algorithm families"
)
MANUAL_PROCESSING: Final = Concept("123109", "DCM", "Manual Processing", "PS3.16 CID 7162")

# --- measurements ---------------------------------------------------------------------------------------

VOLUME: Final = Concept("118565006", "SCT", "Volume", "PS3.16 CID 7469, 7472")
VOXEL_SUM: Final = Concept("126030", "DCM", "Sum of segmented voxel method for volume", "PS3.16 CID 7474")
MILLILITRE: Final = Concept("ml", "UCUM", "milliliter", "UCUM; PS3.16 CID 7181 has it within larger units")
PERCENT: Final = Concept("%", "UCUM", "Percent", "PS3.16 CID 7181")
