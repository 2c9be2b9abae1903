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
        ("bytes=0-1,5-6", None),  # several ranges get the whole blob, as in S3
        ("bytes=0-1, 99-", None),
    ],
)
def test_a_range_selects_bytes_of_a_blob_of_ten_bytes(header, part):
    assert requested(header, 10) == part


@pytest.mark.parametrize(
    "header", ["bytes=10-", "bytes=99-100", "bytes=5-3", "bytes=-0", "bytes=-", "bytes=x", "bytes 0-3", "items=0-1"]
)
def test_an_invalid_or_unsatisfiable_range_is_refused(header):
    with pytest.raises(Unsatisfiable) as error:
        requested(header, 10)
    assert error.value.size == 10


@pytest.mark.parametrize("header", ["bytes=0-0", "bytes=0-", "bytes=-1"])
def test_an_empty_blob_has_no_ranges(header):
    with pytest.raises(Unsatisfiable):
        requested(header, 0)
