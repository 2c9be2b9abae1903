"""What clients were told a repository has: nobody may take it away before they have used it.

A push asks for each layer ("is it there?"), sends or mounts what is missing, and names them all in the manifest at
its end. Between the first answer and the last no image uses the layer, and yet it must stay. So every answer that
promises a layer to a client is counted here, and a manifest that names the layers takes one promise of each back.
Where as many were taken back as given, nobody waits for the layer. Where not, it is left alone until nothing has
been asked of the repository for some time: then that push was given up.

Why not the age of links alone? A push may take an hour, and its first layer is then an hour old; and an image that
was pushed and deleted a minute ago could not be freed. Why no lock round a whole push? It would be held while
gigabytes come in, and nobody says when a push is given up. The lock here is held for a moment: to count, or to look
whether a file is still unneeded and take it away. That Distribution does not write the same file just then is
certain, because no request about it is under way.

What was promised before this process began stands in the times of the links: Distribution writes the link anew for
what was sent or mounted, and we touch it for what was only asked for.
"""

import math
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs

from .content_store import Tree, written_in

ABOUT_BLOBS = re.compile(r"/v2/(?P<repository>.+)/blobs/(?P<what>[^?]*)(?:\?(?P<query>.*))?")


Name = tuple[str, str]  # a repository's layer; its uploads, without a digest; the bytes of any, without a repository


class Promises:
    """The promises about what is in *tree*."""

    def __init__(self, tree: Tree):
        self._tree = tree
        self._lock = threading.Lock()
        self._began = time.time()
        self._busy: Counter[Name] = Counter()  # what requests under way are about
        self._open: dict[str, Counter[str]] = {}  # promises not taken back, by repository and digest
        self._last: dict[str, float] = {}  # when something was last asked of a repository that has open ones
        self._stirred: set[Name] | None = None  # what was asked for since a sweep began

    @contextmanager
    def asking(self, method: str, path: str) -> Iterator[Callable[[int], None]]:
        """Round a request to Distribution; to be called with the status of its answer, before the client has it."""
        about = ABOUT_BLOBS.fullmatch(path)
        if about is None or method == "GET":
            yield lambda status: None
            return
        repository, digest = about["repository"], _digest(about["what"], about["query"])
        promising = {"HEAD": 200, "POST": 201, "PUT": 201}.get(method)

        def answered(status: int) -> None:
            if digest and status == promising:
                self._promise(repository, digest, touch=method == "HEAD")

        with self._under_way(repository, [digest] if digest else []):
            yield answered

    @contextmanager
    def redeeming(self, repository: str, digests: Iterable[str]) -> Iterator[None]:
        """Round the storing of an image that names *digests*, from the first look at them until it is committed.

        A client that was promised all of them has used up one promise of each. Another's manifest, which merely names
        what is there, uses up none.
        """
        digests = set(digests)
        with self._under_way(repository, digests):
            yield
            with self._lock:
                promised = self._open.get(repository, Counter())
                if digests <= promised.keys():
                    promised.subtract(digests)
                    self._put_down(repository, +promised)

    def forget(self, repository: str) -> None:
        """The repository is gone, and nobody was promised anything that is in the next one of that name."""
        with self._lock:
            self._put_down(repository, Counter())

    @contextmanager
    def sweeping(self) -> Iterator[None]:
        """Round a sweep: what is asked for meanwhile is spared by it. One at a time."""
        with self._lock:
            self._stirred = set(self._busy)
        try:
            yield
        finally:
            with self._lock:
                self._stirred = None

    def awaited(self, repository: str, idle: float) -> set[str]:
        """What a push may need that asked *repository* for something less than *idle* seconds ago."""
        now = time.time()
        with self._lock:
            silent = now - self._last.get(repository, 0) >= idle
            awaited = set() if silent else set(self._open.get(repository, ()))
        links = dict(self._tree.written_links(repository))
        times = [*links.values(), *map(written_in, self._tree.uploads(repository))]
        before = max((each for each in times if each < self._began), default=0.0)
        if self._began - before < idle and now - max(times, default=0.0) < idle:
            awaited.update(digest for digest, written in links.items() if written < self._began)
        return awaited

    def take_away(self, repository: str, digest: str, delete: Callable[[], None]) -> bool:
        """Do *delete* unless the name was asked for since the sweep began; whether it was done."""
        with self._lock:
            if self._stirred is None or (repository, digest) in self._stirred:
                return False
            delete()
            return True

    @contextmanager
    def _under_way(self, repository: str, digests: Collection[str]) -> Iterator[None]:
        names = [(repository, ""), *((where, each) for each in digests for where in (repository, ""))]
        with self._lock:
            self._busy.update(names)
            self._last[repository] = math.inf
            if self._stirred is not None:
                self._stirred.update(names)
        try:
            yield
        finally:
            with self._lock:
                self._busy.subtract(names)
                for name in names:
                    if not self._busy[name]:
                        del self._busy[name]
                self._rest(repository)

    def _promise(self, repository: str, digest: str, touch: bool) -> None:
        if touch:
            with suppress(OSError):
                os.utime(self._tree.link(repository, digest))
        with self._lock:
            self._open.setdefault(repository, Counter())[digest] += 1

    def _put_down(self, repository: str, promised: Counter[str]) -> None:
        if promised:
            self._open[repository] = promised
        else:
            self._open.pop(repository, None)

    def _rest(self, repository: str) -> None:
        """Note when the last request about *repository* ended, if anybody may come back for something."""
        if (repository, "") in self._busy:
            return
        if repository in self._open:
            self._last[repository] = time.time()
        else:
            self._last.pop(repository, None)


def _digest(what: str, query: str | None) -> str | None:
    """The digest that a request about blobs is about, if it says so."""
    if not what.startswith("uploads"):
        return what
    asked = parse_qs(query or "")
    return next(iter(asked.get("digest", []) + asked.get("mount", [])), None)
