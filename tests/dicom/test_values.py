"""Raw element bytes become values, or nothing where they are malformed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lesionseg.dicom.elements import Element
from lesionseg.dicom.values import decimal, decimals, is_valid_uid, offsets, text, texts, unsigned, whole

TAG = 0x00200032


def one(value: bytes, vr: str = "DS", *, little_endian: bool = True) -> dict[int, Element]:
    return {TAG: Element(vr, value, little_endian)}


def test_absent_elements_give_nothing() -> None:
    assert text({}, TAG) == ""
    assert texts({}, TAG) == ()
    assert decimal({}, TAG) is None
    assert unsigned({}, TAG) is None
    assert offsets({}, TAG) == ()


@pytest.mark.parametrize(
    "raw", [b"nan", b"inf", b"1e400", b"1_0", b"0x10", b"", b"1,5", b"one", b"--1", b"1\\2"]
)
def test_what_is_no_single_finite_decimal_gives_nothing(raw: bytes) -> None:
    assert decimal(one(raw), TAG) is None


@pytest.mark.parametrize(
    ("raw", "number"), [(b" -1.5e2 ", -150.0), (b"+.5\0", 0.5), (b"7.", 7.0), (b"0001", 1.0)]
)
def test_decimals_are_read_with_their_padding(raw: bytes, number: float) -> None:
    assert decimal(one(raw), TAG) == number


def test_numbers_stored_as_binary_floats_are_read() -> None:
    assert decimals(one(struct.pack("<2d", 0.5, 0.25), "FD"), TAG, 2) == (0.5, 0.25)
    assert decimals(one(struct.pack(">2d", 0.5, 0.25), "FD", little_endian=False), TAG, 2) == (0.5, 0.25)
    assert decimals(one(b"\0" * 7, "FD"), TAG, 1) is None


def test_a_wrong_count_gives_nothing() -> None:
    assert decimals(one(b"1\\2"), TAG, 3) is None


def test_unsigned_integers_follow_byte_order_and_length() -> None:
    assert unsigned(one(b"\x00\x02", "US"), TAG) == 512
    assert unsigned(one(b"\x00\x02", "US", little_endian=False), TAG) == 2
    assert unsigned(one(b"\x01\0\0\0", "UL"), TAG) == 1
    assert unsigned(one(b"\x01\0\0", "US"), TAG) is None


def test_integer_strings_must_be_whole() -> None:
    assert whole(one(b"40", "IS"), TAG) == 40
    assert whole(one(b"40.5", "IS"), TAG) is None


def test_text_is_utf8_or_latin1() -> None:
    assert text(one("Müller".encode()), TAG) == "Müller"
    assert text(one("Müller".encode("latin-1")), TAG) == "Müller"


def test_offset_tables_are_whole_words() -> None:
    assert offsets(one(struct.pack("<2Q", 0, 700)), TAG) == (0, 700)
    assert offsets(one(b"\0" * 12), TAG) == ()


@pytest.mark.parametrize(
    ("uid", "valid"),
    [("1.2.840.10008", True), ("2.25.5534536325", True), ("7afb0d48-ec01", False), ("1.02.3", False),
     ("1." + "2" * 70, False), ("1.2.", False), ("", False)],
)  # fmt: skip
def test_uid_syntax(uid: str, valid: bool) -> None:
    assert is_valid_uid(uid) is valid


@given(st.binary(max_size=40), st.sampled_from(["DS", "FD", "FL", "US", "UI", ""]))
def test_any_bytes_give_a_value_or_nothing(raw: bytes, vr: str) -> None:
    elements = one(raw, vr)
    text(elements, TAG)
    texts(elements, TAG)
    number = decimal(elements, TAG)
    assert number is None or abs(number) < float("inf")
    assert unsigned(elements, TAG) is None or len(raw) in (2, 4)
