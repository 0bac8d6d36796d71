"""Quality flags as qualitative evaluations of the whole scan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from highdicom import sr

from lesionseg.export.codes import Concept
from lesionseg.export.sr.codes import (
    COMMENT,
    NO_FLAG,
    QUALITATIVE_EVALUATIONS,
    QUALITY_FINDING,
    SEVERITIES,
    SEVERITY,
    flag_concept,
)
from lesionseg.volumetry import QualityFlag


def quality_evaluations(flags: tuple[QualityFlag, ...]) -> Any:
    """Return the container of all flags, worst first; one item says so where there is none."""
    container = sr.ContainerContentItem(
        QUALITATIVE_EVALUATIONS.as_code(), relationship_type=sr.RelationshipTypeValues.CONTAINS
    )
    container.ContentSequence = sr.ContentSequence(list(_items(flags)))
    return container


def _items(flags: tuple[QualityFlag, ...]) -> Iterator[Any]:
    if not flags:
        yield _finding(NO_FLAG)
    for flag in flags:
        item = _finding(flag_concept(flag.code))
        related = sr.RelationshipTypeValues.HAS_PROPERTIES
        severity = SEVERITIES[str(flag.severity)]
        item.ContentSequence = sr.ContentSequence(
            [
                sr.CodeContentItem(SEVERITY.as_code(), severity.as_code(), related),
                sr.TextContentItem(COMMENT.as_code(), flag.sentence, related),
            ]
        )
        yield item


def _finding(concept: Concept) -> Any:
    return sr.CodeContentItem(
        QUALITY_FINDING.as_code(), concept.as_code(), sr.RelationshipTypeValues.CONTAINS
    )
