"""Reading the settings; every complaint names the file, the key and what to do, and repeats no value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from lesionseg.core.errors import ConfigurationError, InputNotFoundError
from lesionseg.core.yaml_file import YamlKind, key_path, read_yaml
from lesionseg.pacs.settings import PacsSettings, Web, is_loopback

_DOCS: Final = "docs/pacs.md"
_SETTINGS: Final = YamlKind("the settings of the archive", "web, pull", _DOCS, ConfigurationError)
AnySettings = TypeVar("AnySettings", bound=PacsSettings)
_FILE_KEYS: Final = ("authority", "certificate", "key")


def read_settings(path: Path) -> PacsSettings:
    """Read and check the settings of an archive.

    Raises
    ------
    InputNotFoundError
        If the file is not there.
    ConfigurationError
        If it is no YAML, a key is missing, unknown, doubled or out of range, or a file that it names is not
        there. Of a key's value nothing is repeated: it might be a password in the wrong place.
    """
    return read_settings_as(PacsSettings, path)


def read_settings_as(model: type[AnySettings], path: Path) -> AnySettings:
    """Read settings with the sections that the caller needs. Raises as `read_settings` does."""
    if not path.is_file():
        raise InputNotFoundError("there are no such settings", case=str(path), remedy=f"{_DOCS} shows them")
    content = _with_full_paths(read_yaml(path, _SETTINGS), path.parent)
    try:
        settings = model.model_validate(content)
    except ValidationError as error:
        # not chained: pydantic's own words may repeat a value
        details = error.errors(include_url=False, include_input=False)
        raise as_configuration_error(details, str(path)) from None
    return settings


def loopback_settings(url: str) -> PacsSettings:
    """Return settings for an archive on this machine, with defaults for everything else.

    Raises
    ------
    ConfigurationError
        If the URL is none, or names another host.
    """
    try:
        web = Web(url=url, allow_plain_http=True)
    except ValidationError as error:
        raise as_configuration_error(error.errors(include_url=False, include_input=False), "--url") from None
    host = web.host.rsplit(":", 1)[0] if not web.host.endswith("]") else web.host
    if not is_loopback(host):
        raise ConfigurationError(
            "without settings only archives on this machine are spoken to",
            case=web.host,
            expected="a loopback address such as http://127.0.0.1:8042/dicom-web",
            remedy=f"Write the URL into a settings file and pass it with --settings; {_DOCS} shows one",
        )
    return PacsSettings(web=web)


def _with_full_paths(content: Any, folder: Path) -> Any:
    """Let every file of a `tls` section start from the folder of the settings, and be there."""
    if isinstance(content, Mapping):
        return {str(key): _full_path(str(key), value, folder) for key, value in content.items()}
    return content


def _full_path(key: str, value: Any, folder: Path) -> Any:
    if key not in _FILE_KEYS or not isinstance(value, str):
        return _with_full_paths(value, folder)
    path = folder / Path(value).expanduser()
    if not path.is_file():
        raise ConfigurationError(
            f"the file that {key} names is not there",
            case=str(path),
            remedy="Name a PEM file, from the folder of the settings on or with its whole path",
        )
    return path


def as_configuration_error(
    details: list[ErrorDetails], case: str, described_in: str = _DOCS
) -> ConfigurationError:
    """Return one error for all that pydantic found in a file, without the values."""
    lines = [_sentence(detail) for detail in details]
    problem = lines[0] if len(lines) == 1 else f"{len(lines)} faults\n" + "\n".join(lines)
    return ConfigurationError(problem, case=case, remedy=f"{described_in} describes every key and its range")


def _sentence(detail: ErrorDetails) -> str:
    key = key_path(detail["loc"])
    start = f"{key}: " if key else ""
    if detail["type"] == "extra_forbidden":
        return f"{start}there is no such key"
    if detail["type"] == "missing":
        return f"{start}this key is missing"
    words = detail["msg"].removeprefix("Value error, ")
    return start + words[:1].lower() + words[1:]
