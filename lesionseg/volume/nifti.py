"""NIfTI-1 and NIfTI-2 headers: what the file says about its voxels and where they lie.

Read here rather than through a library because the questions that decide a volume are answered differently
(or not at all) by the common readers: which of two contradicting transforms counts, what a file without any
transform means, whether units other than millimetres scale the origin too, and whether all the data arrived.

Source: NIfTI-1 and NIfTI-2 data format, https://nifti.nimh.nih.gov (nifti1.h, nifti2.h).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lesionseg.core.errors import GeometryError, IntensityError, MissingGeometryError, UnreadableFileError
from lesionseg.volume.convert import lps_affine_from_ras_ijk, ras_ijk_from_lps_affine
from lesionseg.volume.geometry import VolumeGeometry

FORM_AGREEMENT_MM = 1.0
"""A file's two transforms (qform, sform) must place every corner within this of each other."""
NIFTI1_BYTES, NIFTI2_BYTES = 348, 540
DATA_OFFSET = 352
SCANNER_ANATOMICAL = 1
LABEL_INTENT = 1002
_MILLIMETRES, _UNIT_MASK = 2, 7
_MM_PER_UNIT = {0: 1.0, 1: 1000.0, _MILLIMETRES: 1.0, 3: 1e-3}  # unknown (taken as mm), metre, mm, micron
_VOXEL_TYPES = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
_OTHER_TYPES = {1: "1-bit", 32: "complex", 128: "RGB colour", 1536: "128-bit float", 1792: "complex",
                2048: "complex", 2304: "RGBA colour"}  # fmt: skip


def _layout(size: int, fields: dict[str, tuple[str, int]]) -> np.dtype[np.void]:
    """Record type of a header of `size` bytes from its fields' types and byte offsets."""
    return np.dtype(
        {
            "names": list(fields),
            "formats": [form for form, _ in fields.values()],
            "offsets": [offset for _, offset in fields.values()],
            "itemsize": size,
        }
    )


_NIFTI1 = _layout(
    NIFTI1_BYTES,
    {
        "sizeof_hdr": ("i4", 0), "dim": ("8i2", 40), "intent_code": ("i2", 68), "datatype": ("i2", 70),
        "bitpix": ("i2", 72), "pixdim": ("8f4", 76), "vox_offset": ("f4", 108), "scl_slope": ("f4", 112),
        "scl_inter": ("f4", 116), "xyzt_units": ("u1", 123), "qform_code": ("i2", 252),
        "sform_code": ("i2", 254), "quatern": ("3f4", 256), "qoffset": ("3f4", 268),
        "srow": ("(3,4)f4", 280), "magic": ("S4", 344),
    },
)  # fmt: skip
_NIFTI2 = _layout(
    NIFTI2_BYTES,
    {
        "sizeof_hdr": ("i4", 0), "magic": ("S8", 4), "datatype": ("i2", 12), "bitpix": ("i2", 14),
        "dim": ("8i8", 16), "pixdim": ("8f8", 104), "vox_offset": ("i8", 168), "scl_slope": ("f8", 176),
        "scl_inter": ("f8", 184), "qform_code": ("i4", 344), "sform_code": ("i4", 348),
        "quatern": ("3f8", 352), "qoffset": ("3f8", 376), "srow": ("(3,4)f8", 400),
        "xyzt_units": ("i4", 500), "intent_code": ("i4", 504),
    },
)  # fmt: skip


@dataclass(frozen=True)
class NiftiHeader:
    """What is needed of a NIfTI header.

    Attributes
    ----------
    geometry : VolumeGeometry
        In LPS mm, array order ``(slice, row, column)`` = NIfTI ``(k, j, i)``.
    voxel_type : dtype
        As stored, byte order included.
    slope, intercept : float
        HU = stored · slope + intercept; 1 and 0 where the file gives none.
    data_offset : int
        Where the voxels begin in the uncompressed file.
    """

    geometry: VolumeGeometry
    voxel_type: np.dtype[np.generic]
    slope: float
    intercept: float
    data_offset: int


