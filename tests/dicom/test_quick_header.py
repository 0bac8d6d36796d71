"""The pass over a file's first bytes finds what the strict walk finds, or leaves the file to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, Sequence
from pydicom.uid import ImplicitVRLittleEndian

from lesionseg.core.errors import UnreadableFileError
from lesionseg.dicom import file_header
from lesionseg.dicom.file_header import FileHeader, StrayFile, read_file_header
from tests.support.ct_series import Series, save
from tests.support.encode import ENCODABLE_SYNTAXES, encode
from tests.support.enhanced_series import enhanced_dataset
from tests.support.mutation import mutate, phantom_sources

Read = Callable[[Path], "FileHeader | StrayFile | str"]


@pytest.fixture
def read_strictly(monkeypatch: pytest.MonkeyPatch) -> Read:
    def read(path: Path) -> FileHeader | StrayFile | str:
        with monkeypatch.context() as patched:
            patched.setattr(file_header, "_read_quickly", lambda *_: None)
            return outcome(path)

    return read


def outcome(path: Path) -> FileHeader | StrayFile | str:
    try:
        return read_file_header(path)
    except UnreadableFileError as error:
        return str(error)


def comparable(found: FileHeader | StrayFile | str) -> object:
    if not isinstance(found, FileHeader):
        return found
    facts = {name: getattr(found, name) for name in FileHeader.__slots__}
    return facts | {"damage": str(found.damage)}


def is_quick(path: Path) -> bool:
    head = path.read_bytes()[: file_header.QUICK_BYTES]
    return file_header._read_quickly(head, 132, path, path.stat().st_size) is not None


@pytest.mark.parametrize("syntax", ENCODABLE_SYNTAXES, ids=lambda uid: uid.name)
def test_every_encoding_has_the_header_of_the_strict_walk(
    syntax: str, small: Series, tmp_path: Path, read_strictly: Read
) -> None:
    path = save(encode(small.datasets()[2], syntax), tmp_path / "one.dcm")
    assert comparable(outcome(path)) == comparable(read_strictly(path))


def test_ordinary_files_are_read_in_one_pass(small: Series, tmp_path: Path) -> None:
    assert is_quick(small.paths[2])
    assert is_quick(save(encode(small.datasets()[2], ImplicitVRLittleEndian), tmp_path / "implicit.dcm"))


def with_sequence(dataset: Dataset, *, undefined_length: bool) -> Dataset:
    item = Dataset()
    item.ReferencedSOPInstanceUID = "1.2.3"
    dataset.ReferencedImageSequence = Sequence([item])
    dataset["ReferencedImageSequence"].is_undefined_length = undefined_length
    return dataset


@pytest.mark.parametrize("undefined_length", [False, True])
def test_sequences_are_passed_over_or_left_to_the_walk(
    undefined_length: bool,
    small: Series,
    tmp_path: Path,
    read_strictly: Read,
) -> None:
    dataset = with_sequence(small.datasets()[2], undefined_length=undefined_length)
    path = save(dataset, tmp_path / "one.dcm")
    assert is_quick(path) is not undefined_length
    assert comparable(outcome(path)) == comparable(read_strictly(path))


@pytest.mark.parametrize("length", [100, 20_000, 40_000])
def test_long_private_headers_are_read_whole(
    length: int, small: Series, tmp_path: Path, read_strictly: Read
) -> None:
    dataset = small.datasets()[2]
    dataset.private_block(0x0009, "LESIONSEG", create=True).add_new(1, "OB", b"\1" * length)
    path = save(dataset, tmp_path / "one.dcm")
    found = outcome(path)
    assert isinstance(found, FileHeader)
    assert comparable(found) == comparable(read_strictly(path))
    assert is_quick(path) is (length < 30_000)


def test_an_enhanced_file_is_left_to_the_walk(small: Series, tmp_path: Path, read_strictly: Read) -> None:
    path = save(enhanced_dataset(small.volume), tmp_path / "enhanced.dcm")
    assert not is_quick(path)
    assert comparable(outcome(path)) == comparable(read_strictly(path))


def test_a_thousand_damaged_files_have_the_header_of_the_strict_walk(
    tmp_path: Path, read_strictly: Read
) -> None:
    sources = [content for source in phantom_sources(tmp_path) for _, content in source.files[:2]]
    path, quick = tmp_path / "damaged.dcm", 0
    for number in range(1000):
        rng = np.random.default_rng(number)
        path.write_bytes(mutate(sources[number % len(sources)], rng)[0])
        assert comparable(outcome(path)) == comparable(read_strictly(path)), number
        quick += is_quick(path)
    assert 100 < quick < 900
