"""The file system that an image's layers make, as far as somebody wants to see it.

A layer is read as a stream, once; of its files only what *want* names is kept, and only what *want* makes of it. A
file that a later layer deletes or covers is not in the image. Source: OCI image-spec, "Image Layer Filesystem
Changeset" (whiteouts, opaque whiteouts).
"""

import tarfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO

from .layer_reader import Unpacked

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
MOST_BYTES = 20 << 30  # unpacked bytes of one image; more is taken for a trap
MOST_FILES = 200_000  # that are kept of one image

Make = Callable[[IO[bytes]], Any]  # what is to be kept of a file, from its bytes; None is not kept
Want = Callable[[str], Make | None]  # how to make that of the file at a path; None: it is of no interest


class TooLarge(Exception):
    """The image has more in it than is looked at."""


class Unreadable(Exception):
    """A layer is not what its media type says."""


@dataclass(frozen=True)
class Kept:
    """What was made of a file, and the digest of the layer that has it."""

    content: Any
    layer: str


@dataclass
class Tree:
    """What is kept of the files of an image, by path (``usr/lib/os-release``)."""

    files: dict[str, Kept] = field(default_factory=dict)
    unpacked: int = 0  # bytes so far

    def add(self, digest: str, packed: BinaryIO, want: Want) -> None:
        """Lay the layer *digest* on top, read from *packed*; raises TooLarge and Unreadable."""
        layer = _Layer(digest, _with_folders(self.files))
        try:
            with tarfile.open(fileobj=Unpacked(packed), mode="r:") as tar:
                for member in tar:
                    self.unpacked += member.size
                    if self.unpacked > MOST_BYTES:
                        raise TooLarge(f"it unpacks to more than {MOST_BYTES} bytes")
                    layer.read(tar, member, want)
                    tar.members.clear()  # type: ignore[attr-defined]  # tarfile would remember every one
        except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError) as error:
            raise Unreadable(f"the layer {digest} cannot be unpacked: {error}") from error
        self._lay(layer)

    def _lay(self, layer: "_Layer") -> None:
        """What the layer takes away is below it, wherever in the layer that is said."""
        if layer.gone or layer.emptied:
            self.files = {path: kept for path, kept in self.files.items() if not layer.hides(path)}
        self.files |= layer.files
        if len(self.files) > MOST_FILES:
            raise TooLarge(f"it has more than {MOST_FILES} files that tell of packages")


@dataclass
class _Layer:
    """What one layer adds and takes away; *below* are the paths that there is something to take away at."""

    digest: str
    below: set[str]
    files: dict[str, Kept] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)  # with all that is below
    emptied: set[str] = field(default_factory=set)  # directories that show nothing of the layers below

    def read(self, tar: tarfile.TarFile, member: tarfile.TarInfo, want: Want) -> None:
        path = _clean(member.name)
        folder, _, name = path.rpartition("/")
        if name == OPAQUE:
            self.emptied |= {folder} & self.below
        elif name.startswith(WHITEOUT):
            self.gone |= {f"{folder}/{name[len(WHITEOUT) :]}".lstrip("/")} & self.below
        elif not member.isdir():
            self.gone |= {path} & self.below  # a file covers a file, or a whole directory
            if make := want(path):
                self._keep(tar, member, path, make)

    def hides(self, path: str) -> bool:
        """Whether *path* of a layer below, or a directory that it is in, is gone."""
        if path in self.gone:
            return True
        while path:
            path = path.rpartition("/")[0]
            if path in self.gone or path in self.emptied:
                return True
        return False

    def _keep(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, make: Make) -> None:
        if member.islnk():  # another name of a file that came before
            first = self.files.get(_clean(member.linkname))
            content = first.content if first else None
        else:
            file = tar.extractfile(member) if member.isreg() else None
            content = make(file) if file else None
        if content is not None:
            self.files[path] = Kept(content, self.digest)


def read(layers: Iterable[tuple[str, BinaryIO]], want: Want) -> Tree:
    """The files of an image whose *layers*, the lowest first, are given as digest and stream."""
    tree = Tree()
    for digest, packed in layers:
        with packed:
            tree.add(digest, packed, want)
    return tree


def _clean(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _with_folders(paths: Iterable[str]) -> set[str]:
    """The *paths*, and every directory that one of them is in."""
    found = {""}
    for path in paths:
        while path not in found:
            found.add(path)
            path = path.rpartition("/")[0]
    return found
