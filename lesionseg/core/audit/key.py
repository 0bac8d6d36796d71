"""A secret with which records are signed, so that nobody without it can write a log that verifies."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from pathlib import Path

from lesionseg.core.errors import AuditError, InputNotFoundError

MINIMUM_BYTES = 32
"""As long as the hash itself: RFC 2104, section 3, discourages shorter keys."""
_IDENTIFIER_CHARACTERS = 16


@dataclass(frozen=True)
class AuditKey:
    """The secret bytes; never shown."""

    secret: bytes = field(repr=False)

    @property
    def identifier(self) -> str:
        """What tells keys apart without giving anything away: a code made with the key of a fixed text."""
        return self.code("identifier", "")[:_IDENTIFIER_CHARACTERS]

    def code(self, purpose: str, text: str) -> str:
        """Hex HMAC-SHA256 (RFC 2104) of a text; codes for one purpose are of no use for another."""
        return hmac.new(self.secret, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()

    def fits(self, purpose: str, text: str, code: str) -> bool:
        """Whether `code` was made with this key."""
        return hmac.compare_digest(self.code(purpose, text).encode(), code.encode())


def read_key(path: Path) -> AuditKey:
    """Read a key: all bytes of the file, a line end at its end apart.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    AuditError
        If it cannot be read or is too short to be a secret.
    """
    if not path.is_file():
        raise InputNotFoundError("there is no such key file", case=str(path))
    try:
        secret = path.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise AuditError(
            "the key cannot be read", case=str(path), found=error.strerror or str(error)
        ) from error
    if len(secret) < MINIMUM_BYTES:
        raise AuditError(
            "the key is too short",
            case=str(path),
            expected=f"at least {MINIMUM_BYTES} bytes",
            found=str(len(secret)),
            remedy="Make one with: openssl rand -hex 32 > audit.key; chmod 600 audit.key",
        )
    return AuditKey(secret)
