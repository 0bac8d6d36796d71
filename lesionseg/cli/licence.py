"""The note on stderr that a model bundle must not be used commercially."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lesionseg.cli.screen import Screen

if TYPE_CHECKING:
    from lesionseg.segmentation import ModelBundle


def note_licence(screen: Screen, bundle: ModelBundle | None) -> None:
    """Say it if the bundle's metadata forbid commercial use; the manifest records it as well.

    Parameters
    ----------
    screen : Screen
    bundle : ModelBundle or None
        None where a segmenter has no bundle.
    """
    if bundle is not None and not bundle.metadata.commercial_use:
        screen.caution(
            f"NON-COMMERCIAL USE ONLY: the licence of the model bundle {bundle.name} forbids commercial use "
            f"({bundle.metadata.license})"
        )