def parse_nifti_header(head: bytes, case: str) -> NiftiHeader:
    """Parse the first bytes of an uncompressed NIfTI file.

    Parameters
    ----------
    head : bytes
        At least 540 bytes, or the whole file where it is shorter.
    case : str
        The file's name, for messages.

    Raises
    ------
    UnreadableFileError
        If this is no single-file NIfTI.
    GeometryError
        If the image is not three-dimensional, or its place in the patient is missing or contradictory.
    IntensityError
        If the voxels are complex numbers or colours.
    """
    record = _record(head, case)
    shape = _shape(record, case)
    affine = _affine(record, shape, case)
    slope, intercept = float(record["scl_slope"]), float(record["scl_inter"])
    scaled = math.isfinite(slope) and slope != 0 and math.isfinite(intercept)
    return NiftiHeader(
        geometry=VolumeGeometry(shape, affine),
        voxel_type=_voxel_type(record, case),
        slope=slope if scaled else 1.0,
        intercept=intercept if scaled else 0.0,
        data_offset=_data_offset(record, case),
    )


def nifti_header_bytes(
    geometry: VolumeGeometry,
    voxel_type: npt.DTypeLike,
    intent_code: int = 0,
    *,
    slope: float = 1.0,
    intercept: float = 0.0,
) -> bytes:
    """Build the first 352 bytes of a single-file NIfTI-1 image: header and an empty extension flag.

    The transform is written both as sform (float32 matrix) and as qform (float32 quaternion), both with the
    code for scanner coordinates, in mm. Readers take stored · `slope` + `intercept` for the value.

    Raises
    ------
    GeometryError
        If an axis is longer than NIfTI-1 can say (32767).
    """
    if max(geometry.shape) > np.iinfo(np.int16).max:
        raise GeometryError(
            "an axis is too long for NIfTI-1", expected="at most 32767 voxels", found=str(geometry.shape)
        )
    kind = np.dtype(voxel_type)
    record = np.zeros((), _NIFTI1.newbyteorder("<"))
    affine = ras_ijk_from_lps_affine(geometry.affine)
    handedness, quaternion = _quaternion(affine)
    record["sizeof_hdr"], record["magic"], record["vox_offset"] = NIFTI1_BYTES, b"n+1", DATA_OFFSET
    record["dim"] = (3, *geometry.shape[::-1], 1, 1, 1, 1)
    record["pixdim"] = (handedness, *geometry.spacing_mm[::-1], 0, 0, 0, 0)
    record["datatype"] = next(code for code, name in _VOXEL_TYPES.items() if np.dtype(name) == kind)
    record["bitpix"], record["scl_slope"], record["scl_inter"] = 8 * kind.itemsize, slope, intercept
    record["xyzt_units"], record["intent_code"] = _MILLIMETRES, intent_code
    record["qform_code"] = record["sform_code"] = SCANNER_ANATOMICAL
    record["quatern"], record["qoffset"], record["srow"] = quaternion, affine[:3, 3], affine[:3]
    return record.tobytes().ljust(DATA_OFFSET, b"\0")


def _record(head: bytes, case: str) -> np.void:
    for layout, magic in ((_NIFTI1, b"n+1"), (_NIFTI2, b"n+2\0\r\n\x1a\n")):
        for ordered in (layout.newbyteorder("<"), layout.newbyteorder(">")):
            if len(head) < layout.itemsize:
                continue
            record = np.frombuffer(head, ordered, count=1)[0]
            if record["sizeof_hdr"] == layout.itemsize and record["magic"] == magic:
                return np.void(record)
    raise UnreadableFileError(
        "this is not a single-file NIfTI image, or its header is damaged",
        case=case,
        found=f"{len(head)} bytes" if len(head) < NIFTI1_BYTES else "no NIfTI signature",
        remedy="Export the scan again; pairs of .hdr and .img and Analyze files are not read",
    )


def _shape(record: np.void, case: str) -> tuple[int, int, int]:
    rank = int(record["dim"][0])
    lengths = [int(length) for length in record["dim"][1 : rank + 1]] if 1 <= rank <= 7 else []
    if rank < 3 or not lengths or min(lengths) < 1 or max(lengths[3:], default=1) > 1:
        raise GeometryError(
            "the file does not hold one three-dimensional image",
            case=case,
            expected="columns x rows x slices",
            found=" x ".join(str(length) for length in lengths) or f"{rank} axes",
            remedy="Save one time point or channel as a file of its own",
        )
    return lengths[2], lengths[1], lengths[0]


