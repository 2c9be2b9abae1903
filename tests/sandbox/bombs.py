"""Layers of a few kilobytes or megabytes that cost a scanner without limits gigabytes or minutes."""

import gzip
import tarfile
from collections.abc import Iterator
from functools import lru_cache

from tests.sandbox.rootfs import DEBIAN, dpkg

MIB = 1 << 20


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    """The header of a file in a tar archive."""
    entry = tarfile.TarInfo(name)
    entry.size, entry.type = size, kind
    return entry.tobuf(tarfile.GNU_FORMAT)


def member(name: str, content: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A file in a tar archive."""
    return header(name, len(content), kind) + content + bytes(-len(content) % 512)


def long_name(name: bytes) -> bytes:
    return member("././@LongLink", name + b"\0", tarfile.GNUTYPE_LONGNAME)


def deep_path() -> Iterator[bytes]:
    """A file 60,000 directories deep."""
    yield long_name(b"a/" * 60_000 + b"node_modules/x/package.json") + member("x", b'{"name": "x", "version": "1"}')
    yield member("var/lib/dpkg/status", dpkg())


def nested_long_names() -> Iterator[bytes]:
    """40 long names of 60 MiB for one file."""
    for _ in range(40):
        yield header("././@LongLink", 60 * MIB, tarfile.GNUTYPE_LONGNAME)
        yield from (b"a" * MIB for _ in range(60))


def many_nested_long_names() -> Iterator[bytes]:
    """20,000 long names for one file."""
    yield from (long_name(b"a" * 20_000) for _ in range(20_000))


def large_attributes() -> Iterator[bytes]:
    """Extended attributes of 1 GiB."""
    yield header("pax", 1024 * MIB, tarfile.XHDTYPE)
    yield from (b"a" * MIB for _ in range(1024))


def large_package_files() -> Iterator[bytes]:
    """60 package descriptions of 32 MiB each."""
    for number in range(60):
        yield header(f"var/lib/dpkg/status.d/{number}", 32 * MIB)
        yield from (b"x" * MIB for _ in range(32))


def many_packages() -> Iterator[bytes]:
    """A list of more than a million packages."""
    text = b"Package: a\nVersion: 1\n\n" * 1_400_000
    yield member("var/lib/dpkg/status", text)


def long_version() -> Iterator[bytes]:
    """A version of 30 MB."""
    yield member("var/lib/dpkg/status", dpkg(version="1." * 15_000_000))


def million_files() -> Iterator[bytes]:
    yield from (header("usr/share/doc/empty") * 10_000 for _ in range(100))


def empty_lines() -> Iterator[bytes]:
    """A list of packages with 31 million empty lines: it is not too much, but takes 20 seconds."""
    yield member("var/lib/dpkg/status", b"\n" * (31 * MIB))


SLOW = {"empty_lines": empty_lines}
BOMBS = {
    each.__name__: each
    for each in (
        deep_path,
        nested_long_names,
        many_nested_long_names,
        large_attributes,
        large_package_files,
        many_packages,
        long_version,
        million_files,
    )
}


def bomb(name: str) -> bytes:
    """The layer of that name, on top of the files of Debian; compressed piece by piece (RFC 1952, 2.2)."""
    pieces = (member("etc/os-release", DEBIAN), *(BOMBS | SLOW)[name](), bytes(1024))
    return b"".join(map(_compressed, pieces))


@lru_cache(8)
def _compressed(piece: bytes) -> bytes:
    return gzip.compress(piece, mtime=0)
