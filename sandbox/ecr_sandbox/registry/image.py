"""One image: what the registry knows about it, and its status."""

import sys
from typing import NamedTuple

from ecr_sandbox.state import clock

from .errors import ManifestDamaged, ManifestInvalid
from .manifest_format import blobs_of, digest_of

STANDARD, ARCHIVE = "STANDARD", "ARCHIVE"  # storage classes
ACTIVE, ARCHIVED, ACTIVATING = "ACTIVE", "ARCHIVED", "ACTIVATING"  # statuses


class Image(NamedTuple):
    """An image; *size* in bytes, times in Unix seconds by the sandbox's clock.

    *stored* is the manifest as the store has it; to use it, read ``manifest``, which checks it.
    *last_pulled* is the last recorded pull. *archived_at* is when it was last archived, *activated_at* when its last
    restore ended or will end.
    """

    id: int
    digest: str
    tags: tuple[str, ...]
    stored: str
    media_type: str
    artifact_type: str | None
    size: int
    pushed_at: int
    subject: str | None
    last_pulled: int | None = None
    storage_class: str = STANDARD
    archived_at: int | None = None
    activated_at: int | None = None
    repository: str = ""

    @property
    def is_intact(self) -> bool:
        """Whether the manifest has the image's digest, and so is as it was pushed."""
        return digest_of(self.stored.encode(errors="surrogateescape")) == self.digest

    @property
    def manifest(self) -> str:
        """The manifest; raises ManifestDamaged, and prints which image is damaged."""
        if not self.is_intact:
            damaged = ManifestDamaged(self.repository, self.digest)
            print(damaged, file=sys.stderr)
            raise damaged
        return self.stored

    @property
    def blobs(self) -> tuple[tuple[str, int], ...]:
        """Digests and sizes in bytes of the config and the layers; of a damaged manifest, what it still says."""
        try:
            return blobs_of(self.stored)
        except (ValueError, TypeError, ManifestInvalid):
            return ()

    @property
    def status(self) -> str:
        """The current ``imageStatus``: ACTIVE, ARCHIVED or ACTIVATING."""
        if self.storage_class == ARCHIVE:
            return ARCHIVED
        return ACTIVATING if (self.activated_at or 0) > clock.now() else ACTIVE
