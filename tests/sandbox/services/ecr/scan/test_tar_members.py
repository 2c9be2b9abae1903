"""The members of an archive: the same as ``tarfile``'s, with limits on what comes before a header."""

import contextlib
import tarfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.services.ecr.scan import limits
from ecr_sandbox.services.ecr.scan.layer_reader import Unpacked
from ecr_sandbox.services.ecr.scan.limits import Budget, TooMuch
from ecr_sandbox.services.ecr.scan.tar_members import members
from tests.sandbox.bombs import long_name, member

ATTRIBUTES = {"comment": "x", "SCHILY.xattr.user.a": "b=c\nd"}


def read(archive: bytes) -> list[tuple[str, str, bytes | None]]:
    """Name, link target and content of each member."""
    budget = Budget(1 << 30, "bytes")
    found = members(Unpacked(BytesIO(archive), budget, budget))
    return [(each.name.rstrip("/"), each.target, each.open().read() if each.is_file else None) for each in found]


def by_tarfile(archive: bytes) -> list[tuple[str, str, bytes | None]]:
    with tarfile.open(fileobj=BytesIO(archive), mode="r:") as tar:
        return [
            (each.name, each.linkname, tar.extractfile(each).read() if each.isreg() and not each.issparse() else None)
            for each in tar
        ]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=300)
FILES = st.tuples(NAMES, st.sampled_from([tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE]), NAMES)


@given(
    st.lists(FILES, max_size=5),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    st.booleans(),
)
def test_members_are_those_of_tarfile(files, kind, attributes):
    archive = BytesIO()
    more = {"pax_headers": ATTRIBUTES} if attributes and files and kind == tarfile.PAX_FORMAT else {}
    with tarfile.open(fileobj=archive, mode="w", format=kind, **more) as out:
        for name, type_, text in files:
            entry = tarfile.TarInfo(name)
            entry.type = type_
            if type_ == tarfile.REGTYPE:
                entry.size = len(text.encode())
            elif type_ != tarfile.DIRTYPE:
                entry.linkname = text
            out.addfile(entry, BytesIO(text.encode()))
    assert read(archive.getvalue()) == by_tarfile(archive.getvalue())


def pax(*records: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """A pax header with these records; each gets its length, which includes itself."""
    lines = []
    for record in records:
        length = next(n for n in range(len(record) + 3, len(record) + 9) if len(b"%d %s\n" % (n, record)) == n)
        lines.append(b"%d %s\n" % (length, record))
    return member("pax", b"".join(lines), kind)


ARCHIVES = {
    "name and size in pax": pax(b"path=etc/long", b"size=2") + member("x", b"ab"),
    "name for all that follow": pax(b"path=all", kind=tarfile.XGLTYPE) + member("x", b"1") + member("y", b"2"),
    "its own name comes first": pax(b"path=all", kind=tarfile.XGLTYPE) + long_name(b"own") + member("x", b"1"),
    "the end has no mark": member("x", b"1"),
    "an empty archive": bytes(1024),
    "an unknown type has content": member("x", b"1", b"Q") + member("y", b"2"),
}


@pytest.mark.parametrize("archive", ARCHIVES.values(), ids=ARCHIVES)
def test_rare_archives(archive):
    assert [each[0] for each in read(archive)] == [each[0] for each in by_tarfile(archive)]


def test_a_sparse_file_is_passed_over():
    """GNU tar manual, "Old GNU Format": a header that is continued in further blocks."""
    header = bytearray(member("sparse", b"", tarfile.GNUTYPE_SPARSE))
    header[482] = 1
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    continued, last = bytearray(512), bytes(512)
    continued[504] = 1
    assert [each[0] for each in read(bytes(header + continued + last) + member("y", b"2"))] == ["sparse", "y"]


@pytest.mark.parametrize(
    "records", [b"x path=a\n", b"-5 path=abc\n", b"0 path=a\n", b"9\n", b"99999999999999999999999 path=a\n", b"3 a\n"]
)
def test_a_damaged_pax_header_is_an_error(records):
    with pytest.raises(tarfile.HeaderError):
        read(member("pax", records, tarfile.XHDTYPE) + member("x", b"1"))


@given(st.binary(max_size=600))
def test_any_pax_header_is_read_or_refused(records):
    with contextlib.suppress(tarfile.HeaderError, TooMuch, EOFError):
        read(member("pax", records, tarfile.XHDTYPE) + member("x", b"1"))


@pytest.mark.parametrize("size", [limits.LONGEST_HEADER + 1, 1 << 40])
@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_long_name_is_not_read(size, kind):
    entry = tarfile.TarInfo("x")
    entry.size, entry.type = size, kind
    with pytest.raises(TooMuch, match=str(size)):
        read(entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


@pytest.mark.parametrize("before", [long_name(b"a" * 4097), pax(b"path=" + b"a" * 4097, b"size=0")])
def test_a_path_is_as_long_as_linux_allows(before):
    """PATH_MAX, limits.h."""
    with pytest.raises(TooMuch, match="4096"):
        read(before + member("x", b""))
    assert read(long_name(b"a" * 4096) + member("x", b""))


@pytest.mark.parametrize("left", [1, 300, 513, 700])
def test_an_archive_that_is_cut_off_is_an_error(left):
    with pytest.raises((tarfile.HeaderError, EOFError)):
        read(member("x", bytes(1000))[:left])
    with pytest.raises(tarfile.HeaderError):
        read(member("x", b"") + long_name(b"own"))
