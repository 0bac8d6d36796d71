"""YAML from people: read without code, no key twice, and told where a key stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lesionseg.core.errors import LesionSegError

_SHOWN_CHARACTERS = 80


@dataclass(frozen=True)
class YamlKind:
    """What a file is called in complaints, and where a whole one is shown.

    Attributes
    ----------
    name : str
        Such as ``the plan``.
    keys : str
        Some that it holds, for a file that holds none.
    shown_in : str
        Document with a whole example.
    error : type of LesionSegError
        Raised for every fault.
    """

    name: str
    keys: str
    shown_in: str
    error: type[LesionSegError]


class _Loader(yaml.SafeLoader):
    """YAML without code, which refuses a key given twice: the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key} stands twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return dict(super().construct_mapping(node, deep=deep))


def read_yaml(path: Path, kind: YamlKind) -> Mapping[Any, Any]:
    """Read a file that holds keys; UTF-8, with or without byte order mark.

    Raises
    ------
    LesionSegError
        Of the class that `kind` names, if it cannot be read, is no YAML, gives a key twice or holds no keys.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError, OSError, TypeError) as error:
        raise kind.error(
            "this is not a readable YAML file",
            case=str(path),
            found=" ".join(str(error).split()),
            remedy=f"Correct that line; {kind.shown_in} shows {kind.name} as a whole",
        ) from error
    if not isinstance(content, Mapping):
        raise kind.error(
            f"{kind.name} holds no keys",
            case=str(path),
            expected=f"keys such as {kind.keys}",
            found=type(content).__name__,
            remedy=f"{kind.shown_in} shows {kind.name} as a whole",
        )
    return content


def key_path(parts: Sequence[int | str]) -> str:
    """Return where a key stands: ``endpoints[0].visit``."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def shown(value: object) -> str:
    """Return a value as complaints quote it, cut off where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + " …"
