"""The secret key: whoever has it can make the same pseudonyms again, nobody else can."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lesionseg.core.errors import ConfigurationError, InputNotFoundError, OutputError, OutputExistsError

KEY_BYTES: Final = 32
"""As long as the hash, below which RFC 2104 section 3 discourages keys."""
_LEAST_DIFFERENT_BYTES: Final = 16
"""32 random bytes hold about 30 different ones, repeated words far fewer."""
_FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """A secret of at least `KEY_BYTES` bytes; never printed.

    Attributes
    ----------
    secret : bytes
    """

    secret: bytes = field(repr=False)

    def digest(self, purpose: str, *parts: str) -> bytes:
        """HMAC-SHA256 of the parts, different for every purpose; 32 bytes."""
        message = json.dumps([purpose, *parts], ensure_ascii=True).encode("ascii")
        return hmac.new(self.secret, message, hashlib.sha256).digest()

    @property
    def fingerprint(self) -> str:
        """Tells whether two runs used the same key, and nothing about the key."""
        return self.digest("fingerprint").hex()[:16]


def new_key(path: Path) -> PseudonymKey:
    """Write a random key to a file that is not there yet and that only its owner may read.

    Raises
    ------
    OutputExistsError
        If there is something at `path`: a key that is lost cannot be made again.
    OutputError
        If the file cannot be written.
    """
    secret = secrets.token_bytes(KEY_BYTES)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise OutputExistsError(
            "there is a file already, and a key is never overwritten",
            case=str(path),
            remedy="Leave out --new-key to use it, or name another file",
        ) from error
    except OSError as error:
        raise _not_written(path, error) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(secret.hex().encode("ascii") + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _not_written(path, error) from error
    return PseudonymKey(secret)


def read_key(path: Path) -> PseudonymKey:
    """Read a key as `new_key` writes it: at least 64 hexadecimal digits.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    ConfigurationError
        If others may read the file, or it holds no key, or a weak one.
    """
    if not path.is_file():
        raise InputNotFoundError(
            "there is no key file", case=str(path), remedy="Correct the path, or pass --new-key to make one"
        )
    _refuse_shared(path)
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii"))
    except OSError as error:
        raise ConfigurationError(
            "the key cannot be read", case=str(path), found=error.strerror or str(error)
        ) from error
    except ValueError as error:
        raise _no_key(path, "something else") from error
    if len(secret) < KEY_BYTES:
        raise _no_key(path, f"{2 * len(secret)} digits")
    if len(set(secret)) < _LEAST_DIFFERENT_BYTES:
        raise _no_key(path, "digits that repeat and can be guessed")
    return PseudonymKey(secret)


def _refuse_shared(path: Path) -> None:
    if os.name != "posix":
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _FOR_OTHERS:
        raise ConfigurationError(
            "others may read the key file",
            case=str(path),
            expected="mode 600",
            found=f"mode {mode:o}",
            remedy=f"chmod 600 {path}, and make a new key if somebody may have read this one",
        )


def _no_key(path: Path, found: str) -> ConfigurationError:
    return ConfigurationError(
        "the file holds no usable key",
        case=str(path),
        expected=f"at least {2 * KEY_BYTES} random hexadecimal digits",
        found=found,
        remedy="Make one with --new-key",
    )


def _not_written(path: Path, error: OSError) -> OutputError:
    return OutputError("the key could not be written", case=str(path), found=error.strerror or str(error))
