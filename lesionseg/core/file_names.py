"""Names of subjects and visits as names of files."""

from __future__ import annotations

import hashlib
import re

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_LONGEST = 50
_HASH_CHARACTERS = 6


def safe_file_name(text: str) -> str:
    """Return a file name for any text: the text itself where every file system takes it.

    What is changed or shortened gets a hash of the text behind it, so that two texts never share a name.
    """
    if _SAFE.fullmatch(text) and not text.endswith("."):
        return text
    kept = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:_LONGEST]
    digest = hashlib.sha256(text.encode()).hexdigest()[:_HASH_CHARACTERS]
    return f"{kept}-{digest}" if kept else digest


def plain_words(text: str) -> str:
    """Return a text as part of a file name, without a hash: not unique, for names made unique otherwise."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:_LONGEST]
