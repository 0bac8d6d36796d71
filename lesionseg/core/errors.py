"""The error family: which case, what was expected, what was found, what to do.

Everything lesionseg raises on purpose derives from `LesionSegError`. Each class carries a stable ``code``
that machine-readable output quotes, so that a pipeline can act on it without reading the sentence.
"""

from __future__ import annotations

from typing import ClassVar


class LesionSegError(Exception):
    """A failure that lesionseg understands and can explain.

    Parameters
    ----------
    problem : str
        What is wrong, in one sentence without a closing full stop.
    case : str, optional
        The series, file or patient it happened to.
    expected, found : str, optional
        What should have been there, and what was; positions in mm, values with units.
    remedy : str, optional
        What the user can do about it.
    """

    code: ClassVar[str] = "error"

    def __init__(
        self,
        problem: str,
        *,
        case: str = "",
        expected: str = "",
        found: str = "",
        remedy: str = "",
    ) -> None:
        self.problem = problem
        self.case = case
        self.expected = expected
        self.found = found
        self.remedy = remedy
        super().__init__(problem)

    def __str__(self) -> str:
        sentence = f"{self.case}: {self.problem}" if self.case else self.problem
        details = [
            f"{name} {text}" for name, text in (("expected", self.expected), ("found", self.found)) if text
        ]
        if details:
            sentence += f" ({'; '.join(details)})"
        return f"{sentence}. {self.remedy}" if self.remedy else f"{sentence}."

    def as_dict(self) -> dict[str, str]:
        """Return the parts as a flat mapping for JSON output; empty parts are left out."""
        parts = {
            "code": self.code,
            "problem": self.problem,
            "case": self.case,
            "expected": self.expected,
            "found": self.found,
            "remedy": self.remedy,
        }
        return {name: text for name, text in parts.items() if text}


class ConfigurationError(LesionSegError):
    """A setting or option is unknown or out of range."""

    code = "configuration"


# --- input ----------------------------------------------------------------------------------------------


class InputError(LesionSegError):
    """The input is absent, unreadable or not what lesionseg can use."""

    code = "input"


class InputNotFoundError(InputError):
    """The path does not exist."""

    code = "input-not-found"


class EmptyInputError(InputError):
    """The folder holds no file at all."""

    code = "input-empty"


class NoCTSeriesError(InputError):
    """There are files, but no CT series among them."""

    code = "no-ct-series"


class UnreadableFileError(InputError):
    """A file cannot be opened or is damaged: permission, truncation, broken header."""

    code = "file-unreadable"


class AmbiguousSeriesError(InputError):
    """Several series fit equally well, so the user must choose."""

    code = "series-ambiguous"


class PlanError(InputError):
    """The analysis plan is no plan, or asks for something that does not exist."""

    code = "plan"


class TableError(InputError):
    """A table has faults; the problem lists all of them with row (header = 1), column and remedy.

    Attributes
    ----------
    faults : tuple of str
        One sentence for each.
    """

    code = "table"

    def __init__(self, problem: str, *, faults: tuple[str, ...] = (), **parts: str) -> None:
        super().__init__(problem, **parts)
        self.faults = faults


class SourceMismatchError(InputError):
    """The scan is not the one that the results were made of."""

    code = "source-mismatch"


class IntensityError(InputError):
    """The values are not Hounsfield units."""

    code = "not-hounsfield"


class AnatomyError(InputError):
    """The scan does not show a chest."""

    code = "not-a-chest"


# --- geometry of a series -------------------------------------------------------------------------------


class GeometryError(InputError):
    """The slices do not form one regular volume."""

    code = "geometry"


class MissingGeometryError(GeometryError):
    """A slice has no usable position, orientation or pixel spacing."""

    code = "geometry-missing"


class MissingSlicesError(GeometryError):
    """There are gaps between slice positions."""

    code = "slices-missing"


class DuplicatePositionError(GeometryError):
    """Two slices lie at the same position."""

    code = "position-duplicated"


class UnevenSpacingError(GeometryError):
    """The distance between slices varies and no single gap explains it."""

    code = "spacing-uneven"


class MixedSliceError(GeometryError):
    """Slices of one series differ in orientation, size, pixel spacing, frame of reference or rescale type."""

    code = "slices-mixed"


