"""The optional part that clusters need."""

from __future__ import annotations

from importlib.util import find_spec

from lesionseg.core.errors import MissingFeatureError


def refuse_without_ray() -> None:
    """Raise where the extra ``cluster`` is not installed; Ray is not imported.

    Raises
    ------
    MissingFeatureError
    """
    if find_spec("ray") is None:
        raise MissingFeatureError(
            "what directs a cluster is not installed",
            found="no ray",
            remedy="Install it with pip install 'lesionseg[cluster]', on every machine of the cluster",
        )
