"""A share of a work list: which scans a shard measures, decided by what a scan is and not by its place."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from lesionseg.batch.cases import BatchCase
from lesionseg.batch.names import free_name
from lesionseg.core.errors import ConfigurationError, OutputExistsError
from lesionseg.core.files import STAGING_PREFIX

SHARDS = "shards"
"""Folder below a divided batch's, with one batch folder for each shard."""
_NAME = re.compile(r"([1-9]\d*)-of-([1-9]\d*)")
_HASH_BYTES = 8
_SHOWN = 5


@dataclass(frozen=True, order=True)
class Shard:
    """One share of several.

    Attributes
    ----------
    number : int
        From 1.
    of : int
        How many shares there are.

    Raises
    ------
    ConfigurationError
        If there is no such share.
    """

    number: int
    of: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise ConfigurationError(
                "there is no such shard",
                expected="K/N with K from 1 to N, such as 1/4",
                found=str(self),
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``K/N``.

        Raises
        ------
        ConfigurationError
            If it is no such text, or K is not among 1 to N.
        """
        first, _, second = text.partition("/")
        if not (first.isdecimal() and second.isdecimal()):
            raise ConfigurationError(
                "a shard is named as K/N", expected="such as 1/4", found=text or "nothing"
            )
        return cls(int(first), int(second))

    @classmethod
    def of_folder(cls, name: str) -> Self | None:
        """Read the name of a shard's folder; None where it is none."""
        found = _NAME.fullmatch(name)
        if found is None or int(found[1]) > int(found[2]):
            return None
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def folder_name(self) -> str:
        """Name of its folder, below `SHARDS`."""
        return f"{self.number}-of-{self.of}"

    def holds(self, identity: str) -> bool:
        """Tell whether a scan belongs to this share, by the SHA-256 of its identity modulo their number.

        Neither the order of scans nor what else there is matters: a scan stays in its share when others come.
        """
        digest = hashlib.sha256(identity.encode()).digest()[:_HASH_BYTES]
        return int.from_bytes(digest, "big") % self.of == self.number - 1


@dataclass(frozen=True)
class Share:
    """What a shard takes of a work list, and what all shards of one batch must agree in.

    Attributes
    ----------
    shard : Shard
    cases : tuple of BatchCase
        In the order of the whole list, under the names that they have in it.
    scans_in_all : int
        In the whole list.
    list_sha256 : str
        Over the identities of the whole list, in any order.
    """

    shard: Shard
    cases: tuple[BatchCase, ...]
    scans_in_all: int
    list_sha256: str

    def as_dict(self) -> dict[str, Any]:
        """Return what the shard's manifest says."""
        return {
            "number": self.shard.number,
            "of": self.shard.of,
            "scans_in_all": self.scans_in_all,
            "list_sha256": self.list_sha256,
        }


def share_of(cases: Sequence[BatchCase], shard: Shard) -> Share:
    """Take a shard's share; names are made unique over the whole list, as in an undivided batch."""
    named = _with_free_names(cases)
    identities = sorted(case.identity for case in cases)
    digest = hashlib.sha256("\n".join(identities).encode()).hexdigest()
    return Share(shard, tuple(case for case in named if shard.holds(case.identity)), len(cases), digest)


def shard_folder(output: Path, shard: Shard) -> Path:
    """Return where a shard's results go, in the folder of the divided batch.

    Raises
    ------
    OutputExistsError
        If that folder holds an undivided batch, another division, or somebody's files.
    """
    shards = output / SHARDS
    present = sorted(path.name for path in _entries(output)) if output.is_dir() else []
    if present and SHARDS not in present:
        raise OutputExistsError(
            "the output folder holds no divided batch, so no shard is put there",
            case=str(output),
            found=", ".join(present[:_SHOWN]),
            remedy="Choose another folder, or go on without --shard",
        )
    others = {found.of for found in shards_in(output)} - {shard.of}
    if others:
        raise OutputExistsError(
            "the scans are divided in another way in this folder",
            case=str(shards),
            expected=f"a batch in {shard.of} shards",
            found=", ".join(f"one in {number}" for number in sorted(others)),
            remedy="Keep to the number of shards, or choose another folder",
        )
    return shards / shard.folder_name


def shards_in(output: Path) -> tuple[Shard, ...]:
    """Return the shards that were begun in the folder of a divided batch, in order."""
    folder = output / SHARDS
    if not folder.is_dir():
        return ()
    found = (Shard.of_folder(path.name) for path in _entries(folder) if path.is_dir())
    return tuple(sorted(shard for shard in found if shard is not None))


def _entries(folder: Path) -> Iterable[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith(STAGING_PREFIX))


def _with_free_names(cases: Sequence[BatchCase]) -> list[BatchCase]:
    taken: set[str] = set()
    named = []
    for case in cases:
        name = free_name(case.case_id, taken)
        taken.add(name.lower())
        named.append(replace(case, case_id=name))
    return named
