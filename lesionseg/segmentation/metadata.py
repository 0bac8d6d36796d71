"""What a bundle's ``metadata.json`` says: the network, how to prepare its input, what it was trained on.

Every number that shapes a result lives here, in the bundle, so that the same code runs any bundle. Unknown
keys are refused: a misspelt setting must not be silently ignored.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from lesionseg.core.labels import DEFAULT_SCHEME

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Length = Annotated[int, Field(ge=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NetworkSpec(_Frozen):
    """Which network class to build, and with which arguments.

    Attributes
    ----------
    class_name : str
        A name in `lesionseg.segmentation.network.NETWORK_CLASSES`.
    arguments : dict
        Keyword arguments of that class, as JSON values.
    """

    class_name: str
    arguments: dict[str, JsonValue]


class PreprocessingSpec(_Frozen):
    """How Hounsfield units become the network's input.

    Attributes
    ----------
    window_hu : (float, float)
        Values are clipped to this range, HU.
    scaled_to : (float, float)
        Where the ends of the window are mapped to, linearly.
    in_plane_spacing_mm : float
        Row and column spacing of the working grid (met to within half a voxel over the whole field of view).
    slice_spacing_mm : (float, float)
        Slices spaced within this range are kept as they are; thinner ones are averaged to the lower end,
        thicker ones interpolated to the upper end.
    """

    window_hu: tuple[Finite, Finite]
    scaled_to: tuple[Finite, Finite] = (-1.0, 1.0)
    in_plane_spacing_mm: Positive
    slice_spacing_mm: tuple[Positive, Positive]

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        for name in ("window_hu", "scaled_to", "slice_spacing_mm"):
            low, high = getattr(self, name)
            if not low < high:
                raise ValueError(f"{name}: the first value must be the smaller one")
        return self


class WindowSpec(_Frozen):
    """How the network is moved over the volume.

    Attributes
    ----------
    shape : (int, int, int)
        Largest window in voxels of the working grid, (slices, rows, columns); smaller where that fits.
    divisor : (int, int, int)
        The network takes only shapes that these divide (the product of its strides).
    overlap : float
        Share of the window that neighbouring windows have in common, 0 to 0.75.
    weighting : {"gaussian", "uniform"}
        How overlapping windows are averaged; "gaussian" trusts a window's centre more than its rim.
    """

    shape: tuple[Length, Length, Length]
    divisor: tuple[Length, Length, Length]
    overlap: Annotated[float, Field(ge=0, le=0.75)] = 0.25
    weighting: Literal["gaussian", "uniform"] = "gaussian"

    @model_validator(mode="after")
    def _check_divisible(self) -> Self:
        if any(length % step for length, step in zip(self.shape, self.divisor, strict=True)):
            raise ValueError("shape: every length must be a multiple of its divisor")
        return self


class TrainingSource(_Frozen):
    """One set of data that went into the weights.

    Attributes
    ----------
    name, license, use : str
        What it is, under which licence, and what was done with it.
    """

    name: str
    license: str
    use: str = ""


class FigureRange(_Frozen):
    """Smallest and largest value of one figure over the reference scans."""

    low: Finite
    high: Finite

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.low > self.high:
            raise ValueError("low must not be larger than high")
        return self


class ReferenceRanges(_Frozen):
    """What scans look like that the bundle is known to handle; see docs/measurements.md.

    Attributes
    ----------
    weights_sha256 : str
        Of the weights they were measured with; with other weights they are not used.
    source : str
        Which scans, and how many.
    figures : dict of str to FigureRange
        By the names in `lesionseg.segmentation.scan_figures.FIGURES`.
    lesion_margin_factor, solid_margin_factor : float
        By which the interval around a proportion is stretched.
    margin_basis : str
        What the stretched interval then covers, and of which cases.
    """

    weights_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    source: str
    figures: dict[str, FigureRange]
    lesion_margin_factor: Positive = 1.0
    solid_margin_factor: Positive = 1.0
    margin_basis: str


class ModelMetadata(_Frozen):
    """Everything in ``metadata.json``.

    Attributes
    ----------
    format_version : int
        Version of this layout.
    name, version : str
        Identify the bundle in manifests; the name is also its folder's name.
    summary, intended_use, license : str
        For people. `license` is that of the weights.
    commercial_use : bool
        Whether the weights' licence allows commercial use. Where it does not, everything that runs the bundle
        says so, and the manifest records it.
    solid_convention : str
        What the training data called solid component (label 3).
    labels : tuple of str
        Meaning of the output channels; must be the label scheme's names.
    network, preprocessing, window
        See their classes.
    training_data : tuple of TrainingSource
        All data the weights have seen.
    training : dict
        Free record of how training went: seed, steps, code version, scores.
    reference_ranges : ReferenceRanges, optional
        Against which a scan is judged as usual or unusual; without them it is not judged.
    """

    format_version: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
    version: str
    summary: str
    intended_use: str
    license: str
    commercial_use: bool = True
    solid_convention: str
    labels: tuple[str, ...] = DEFAULT_SCHEME.names
    network: NetworkSpec
    preprocessing: PreprocessingSpec
    window: WindowSpec
    training_data: tuple[TrainingSource, ...]
    training: dict[str, JsonValue] = {}
    reference_ranges: ReferenceRanges | None = None

    @model_validator(mode="after")
    def _check_labels(self) -> Self:
        if self.labels != DEFAULT_SCHEME.names:
            raise ValueError(f"labels: must be {', '.join(DEFAULT_SCHEME.names)}")
        return self
