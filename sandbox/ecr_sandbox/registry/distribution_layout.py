"""Takes over the blobs of a state folder from before November 2026, when CNCF Distribution stored them.

Its folder ``registry/`` has a file for each blob, and for each repository a file (a "link") for each blob that it has.
Taking over moves the blobs, then writes the rows of all links in one change, then moves the folder to the trash. A kill
at any moment leaves the folder in its place, and the next start does what is left. Unfinished uploads are dropped.
Source: https://github.com/distribution/distribution/blob/v2.8.2/registry/storage/paths.go
"""

import hashlib
import os
import re
import signal
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ecr_sandbox.state.atomic_files import sync_folder
from ecr_sandbox.state.processes import running
from ecr_sandbox.state.store import Store

from .content_store import ContentStore
from .references import Key

HASHED = re.compile(r".+/[0-9a-f]{64}")  # how a repository with a long name was stored


def take_over(folder: Path, store: Store, content: ContentStore) -> None:
    """Move the blobs of Distribution's folder in the state folder to *content*, if there is one. Raises OSError."""
    old = folder / "registry"
    if not old.exists():
        return
    _end_orphans(folder)
    top = old / "docker/registry/v2"
    for blob in top.glob("blobs/sha256/*/*/data"):
        blob.rename(content.blobs / blob.parent.name)
    sync_folder(content.blobs)
    with store.change() as db:
        used = {tuple(row) for row in db.execute("SELECT account, region, repository, digest FROM blobs")}
        links = _links(top / "repositories", _known(store))
        rows = [(*key, digest, (*key, digest) not in used, leased_at) for key, digest, leased_at in links]
        db.executemany("INSERT OR IGNORE INTO repository_blobs VALUES (?, ?, ?, ?, ?, ?)", rows)
    for name in ("registry.yml", "registry.sock", "registry-secret", "log/registry.log"):
        (folder / name).unlink(missing_ok=True)
    old.rename(content.trash / uuid.uuid4().hex)
    content.empty_trash()


def _links(repositories: Path, known: dict[str, Key]) -> Iterator[tuple[Key, str, float]]:
    """Each blob of each repository, and when its link was written, in Unix seconds."""
    for link in repositories.glob("**/_layers/sha256/*/link"):
        path = str(link.parents[3].relative_to(repositories))
        if key := known.get(path) or _key(path):
            yield key, f"sha256:{link.parent.name}", link.stat().st_mtime


def _key(path: str) -> Key | None:
    """The key of the repository that was stored at *path*; None when only a hash of its name is left."""
    account, _, rest = path.partition("/")
    if account == "docker-hub":
        return account, "", rest
    region, _, name = rest.partition("/")
    return None if HASHED.fullmatch(name) else (account, region, name)


def _known(store: Store) -> dict[str, Key]:
    """The keys of all repositories with images, by the path at which they were stored."""
    rows = store.read().execute("SELECT DISTINCT account, region, repository FROM images").fetchall()
    return {_path(*row): (row["account"], row["region"], row["repository"]) for row in rows}


def _path(account: str, region: str, name: str) -> str:
    full = f"{account}/{region}/{name}" if region else f"{account}/{name}"
    if len(full) <= 255:
        return full
    return f"{account}/{region}/{name[:100].rstrip('._-/')}/{hashlib.sha256(name.encode()).hexdigest()}"


def _end_orphans(folder: Path) -> None:
    """End the program that stored the blobs, if a sandbox that was killed left it behind."""
    for pid in running(f"serve {folder / 'registry.yml'}"):
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
