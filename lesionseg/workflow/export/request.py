"""What is to be exported, how, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lesionseg.core.errors import ConfigurationError
from lesionseg.export.origin import Origin
from lesionseg.volume import LabelMap
from lesionseg.volumetry import Measurements
from lesionseg.workflow.export.names import DICOM_FORMATS, FORMATS

if TYPE_CHECKING:
    from lesionseg.dicom.series import CTSeries


@dataclass(frozen=True)
class ExportSettings:
    """Which files are made.

    Attributes
    ----------
    formats : tuple of str
        Those that must be made, of `FORMATS`. Without any, all that the case allows are made, and it is said
        why others are not.
    encoding : str
        Of the DICOM SEG.
    whole_lesion : bool
        Whether the DICOM SEG has a fourth segment, non-solid and solid together.

    Raises
    ------
    ConfigurationError
        If a format is unknown, or the encoding cannot hold the whole lesion beside its parts.
    """

    formats: tuple[str, ...] = ()
    encoding: Literal["binary", "labelmap"] = "binary"
    whole_lesion: bool = False

    def __post_init__(self) -> None:
        unknown = [name for name in self.formats if name not in FORMATS]
        if unknown:
            raise ConfigurationError(
                "there is no such export format", expected=", ".join(FORMATS), found=", ".join(unknown)
            )
        if self.whole_lesion and self.encoding != "binary":
            raise ConfigurationError(
                "only a binary SEG can hold the whole lesion beside its parts",
                found=f"encoding {self.encoding}",
                remedy="Leave out --whole-lesion, or take the encoding binary",
            )

    @property
    def tried(self) -> tuple[str, ...]:
        """The formats to make, in the order of writing."""
        return tuple(name for name in FORMATS if not self.formats or name in self.formats)

    def demands_dicom(self) -> bool:
        """Tell whether a format must be made that only a case of DICOM slices allows."""
        return bool(set(self.formats) & set(DICOM_FORMATS))


@dataclass(frozen=True)
class Exportable:
    """All that an export is made of.

    Attributes
    ----------
    case : str
        What the scan is called, for messages.
    label_map : LabelMap
        On the grid of the series.
    measurements : Measurements
        Of that label map.
    origin : Origin
        Who made the labels, and when.
    series : CTSeries or None
        The slices they were made on; None where the scan is no DICOM.
    overview : Path or None
        A picture to show, PNG.
    input_sha256 : str
        Over all files of the scan, as a case's manifest has it; empty where unknown.
    """

    case: str
    label_map: LabelMap
    measurements: Measurements
    origin: Origin
    series: CTSeries | None
    overview: Path | None = None
    input_sha256: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A format that was not made, with a reason code and a sentence."""

    format: str
    reason: str
    text: str


@dataclass(frozen=True)
class ExportResult:
    """What an export leaves behind.

    Attributes
    ----------
    folder : Path
    files : dict of str to tuple of Path
        By format, in the order of writing.
    left_out : tuple of LeftOut
    manifest : dict
        As written.
    """

    folder: Path
    files: dict[str, tuple[Path, ...]]
    left_out: tuple[LeftOut, ...]
    manifest: dict[str, Any]
