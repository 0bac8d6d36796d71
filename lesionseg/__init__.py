"""lesionseg: lung lesion volumes on chest CT as trial endpoints.

The names below load their rooms on first use, so that ``import lesionseg`` is instant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lesionseg.dicom import load_series
    from lesionseg.export.seg import write_seg
    from lesionseg.export.sr import write_sr
    from lesionseg.longitudinal import pair_visits
    from lesionseg.segmentation import load_bundle
    from lesionseg.statistics import analyze_trial
    from lesionseg.volumetry import measure
    from lesionseg.workflow.loading import load_volume
    from lesionseg.workflow.segmenting import segment
    from lesionseg.workflow.trial.run import run_trial

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "analyze_trial",
    "load_bundle",
    "load_series",
    "load_volume",
    "measure",
    "pair_visits",
    "run_trial",
    "segment",
    "write_seg",
    "write_sr",
]

_HOMES = {
    "analyze_trial": "lesionseg.statistics",
    "load_bundle": "lesionseg.segmentation",
    "load_series": "lesionseg.dicom",
    "load_volume": "lesionseg.workflow.loading",
    "measure": "lesionseg.volumetry",
    "pair_visits": "lesionseg.longitudinal",
    "run_trial": "lesionseg.workflow.trial.run",
    "segment": "lesionseg.workflow.segmenting",
    "write_seg": "lesionseg.export.seg",
    "write_sr": "lesionseg.export.sr",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
