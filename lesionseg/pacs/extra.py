"""The optional part that archives need."""

from __future__ import annotations

from importlib.util import find_spec

from lesionseg.core.errors import MissingFeatureError


def refuse_without(*modules: str) -> None:
    """Raise where a library of the extra ``pacs`` is not installed; imports none of them.

    Raises
    ------
    MissingFeatureError
    """
    absent = [name for name in modules if find_spec(name) is None]
    if absent:
        raise MissingFeatureError(
            "what speaks with archives is not installed",
            found=f"no {', '.join(absent)}",
            remedy="Install it with pip install 'lesionseg[pacs]'",
        )
