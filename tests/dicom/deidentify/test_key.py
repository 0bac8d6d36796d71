"""The key file: made once, for its owner alone, long enough, never overwritten."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from lesionseg.core.errors import ConfigurationError, InputNotFoundError, OutputError, OutputExistsError
from lesionseg.dicom.deidentify import new_key, read_key

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_new_key_is_random_for_its_owner_alone_and_reads_back(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == key
    assert len(key.secret) == 32
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert new_key(tmp_path / "other") != key


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key")
    with pytest.raises(OutputExistsError):
        new_key(tmp_path / "key")
    assert read_key(tmp_path / "key") == key


def test_a_key_is_not_shown(tmp_path: Path) -> None:
    key = new_key(tmp_path / "key")
    assert key.secret.hex() not in repr(key) + key.fingerprint
    assert str(key.secret) not in repr(key)


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_key_that_others_may_use_is_refused(mode: int, tmp_path: Path) -> None:
    path = write(tmp_path / "key", os.urandom(32).hex(), mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        read_key(path)


@pytest.mark.parametrize(
    "text", ["", "ab" * 31, "ab" * 32, "correct horse battery staple", "zz" * 32, "00" * 64, "é" * 64]
)
def test_a_short_or_guessable_key_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--new-key") as caught:
        read_key(write(tmp_path / "key", text))
    assert not text or text not in str(caught.value)


def test_an_absent_key_is_not_made_by_the_way(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match="--new-key"):
        read_key(tmp_path / "key")
    assert not (tmp_path / "key").exists()


def test_a_key_in_a_folder_that_is_not_there_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        new_key(tmp_path / "absent" / "key")
