"""Image events, to which services subscribe: scans, replication, EventBridge, Cost Explorer.

A subscriber is called within the change that the event is about, so its own writes, for example of a job, are committed
with that change or not at all. It must be fast; slow work is a job (``state/jobs.py``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ImageEvent:
    """An event about the image *digest* of a repository; *tag* is the tag of the operation, if any."""

    account: str
    region: str
    repository: str
    digest: str
    tag: str | None


@dataclass(frozen=True)
class Pushed(ImageEvent):
    """An image was stored, or an existing image got *tag*."""


@dataclass(frozen=True)
class Deleted(ImageEvent):
    """An image was deleted, or only its *tag*."""


@dataclass(frozen=True)
class Pulled(ImageEvent):
    """*principal*, the ARN of a user or a role, got the image's manifest."""

    principal: str


@dataclass(frozen=True)
class StorageClassChanged(ImageEvent):
    """An image was archived, or (*target* is STANDARD) its restore ended *activated_at* (Unix time).

    *tag* is None. *referrer* is whether the image has a subject.
    """

    target: str
    media_type: str
    artifact_type: str | None
    activated_at: int | None
    referrer: bool


@dataclass(frozen=True)
class Replicated(ImageEvent):
    """The image was copied here from the same repository of another registry, or not; *complete* says which."""

    source_account: str
    source_region: str
    complete: bool


@dataclass(frozen=True)
class Cached(ImageEvent):
    """A pull through cache rule with *prefix* requested an image from the *upstream* registry.

    *failure* is a code and a reason, or None; *digest* is empty after a failure.
    """

    prefix: str
    upstream: str
    failure: tuple[str, str] | None


@dataclass(frozen=True)
class Scanned(ImageEvent):
    """A basic scan ended with this *status*; *counts* are the numbers of findings of each severity."""

    tags: tuple[str, ...]
    status: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Inspected(ImageEvent):
    """An enhanced scan ended, on AWS one of Inspector; *first* is whether it was the image's first. See ``Scanned``."""

    tags: tuple[str, ...]
    status: str
    counts: Mapping[str, int]
    first: bool

    @property
    def succeeded(self) -> bool:
        """Whether the image could be scanned."""
        return self.status in ("ACTIVE", "COMPLETE")


_subscribers: list[tuple[type, Callable[[Any], None]]] = []


def subscribe(kind: type, subscriber: Callable[[Any], None]) -> None:
    """Call *subscriber* with every event of this *kind*."""
    _subscribers.append((kind, subscriber))


def publish(event: Any) -> None:
    """Call the subscribers of *event*."""
    for kind, subscriber in _subscribers:
        if isinstance(event, kind):
            subscriber(event)
