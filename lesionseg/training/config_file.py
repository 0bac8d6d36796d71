"""Reading a training configuration; every complaint names the file, the key and what to do."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from lesionseg.core.errors import ConfigurationError, InputNotFoundError
from lesionseg.core.yaml_file import YamlKind, key_path, read_yaml, shown
from lesionseg.training import config as models
from lesionseg.training.sampling import BatchSettings

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
_MISSING = ("missing", "missing_argument")
_CONFIGURATION = YamlKind(
    "the configuration", "seed, bundle, data, stages", "docs/training.md", ConfigurationError
)


def read_config(path: Path, *, data_root: Path | None = None) -> models.TrainingConfig:
    """Read and check a YAML configuration; paths in it are made whole.

    Parameters
    ----------
    path : Path
    data_root : Path, optional
        Folder that ``image``, ``lung`` and ``folder`` are relative to; the configuration's own if left out.
        The card and a bundle to start from are always relative to the configuration.

    Raises
    ------
    InputNotFoundError
        If the file or the data root is not there.
    ConfigurationError
        If it is no YAML, or a key is missing, unknown or out of range, or names a path that is not there.
    """
    folder = path.parent
    for wanted in (path, data_root or folder):
        if not wanted.exists():
            raise InputNotFoundError("there is no such file or folder", case=str(wanted))
    content = read_yaml(path, _CONFIGURATION)
    context = {"folder": folder, "data_root": data_root or folder}
    try:
        config = models.TrainingConfig.model_validate(content, context=context)
    except ValidationError as error:
        raise _as_configuration_error(path, error) from error
    return _with_start_folder(config, folder)


def _with_start_folder(config: models.TrainingConfig, folder: Path) -> models.TrainingConfig:
    """Take a bundle that lies beside the configuration before an installed one of that name."""
    if config.start_from is None or not (folder / config.start_from).is_dir():
        return config
    return config.model_copy(update={"start_from": str(folder / config.start_from)})


def _as_configuration_error(path: Path, error: ValidationError) -> ConfigurationError:
    details = error.errors(include_url=False)
    first = details[0]
    others = f" ({len(details) - 1} more to come)" if len(details) > 1 else ""
    key = key_path(first["loc"])
    return ConfigurationError(
        f"{key or 'the file'}: {_problem(first)}{others}",
        case=str(path),
        found=_found(first),
        remedy=_remedy(first),
    )


def _problem(detail: ErrorDetails) -> str:
    if detail["type"] in _UNKNOWN:
        return "there is no such key"
    if detail["type"] in _MISSING:
        return "this key is missing"
    words = detail["msg"].removeprefix("Value error, ")
    return words[:1].lower() + words[1:]


def _found(detail: ErrorDetails) -> str:
    if detail["type"] in (*_UNKNOWN, *_MISSING, "value_error", models.ABSENT_PATH):
        return ""
    return shown(detail["input"])


def _remedy(detail: ErrorDetails) -> str:
    if detail["type"] in _UNKNOWN:
        near = difflib.get_close_matches(str(detail["loc"][-1]), sorted(set(_known_keys())), n=1)
        return f"Did you mean {near[0]}?" if near else "Remove it, or see docs/training.md for its name"
    if detail["type"] in _MISSING:
        return "Add it; docs/training.md says what it means"
    if detail["type"] == models.ABSENT_PATH:
        return "Correct the path, or name the folder that data paths are relative to with --data-root"
    return "docs/training.md lists every key and its range"


def _known_keys() -> Iterator[str]:
    for model in vars(models).values():
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from model.model_fields
    yield from _keys_within(models.Stage(batches=BatchSettings()))


def _keys_within(settings: Any) -> Iterator[str]:
    for field in dataclasses.fields(settings):
        yield field.name
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from _keys_within(value)
