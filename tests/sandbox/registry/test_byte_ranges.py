"""The bytes of a blob that a Range header selects (RFC 9110, section 14)."""

import pytest

from ecr_sandbox.registry.byte_ranges import Unsatisfiable, requested


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("", None),
        ("bytes=", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=0-0,", (0, 1)),
        ("bytes=3-", (3, 7)),
        ("bytes=3-99", (3, 7)),
        ("bytes=-3", (7, 3)),
        ("bytes=-99", (0, 10)),
        ("bytes= 2 - 3", (2, 2)),
        ("Bytes=0-1", (0, 2)),  # range units are case-insensitive
        ("bytes=0-" + "9" * 4000, (0, 10)),
    ],
)
def test_a_range_selects_bytes_of_a_blob_of_ten_bytes(header, part):
    assert requested(header, 10) == part


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=0-1, 99-", "bytes=99-,100-", "bytes=-1,-2"])
def test_several_ranges_get_the_whole_blob(header):
    """S3: "Amazon S3 doesn't support retrieving multiple ranges of data per GET request" (API_GetObject)."""
    assert requested(header, 10) is None


@pytest.mark.parametrize("header", ["items=0-1", "bytes", "bytes 0-3", "lines=99-", "bytes=x", "bytes=-", "bytes=5-3"])
def test_an_unknown_unit_and_an_invalid_range_are_ignored(header):
    """RFC 9110, section 14.2: a server "MUST ignore" an unknown unit, and "MAY ignore" an invalid range."""
    assert requested(header, 10) is None


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=99-100", "bytes=-0", "bytes=" + "9" * 4000 + "-"])
def test_an_unsatisfiable_range_is_refused(header):
    with pytest.raises(Unsatisfiable) as error:
        requested(header, 10)
    assert error.value.size == 10


@pytest.mark.parametrize("header", ["bytes=0-0", "bytes=0-", "bytes=-1"])
def test_an_empty_blob_has_no_ranges(header):
    with pytest.raises(Unsatisfiable):
        requested(header, 0)
