"""The file system of an image's layers, limited to the files that the caller wants.

A layer is read once, as a stream; only files that *want* selects are kept, in the form that *want* gives them. A file
that a later layer deletes or replaces is not in the image. Source: OCI image-spec, "Image Layer Filesystem
Changeset" (whiteouts, opaque whiteouts).
"""

import tarfile
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from . import limits
from .layer_reader import Unpacked
from .limits import Budget
from .tar_members import Member, members

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"

Entry = tuple[str, ...]  # the texts that are kept of one package
Make = Callable[[BinaryIO], Iterable[Entry]]  # what to keep of a file, from its bytes; nothing is not kept
Want = Callable[[str], Make | None]  # how to read the file at a path; None: do not read it


class Unreadable(Exception):
    """A layer does not match its media type."""


@dataclass(frozen=True)
class Kept:
    """What is kept of a file, and the digest of its layer."""

    content: tuple[Entry, ...]
    layer: str


class Tree:
    """The kept files of an image, by path (``usr/lib/os-release``)."""

    def __init__(self, files: Mapping[str, Kept] | None = None):
        self.files: dict[str, Kept] = dict(files or {})
        self._unpacked = Budget(limits.BYTES, "bytes")
        self._read = Budget(limits.READ_BYTES, "bytes in headers and in lists of packages")

    def add(self, digest: str, packed: BinaryIO, want: Want) -> None:
        """Add the layer *digest* on top, read from *packed*; raises TooMuch and Unreadable."""
        layer = _Layer(digest, sorted(self.files))
        try:
            for member in members(Unpacked(packed, self._unpacked, self._read)):
                layer.read(member, want)
        except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError) as error:
            raise Unreadable(f"the layer {digest} cannot be unpacked: {error}") from error
        self.files = {path: self.files[path] for path in layer.visible()} | layer.files
        kept = _budget()
        for path, file in self.files.items():
            kept.spend(_size(path, file.content))


@dataclass
class _Layer:
    """What one layer adds and hides; *below* are the paths of the layers below, sorted."""

    digest: str
    below: list[str]
    files: dict[str, Kept] = field(default_factory=dict)
    kept: Budget = field(default_factory=lambda: _budget())
    hidden: set[tuple[int, int]] = field(default_factory=set)  # parts of *below*: the first, and the one after the last

    def read(self, member: Member, want: Want) -> None:
        path = _clean(member.name)
        folder, _, name = path.rpartition("/")
        if name == OPAQUE:
            self._hide_inside(folder)
        elif name.startswith(WHITEOUT):
            self._hide(f"{folder}/{name[len(WHITEOUT) :]}".lstrip("/"))
        elif not member.is_folder:
            self._hide(path)  # a file replaces a file, or a whole directory
            if make := want(path):
                self._keep(member, path, make)

    def visible(self) -> Iterator[str]:
        """The paths of the layers below that this layer does not hide, wherever in the layer it says so."""
        start = 0
        for first, end in sorted(self.hidden):
            yield from self.below[start:first]
            start = max(start, end)
        yield from self.below[start:]

    def _hide(self, path: str) -> None:
        self._hide_between(path, path + "\0")
        self._hide_inside(path)

    def _hide_inside(self, folder: str) -> None:
        if folder:
            self._hide_between(f"{folder}/", f"{folder}0")  # "0" is the character after "/"
        else:
            self.hidden.add((0, len(self.below)))

    def _hide_between(self, first: str, end: str) -> None:
        found = bisect_left(self.below, first), bisect_left(self.below, end)
        if found[0] < found[1]:
            self.hidden.add(found)

    def _keep(self, member: Member, path: str, make: Make) -> None:
        entries: Iterable[Entry] = ()
        if member.is_hard_link:
            first = self.files.get(_clean(member.target))  # an earlier file
            entries = first.content if first else ()
        elif member.is_file:
            entries = make(member.open())
        self.files.pop(path, None)
        self.kept.spend(_size(path))
        kept = []
        for entry in entries:
            self.kept.spend(_size("", (entry,)))
            kept.append(entry)
        if kept:
            self.files[path] = Kept(tuple(kept), self.digest)


def read(layers: Iterable[tuple[str, BinaryIO]], want: Want) -> Tree:
    """The files of an image; *layers* are pairs of digest and stream, lowest first."""
    tree = Tree()
    for digest, packed in layers:
        with packed:
            tree.add(digest, packed, want)
    return tree


def _budget() -> Budget:
    return Budget(limits.KEPT_BYTES, "bytes about packages")


def _size(path: str, content: Iterable[Entry] = ()) -> int:
    return len(path) + sum(limits.PACKAGE + sum(map(len, entry)) for entry in content)


def _clean(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))
