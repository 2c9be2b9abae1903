"""One image: what the registry knows about it, and its status."""

from dataclasses import dataclass

from ecr_sandbox.state import clock

STANDARD, ARCHIVE = "STANDARD", "ARCHIVE"  # storage classes
ACTIVE, ARCHIVED, ACTIVATING = "ACTIVE", "ARCHIVED", "ACTIVATING"  # statuses


@dataclass(frozen=True)
class Image:
    """An image; *size* in bytes, times in Unix seconds by the sandbox's clock.

    *last_pulled* is the last recorded pull. *archived_at* is when it was last archived, *activated_at* when its last
    restore ended or will end.
    """

    id: int
    digest: str
    tags: tuple[str, ...]
    manifest: str
    media_type: str
    artifact_type: str | None
    size: int
    pushed_at: int
    subject: str | None
    last_pulled: int | None = None
    storage_class: str = STANDARD
    archived_at: int | None = None
    activated_at: int | None = None

    @property
    def status(self) -> str:
        """The current ``imageStatus``: ACTIVE, ARCHIVED or ACTIVATING."""
        if self.storage_class == ARCHIVE:
            return ARCHIVED
        return ACTIVATING if (self.activated_at or 0) > clock.now() else ACTIVE
