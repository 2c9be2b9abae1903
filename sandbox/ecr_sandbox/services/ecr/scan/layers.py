"""The file system of an image's layers, limited to the files that the caller wants.

A layer is read once, as a stream; only files that *want* selects are kept, in the form that *want* gives them. A file
that a later layer deletes or replaces is not in the image. Source: OCI image-spec, "Image Layer Filesystem
Changeset" (whiteouts, opaque whiteouts).
"""

import tarfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO

from .layer_reader import Unpacked

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
MOST_BYTES = 20 << 30  # decompressed bytes of one image; more is refused
MOST_FILES = 200_000  # kept bytes of one image

Make = Callable[[IO[bytes]], Any]  # what to keep of a file, from its bytes; None is not kept
Want = Callable[[str], Make | None]  # how to read the file at a path; None: do not read it


class TooLarge(Exception):
    """The image is larger than the limit."""


class Unreadable(Exception):
    """A layer does not match its media type."""


@dataclass(frozen=True)
class Kept:
    """What is kept of a file, and the digest of its layer."""

    content: Any
    layer: str


@dataclass
class Tree:
    """The kept files of an image, by path (``usr/lib/os-release``)."""

    files: dict[str, Kept] = field(default_factory=dict)
    unpacked: int = 0  # bytes read so far

    def add(self, digest: str, packed: BinaryIO, want: Want) -> None:
        """Add the layer *digest* on top, read from *packed*; raises TooLarge and Unreadable."""
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
        self._merge(layer)

    def _merge(self, layer: "_Layer") -> None:
        """Whiteouts apply to the layers below, wherever they are in the layer."""
        if layer.gone or layer.emptied:
            self.files = {path: kept for path, kept in self.files.items() if not layer.hides(path)}
        self.files |= layer.files
        if len(self.files) > MOST_FILES:
            raise TooLarge(f"it has more than {MOST_FILES} files that tell of packages")


@dataclass
class _Layer:
    """What one layer adds and removes; *below* are the paths of the layers below."""

    digest: str
    below: set[str]
    files: dict[str, Kept] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)  # removed, with everything inside
    emptied: set[str] = field(default_factory=set)  # opaque directories: they hide the layers below

    def read(self, tar: tarfile.TarFile, member: tarfile.TarInfo, want: Want) -> None:
        path = _clean(member.name)
        folder, _, name = path.rpartition("/")
        if name == OPAQUE:
            self.emptied |= {folder} & self.below
        elif name.startswith(WHITEOUT):
            self.gone |= {f"{folder}/{name[len(WHITEOUT) :]}".lstrip("/")} & self.below
        elif not member.isdir():
            self.gone |= {path} & self.below  # a file replaces a file, or a whole directory
            if make := want(path):
                self._keep(tar, member, path, make)

    def hides(self, path: str) -> bool:
        """Whether this layer removes *path* of a layer below, or one of its directories."""
        if path in self.gone:
            return True
        while path:
            path = path.rpartition("/")[0]
            if path in self.gone or path in self.emptied:
                return True
        return False

    def _keep(self, tar: tarfile.TarFile, member: tarfile.TarInfo, path: str, make: Make) -> None:
        if member.islnk():  # a hard link to an earlier file
            first = self.files.get(_clean(member.linkname))
            content = first.content if first else None
        else:
            file = tar.extractfile(member) if member.isreg() else None
            content = make(file) if file else None
        if content is not None:
            self.files[path] = Kept(content, self.digest)


def read(layers: Iterable[tuple[str, BinaryIO]], want: Want) -> Tree:
    """The files of an image; *layers* are pairs of digest and stream, lowest first."""
    tree = Tree()
    for digest, packed in layers:
        with packed:
            tree.add(digest, packed, want)
    return tree


def _clean(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _with_folders(paths: Iterable[str]) -> set[str]:
    """The *paths*, and all their directories."""
    found = {""}
    for path in paths:
        while path not in found:
            found.add(path)
            path = path.rpartition("/")[0]
    return found