class GantryTiltError(GeometryError):
    """The slices are sheared against their normal (gantry tilt)."""

    code = "gantry-tilt"


class TooFewSlicesError(GeometryError):
    """Too few slices to make a volume."""

    code = "slices-too-few"


# --- pixels ---------------------------------------------------------------------------------------------


class PixelDataError(InputError):
    """The pixel data is missing, truncated or damaged."""

    code = "pixel-data"


class UnsupportedTransferSyntaxError(PixelDataError):
    """No installed decoder reads this encoding."""

    code = "transfer-syntax-unsupported"


# --- the rest of the way --------------------------------------------------------------------------------


class BundleError(LesionSegError):
    """A model bundle is missing, incomplete, altered or of an unknown kind."""

    code = "bundle"


class MissingFeatureError(LesionSegError):
    """What was asked for needs an optional part that is not installed."""

    code = "feature-missing"


class DeviceError(LesionSegError):
    """The device or inference runtime asked for is not available."""

    code = "device"


class ClusterError(LesionSegError):
    """The cluster cannot be reached, or its machines cannot do the work that is asked of them."""

    code = "cluster"


class WorkerLostError(LesionSegError):
    """The process that had this scan in work ended, or its machine did."""

    code = "worker-lost"


class SegmentationError(LesionSegError):
    """The network could not be run on this volume."""

    code = "segmentation"


class MeasurementError(LesionSegError):
    """A mask and a volume do not belong together or cannot be measured."""

    code = "measurement"


class MaskMismatchError(InputError):
    """A reader's mask does not belong to the scan, or does not say what it shows.

    Attributes
    ----------
    reason : str
        Stable word for machines: one of `lesionseg.readings.masks.Misfit`.
    """

    code = "mask-mismatch"

    def __init__(self, problem: str, *, reason: str = "", **parts: str) -> None:
        super().__init__(problem, **parts)
        self.reason = reason

    def as_dict(self) -> dict[str, str]:
        """Return the parts as `LesionSegError.as_dict` does, with the reason."""
        return {**super().as_dict(), **({"reason": self.reason} if self.reason else {})}


class AnalysisError(LesionSegError):
    """The tables are sound, but the comparison that was asked for cannot be made with them."""

    code = "analysis"


class ReadingError(LesionSegError):
    """A reader's result cannot be recorded, or the readings of a trial do not give final values."""

    code = "reading"


class AuditError(LesionSegError):
    """The audit log is not what was written, cannot be appended to, or its key does not fit."""

    code = "audit"


class ExportError(LesionSegError):
    """A format that was asked for cannot be made of this case."""

    code = "export"


class OutputError(LesionSegError):
    """The results could not be written."""

    code = "output"


class OutputExistsError(OutputError):
    """The output folder already holds results."""

    code = "output-exists"


# --- archive --------------------------------------------------------------------------------------------


class PacsError(LesionSegError):
    """An archive or another DICOM node could not be used; the case names its host, never a credential."""

    code = "pacs"


class PacsConnectionError(PacsError):
    """It cannot be reached, does not answer in time, fails or breaks off; tried again before it is raised."""

    code = "pacs-unreachable"


class PacsTrustError(PacsError):
    """Its certificate is not trusted, or it sends the request on to another host."""

    code = "pacs-not-trusted"


class PacsRefusedError(PacsError):
    """It wants other credentials, or does not allow what was asked."""

    code = "pacs-refused"


class PacsAnswerError(PacsError):
    """It answers with an error, or with something that is no DICOMweb answer.

    Attributes
    ----------
    status : int or None
        HTTP status, where that is the error.
    """

    code = "pacs-answer"

    def __init__(self, problem: str, *, status: int | None = None, **parts: str) -> None:
        super().__init__(problem, **parts)
        self.status = status


class PacsContentError(PacsError):
    """What it sends is not what it said it holds: other instances, fewer, or damaged ones."""

    code = "pacs-content"


class PacsLimitError(PacsError):
    """More, or larger, than the settings allow."""

    code = "pacs-limit"


class InputWarning(UserWarning):
    """Something in the input is odd but does not change any volume; always recorded in the manifest too."""