def _voxel_type(record: np.void, case: str) -> np.dtype[np.generic]:
    code = int(record["datatype"])
    if code not in _VOXEL_TYPES:
        raise IntensityError(
            "the voxels are not plain numbers",
            case=case,
            expected="integers or real numbers, one for each voxel",
            found=_OTHER_TYPES.get(code, f"NIfTI data type {code}"),
            remedy="Export the scan as 16-bit Hounsfield units",
        )
    kind = np.dtype(_VOXEL_TYPES[code])
    return kind if record.dtype["sizeof_hdr"].isnative else kind.newbyteorder("S")


def _data_offset(record: np.void, case: str) -> int:
    offset = float(record["vox_offset"])
    if not (record.dtype.itemsize <= offset < 2**31):
        raise UnreadableFileError("the header points outside the file", case=case, found=f"offset {offset}")
    return int(offset)


def _affine(record: np.void, shape: tuple[int, int, int], case: str) -> npt.NDArray[np.float64]:
    """LPS affine in mm from sform, qform or both."""
    unit = int(record["xyzt_units"]) & _UNIT_MASK
    candidates = []
    if int(record["sform_code"]) > 0:
        candidates.append(np.vstack([record["srow"].astype(np.float64), (0, 0, 0, 1)]))
    if int(record["qform_code"]) > 0:
        candidates.append(_affine_from_quaternion(record, case))
    if not candidates:
        raise MissingGeometryError(
            "the file does not say how the patient lies in it",
            case=case,
            expected="a qform or sform transform",
            found="both codes are 0, so left and right cannot be told apart",
            remedy="Convert the scan again from DICOM",
        )
    if unit not in _MM_PER_UNIT:
        raise MissingGeometryError("the unit of length is unknown", case=case, found=f"unit code {unit}")
    for affine in candidates:
        affine[:3] *= _MM_PER_UNIT[unit]
    _refuse_disagreement(candidates, shape, case)
    return lps_affine_from_ras_ijk(candidates[0])


def _refuse_disagreement(
    candidates: list[npt.NDArray[np.float64]], shape: tuple[int, int, int], case: str
) -> None:
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(shape[::-1]) - 1)
    positions_mm = [corners @ affine[:3, :3].T + affine[:3, 3] for affine in candidates]
    apart_mm = float(np.abs(positions_mm[0] - positions_mm[-1]).max())
    if apart_mm > FORM_AGREEMENT_MM:
        raise GeometryError(
            "the file holds two different transforms",
            case=case,
            expected=f"qform and sform within {FORM_AGREEMENT_MM:g} mm of each other",
            found=f"{apart_mm:.1f} mm apart",
            remedy="A registered or tilted scan: convert again from DICOM, or save it with one transform",
        )


def _affine_from_quaternion(record: np.void, case: str) -> npt.NDArray[np.float64]:
    spacing = record["pixdim"][1:4].astype(np.float64)
    if not (spacing > 0).all():
        raise MissingGeometryError("the voxel spacing is missing", case=case, found=str(spacing.tolist()))
    b, c, d = record["quatern"].astype(np.float64)
    a = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    if float(record["pixdim"][0]) < 0:
        rotation[:, 2] *= -1
    affine = np.eye(4)
    affine[:3, :3] = rotation * spacing
    affine[:3, 3] = record["qoffset"].astype(np.float64)
    return affine


def _quaternion(ras_ijk: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
    """Handedness (qfac) and quaternion (b, c, d) with a >= 0 of an affine with orthogonal axes."""
    from scipy.spatial.transform import Rotation

    rotation = ras_ijk[:3, :3] / np.linalg.norm(ras_ijk[:3, :3], axis=0)
    handedness = 1.0 if np.linalg.det(rotation) > 0 else -1.0
    rotation[:, 2] *= handedness
    quaternion = Rotation.from_matrix(rotation).as_quat(canonical=True)  # (b, c, d, a)
    return handedness, np.asarray(quaternion[:3])
