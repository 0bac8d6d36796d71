import pytest
from pydicom.uid import UID

from lesionseg.dicom.uids import derived_uid, valid_uid


@pytest.mark.parametrize("uid", ["1.02.3", "not a uid", "1." * 40, "0a1b2c3d-0000-4000", ""])
def test_uid_that_is_not_allowed_is_replaced_by_one_that_is_always_the_same(uid: str) -> None:
    assert valid_uid(uid) != uid
    assert UID(valid_uid(uid)).is_valid
    assert valid_uid(uid) == valid_uid(uid)


def test_valid_uid_stays() -> None:
    assert valid_uid("1.2.840.10008.1.1") == "1.2.840.10008.1.1"


def test_derived_uids_tell_their_parts_apart() -> None:
    assert derived_uid("a", "bc") != derived_uid("ab", "c")
    assert UID(derived_uid("a")).is_valid
