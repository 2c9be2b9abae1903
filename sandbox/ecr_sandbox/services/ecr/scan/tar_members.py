"""The files in a layer, from the headers of its tar archive, one at a time and forward only.

``tarfile`` reads each header. What comes before a header (long names, pax) is read here, because ``tarfile`` reads it
recursively and keeps all of it. Sources: GNU tar manual, "Basic Tar Format"; POSIX.1-2024, pax, "pax Extended Header".
"""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from tarfile import BLOCKSIZE, GNUTYPE_LONGLINK, GNUTYPE_LONGNAME, GNUTYPE_SPARSE, SOLARIS_XHDTYPE, XGLTYPE, XHDTYPE
from typing import BinaryIO, cast

from .layer_reader import Unpacked
from .limits import LONGEST_HEADER, LONGEST_PATH, TooMuch

LONG = {GNUTYPE_LONGNAME: "path", GNUTYPE_LONGLINK: "linkpath"}
PAX = (XHDTYPE, SOLARIS_XHDTYPE, XGLTYPE)
NAMES = {"path": "path", "linkpath": "linkpath", "size": "size", "GNU.sparse.name": "path"}  # used fields of pax
CONTINUED = 482, 504  # where a sparse file's header says that another follows, and where that one does


@dataclass(slots=True)
class Member:
    """A file, directory or link."""

    name: str
    target: str  # of a link
    is_folder: bool
    is_hard_link: bool
    is_file: bool
    content: "Content"

    def open(self) -> BinaryIO:
        """The content of a file, to be read before the next member."""
        return cast(BinaryIO, io.BufferedReader(self.content))


def members(layer: Unpacked) -> Iterator[Member]:
    """The members of the archive *layer*; raises TarError, TooMuch, and what *layer* raises."""
    for_all: dict[str, str] = {}  # pax fields of all members that follow
    for_next: dict[str, str] = {}
    empty = True
    while header := _header(layer, empty):
        empty = False
        if header.type in LONG:
            for_next[LONG[header.type]] = _text(_extra(layer, header.size).split(b"\0", 1)[0])
        elif header.type in PAX:
            fields = for_all if header.type == XGLTYPE else for_next
            fields.update(_records(_extra(layer, header.size)))
        else:
            yield from _member(layer, header, for_all | for_next)
            for_next = {}
    if for_next:
        raise tarfile.HeaderError("it ends after a name")


def _header(layer: Unpacked, empty: bool) -> tarfile.TarInfo | None:
    """The next header; None at the end of the archive, which may lack its mark."""
    block = layer.read(BLOCKSIZE)
    if not block and not empty:
        return None
    if block and not block.strip(b"\0"):
        return None
    header = tarfile.TarInfo.frombuf(block, "utf-8", "replace")
    if header.size < 0:
        raise tarfile.HeaderError("a size is negative")
    if header.type == GNUTYPE_SPARSE and block[CONTINUED[0]]:
        while layer.read(BLOCKSIZE)[CONTINUED[1] :][:1] not in (b"", b"\0"):
            pass
    return header


def _member(layer: Unpacked, header: tarfile.TarInfo, fields: dict[str, str]) -> Iterator[Member]:
    size = int(fields["size"]) if fields.get("size", "").isdecimal() else header.size
    name, target = fields.get("path", header.name), fields.get("linkpath", header.linkname)
    if len(name) > LONGEST_PATH or len(target) > LONGEST_PATH:
        raise TooMuch(f"a path in it has more than {LONGEST_PATH} characters")
    has_content = header.isreg() or header.type not in tarfile.SUPPORTED_TYPES
    content = Content(layer, size if has_content else 0)
    is_file = header.isreg() and header.type != GNUTYPE_SPARSE
    yield Member(name, target, header.isdir(), header.islnk(), is_file, content)
    layer.skip(content.left + -content.size % BLOCKSIZE)


class Content(io.RawIOBase):
    """The next *size* bytes of *layer*."""

    def __init__(self, layer: Unpacked, size: int):
        self._layer = layer
        self.size = self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        piece = self._layer.read(min(len(buffer), self.left))
        self.left -= len(piece)
        buffer[: len(piece)] = piece
        return len(piece)


def _extra(layer: Unpacked, size: int) -> bytes:
    if size > LONGEST_HEADER:
        raise TooMuch(f"a name or the attributes of a file in it claim to have {size} bytes")
    return layer.read(size + -size % BLOCKSIZE)[:size]


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """The used fields of a pax header, whose records are ``<length> <name>=<value>\\n``."""
    start = 0
    while start < len(data) and data[start]:
        try:
            length = int(data[start : data.index(b" ", start, start + 20)])
            end = start + max(length, 0)
            name, value = data[start:end].split(b" ", 1)[1].removesuffix(b"\n").split(b"=", 1)
        except (ValueError, IndexError):
            raise tarfile.HeaderError("a pax header is damaged") from None
        if used := NAMES.get(_text(name)):
            yield used, _text(value)
        start = end


def _text(data: bytes) -> str:
    return data.decode(errors="replace")
