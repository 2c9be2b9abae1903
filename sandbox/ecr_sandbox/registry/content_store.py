"""Distribution's folder: where it keeps the bytes of a digest, and the links that say which repository has them.

Source: https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/paths.go
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ecr_sandbox.state.atomic_files import sync_folder, write_whole

TOP = "docker/registry/v2"


class Tree:
    """The files under *root*, the folder that Distribution is given."""

    def __init__(self, root: Path):
        self._root, self._top = root, root / TOP
        self._named: set[Path] = set()  # folders whose own names are on disk

    @property
    def blobs(self) -> Path:
        return self._top / "blobs/sha256"

    @property
    def repositories(self) -> Path:
        return self._top / "repositories"

    def repository(self, name: str) -> Path:
        """The folder of the repository that Distribution calls *name*."""
        return self.repositories / name

    def link(self, repository: str, digest: str) -> Path:
        """The file that says that *repository* has the blob *digest*."""
        return self.repository(repository) / "_layers" / digest.replace(":", "/") / "link"

    def data(self, digest: str) -> Path:
        """The bytes of the blob *digest*."""
        algorithm, _, number = digest.partition(":")
        return self._top / "blobs" / algorithm / number[:2] / number / "data"

    def target(self, repository: str, digest: str) -> str:
        """The digest by which the bytes are kept: another one than *digest* if that is not a sha256."""
        return digest if digest.startswith("sha256:") else self.link(repository, digest).read_text()

    def size(self, repository: str, digest: str) -> int | None:
        """How many bytes the blob *digest* of *repository* has; None when it has no such blob."""
        try:
            return self.data(self.link(repository, digest).read_text() or digest).stat().st_size
        except FileNotFoundError:
            return None

    def open(self, repository: str, digest: str) -> BinaryIO:
        """The bytes of the blob *digest* of *repository*, to be read without a detour; raises FileNotFoundError."""
        return self.data(self.target(repository, digest)).open("rb")

    def all_repositories(self) -> Iterator[str]:
        """The name of every repository that has a folder; names of repositories may begin alike."""
        folders = [self.repositories] if self.repositories.exists() else []
        while folders:
            folder = folders.pop()
            below = [each for each in folder.iterdir() if each.is_dir()]
            if any(each.name.startswith("_") for each in below):
                yield str(folder.relative_to(self.repositories))
            folders += [each for each in below if not each.name.startswith("_")]

    def links(self, repository: str) -> list[str]:
        """The digests that *repository* has a link to, good or broken."""
        with suppress(FileNotFoundError):
            folder = self.repository(repository) / "_layers/sha256"
            return [f"sha256:{each.name}" for each in folder.iterdir()]
        return []

    def written_links(self, repository: str) -> Iterator[tuple[str, float]]:
        """Each digest that *repository* has a link to, and when that was written or touched, in Unix seconds."""
        for digest in self.links(repository):
            with suppress(OSError):
                yield digest, self.link(repository, digest).stat().st_mtime

    def uploads(self, repository: str) -> list[Path]:
        """The folders of uploads that have not ended."""
        with suppress(OSError):
            return list((self.repository(repository) / "_uploads").iterdir())
        return []

    def mend(self, repository: str, digest: str) -> bool:
        """Write a broken link again; whether that was necessary.

        Distribution empties a link that it writes once more: killed in this moment, it leaves an empty one, and the
        layer of an image of long ago could not be read any more.
        """
        link = self.link(repository, digest)
        if not link.exists() or link.read_text() == digest or not self.data(digest).exists():
            return False
        write_whole(link, digest)
        return True

    def sync(self, repository: str, digests: Iterable[str]) -> None:
        """Let these blobs and their links, which are all there, survive a power cut.

        Distribution syncs the content of what it writes, but never a folder, so that a name may be lost.
        Source: registry/storage/driver/filesystem/driver.go, Commit, Close and Move.
        """
        folders: dict[Path, None] = {}
        above: set[Path] = set()
        for digest in digests:
            for file in (self.data(self.target(repository, digest)), self.link(repository, digest)):
                folders |= dict.fromkeys((file.parent, file.parent.parent))
                above.update(self._unnamed(file.parent.parent))
        for folder in folders | dict.fromkeys(each.parent for each in above):
            sync_folder(folder)
        self._named |= above

    def forget_synced(self) -> None:
        """To be called when folders were removed: they may come again."""
        self._named = set()

    def _unnamed(self, folder: Path) -> Iterator[Path]:
        while folder != self._root and folder not in self._named:
            yield folder
            folder = folder.parent


def written_in(folder: Path) -> float:
    """When something was last written in *folder*, in Unix seconds; 0 when it is gone."""
    with suppress(OSError):
        return max(each.stat().st_mtime for each in (folder, *folder.iterdir()))
    return 0.0
