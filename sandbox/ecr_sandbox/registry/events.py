"""What happens to images, told to whoever has to do with it: scans, replication, events, the time of the last pull.

A listener is called in the change that made it happen, so what it writes, a job for instance, is there with that
change or not at all. It has to be quick; what takes time is a job (``jobs.py``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ImageEvent:
    """Something about the image *digest* of a repository; *tag* is the one that was spoken of, if any."""

    account: str
    region: str
    repository: str
    digest: str
    tag: str | None


@dataclass(frozen=True)
class Pushed(ImageEvent):
    """An image was stored, or an image that was there got *tag*."""


@dataclass(frozen=True)
class Deleted(ImageEvent):
    """An image is gone, or only its *tag*."""


@dataclass(frozen=True)
class Pulled(ImageEvent):
    """*principal*, the ARN of a user or a role, was given the image's manifest."""

    principal: str


@dataclass(frozen=True)
class StorageClassChanged(ImageEvent):
    """An image went to the archive, or (*target* is STANDARD) is back from there, since *activated_at* (Unix time).

    *tag* is None: it is the image. *referrer* is whether it says something about another image.
    """

    target: str
    media_type: str
    artifact_type: str | None
    activated_at: int | None
    referrer: bool


@dataclass(frozen=True)
class Replicated(ImageEvent):
    """The attempt to copy an image here from the same repository of another registry; *complete* is how it went."""

    source_account: str
    source_region: str
    complete: bool


@dataclass(frozen=True)
class Cached(ImageEvent):
    """A pull through the rule *prefix* asked the *upstream* registry for an image.

    *failure* is a code and a reason, or None; *digest* is empty after a failure.
    """

    prefix: str
    upstream: str
    failure: tuple[str, str] | None


@dataclass(frozen=True)
class Scanned(ImageEvent):
    """A basic scan ended with this *status*; *counts* says how many findings there are of each severity."""

    tags: tuple[str, ...]
    status: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Inspected(ImageEvent):
    """An enhanced scan ended, which on AWS is Inspector's: the image's *first*, or not; the rest is as of Scanned."""

    tags: tuple[str, ...]
    status: str
    counts: Mapping[str, int]
    first: bool

    @property
    def succeeded(self) -> bool:
        """Whether the image could be scanned."""
        return self.status in ("ACTIVE", "COMPLETE")


_listeners: list[tuple[type, Callable[[Any], None]]] = []


def subscribe(kind: type, listener: Callable[[Any], None]) -> None:
    """Let *listener* hear of every happening of this *kind*."""
    _listeners.append((kind, listener))


def publish(event: Any) -> None:
    """Let everybody know who asked for it."""
    for kind, listener in _listeners:
        if isinstance(event, kind):
            listener(event)
