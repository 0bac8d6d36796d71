"""The flag of a scan that is unlike those its network is known to handle, in words a radiologist uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

from lesionseg.core.confidence import Confidence, ScanFigure


@dataclass(frozen=True)
class _Judged:
    """A figure whose range is known."""

    value: float
    low: float
    high: float

    @property
    def is_above(self) -> bool:
        return self.value > self.high


def _noise(figure: _Judged) -> str:
    return (
        f"the image is {figure.value / max(figure.high, 0.1):.1f} times as noisy as the noisiest of them "
        f"({figure.value:.0f} against {figure.high:.0f} HU)"
    )


def _lung_hu(figure: _Judged) -> str:
    cause = (
        "wrong rescaling, shallow breath, or disease that the labels miss"
        if figure.is_above
        else "wrong rescaling, emphysema, or gas that is not lung"
    )
    return (
        f"the lung without lesion lies at {figure.value:.0f} HU "
        f"(there {figure.low:.0f} to {figure.high:.0f}): {cause}"
    )


def _tissue_hu(figure: _Judged) -> str:
    return (
        f"muscle and blood lie at {figure.value:.0f} HU (there {figure.low:.0f} to {figure.high:.0f}): "
        "the Hounsfield scale may be wrong"
    )


def _roughness(figure: _Judged) -> str:
    shape = "more ragged" if figure.is_above else "smoother"
    return f"the lungs found are {shape} in shape: look for bowel gas, or lung that was lost"


def _jumps(figure: _Judged) -> str:
    return (
        "the borders of body and lung jump to and fro between slices "
        f"({figure.value:.0f} % against at most {figure.high:.0f} %): the patient moved, or slices "
        "are out of order"
    )


def _step(figure: _Judged) -> str:
    return (
        f"somewhere the image changes {figure.value:.1f} times as much from slice to slice as elsewhere in "
        f"the scan (there at most {figure.high:.1f} times): the patient breathed or moved during the scan"
    )


def _unsure_lesion(figure: _Judged) -> str:
    return (
        "the network is unsure what is lesion, over a rim of "
        f"{figure.value:.1f} mm around it (there at most {figure.high:.1f} mm)"
    )


def _unsure_border(figure: _Judged) -> str:
    return (
        "the network is unsure where the lung ends, over a rim of "
        f"{figure.value:.1f} mm (there at most {figure.high:.1f} mm)"
    )


SENTENCES: MappingProxyType[str, tuple[str, Callable[[_Judged], str]]] = MappingProxyType(
    {
        "noise_hu": ("noise", _noise),
        "lung_hu": ("HU of the lung", _lung_hu),
        "tissue_hu": ("HU of muscle and blood", _tissue_hu),
        "lung_roughness": ("shape of the lungs", _roughness),
        "slice_jumps_pct": ("motion between slices", _jumps),
        "slice_step_ratio": ("a jump between slices", _step),
        "unsure_lesion_mm": ("unsure lesion", _unsure_lesion),
        "unsure_border_mm": ("unsure lung border", _unsure_border),
    }
)
"""Short name and sentence of every figure."""


def unusual_sentence(confidence: Confidence, least_excess: float) -> str:
    """Say what is unusual, the worst figure in a sentence and the others by name.

    Parameters
    ----------
    confidence : Confidence
        Whose worst figure has an excess.
    least_excess : float
        From which other figures are named too.
    """
    ranked = sorted(
        (figure for figure in confidence.figures if (figure.excess or 0.0) >= least_excess),
        key=lambda figure: -(figure.excess or 0.0),
    )
    sentence = "This scan is unlike those the network is known to handle: " + _describe(ranked[0])
    others = ", ".join(SENTENCES[figure.name][0] for figure in ranked[1:] if figure.name in SENTENCES)
    return f"{sentence}. Also unusual: {others}." if others else f"{sentence}."


def _describe(figure: ScanFigure) -> str:
    if figure.name not in SENTENCES or figure.low is None or figure.high is None:
        return f"{figure.name} is {figure.value:.3g}"
    return SENTENCES[figure.name][1](_Judged(figure.value, figure.low, figure.high))
