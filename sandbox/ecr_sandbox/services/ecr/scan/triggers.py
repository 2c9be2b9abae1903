"""What starts a scan: a push, StartImageScan, changed rules of the registry, changed advisories.

The scan itself is a job, because a push waits for what happens here.
"""

from functools import partial
from typing import Any

from ecr_sandbox import delays
from ecr_sandbox.aws.errors import LimitExceededException
from ecr_sandbox.registry import events
from ecr_sandbox.registry.content_store import ContentStore
from ecr_sandbox.registry.events import Cached, ImageEvent, Pushed, StorageClassChanged
from ecr_sandbox.registry.image import ARCHIVED, STANDARD, Image
from ecr_sandbox.registry.manifest_format import INDEXES
from ecr_sandbox.services.ecr import errors
from ecr_sandbox.services.ecr.backend import Repository, backend
from ecr_sandbox.state import clock
from ecr_sandbox.state.jobs import Jobs
from ecr_sandbox.state.store import Store

from . import results
from .rules import BASIC, ELIGIBLE, ENHANCED, MANUAL, ONCE_IN, Rule, rule_for, scannable


class Scans:
    """The scans of every registry: *store* has the results, *jobs* runs them."""

    def __init__(self, store: Store, blobs: ContentStore, jobs: Jobs):
        self.store, self._jobs = store, jobs
        store.add(results.SCHEMA)

        def scanner() -> Any:
            from .scanner import Scanner

            return Scanner(store, blobs, partial(jobs.add, "slow-scan"))

        jobs.on("scan", lambda: scanner().scan, lambda: scanner().give_up)
        jobs.on("slow-scan", lambda: scanner().scan_slowly, lambda: scanner().give_up, most=2)
        jobs.on("rescan", lambda: self._repeat)
        for kind in (Pushed, Cached, StorageClassChanged):
            events.subscribe(kind, self._arrived)
        if store.read().execute("SELECT 1 FROM scans WHERE status = ? LIMIT 1", (results.ACTIVE,)).fetchone():
            jobs.add("rescan")  # the advisories may have changed while the sandbox was stopped

    def start(self, repository: Repository, image: Image) -> None:
        """StartImageScan.

        Raises UnsupportedImageTypeException, LimitExceededException, ImageArchivedException and FeatureDisabled.
        A scan on push counts for the quota (API reference, StartImageScan). Enhanced scans cannot be started manually
        (user guide, "Enhanced scanning").
        """
        if rule_of(repository).type == ENHANCED:
            raise errors.FeatureDisabled
        if image.status == ARCHIVED:
            raise errors.ImageArchivedException
        if not scannable(image.media_type, image.manifest):
            kind = image.media_type if image.media_type in INDEXES else image.artifact_type or image.media_type
            raise errors.UnsupportedImageTypeException(kind)
        with self.store.change():
            if self._recent(image.id):
                raise LimitExceededException(errors.SCAN_QUOTA)
            self._begin(image.id, Rule(BASIC, MANUAL))

    def last(self, repository: Repository, image: Image) -> results.Scan | None:
        """The last scan of *image* of its registry's current type."""
        return results.of_image(self.store, image.id, rule_of(repository).type)

    def rules_changed(self, account: str, region: str) -> None:
        """Start the scans that new rules require: with enhanced scanning, of the images of the last 14 days.

        Source: https://docs.aws.amazon.com/inspector/latest/user/scanning-ecr.html, which scans recent images.
        """
        for repository in backend(account, region).repositories.values():
            rule = rule_of(repository)
            for image in repository.images.all() if rule.type == ENHANCED and rule.on_push else ():
                if image.pushed_at > clock.now() - ELIGIBLE and scannable(image.media_type, image.manifest):
                    self._again(image.id, rule)

    def advisories_changed(self) -> None:
        """Scan images again whose findings may have changed."""
        self._jobs.add("rescan")

    def _arrived(self, image: Pushed | Cached | StorageClassChanged) -> None:
        """An imported or restored image is scanned like a pushed one.

        Source: user guide, "Considerations for using pull through cache rules" and "Restoring an image".
        """
        gone = isinstance(image, StorageClassChanged) and image.target != STANDARD
        if image.digest and not gone:
            self._pushed(image)

    def _pushed(self, pushed: ImageEvent) -> None:
        repository = backend(pushed.account, pushed.region).repositories.get(pushed.repository)
        rule = rule_of(repository) if repository else None
        if not rule or not rule.on_push:
            return
        image = repository.images.find(digest=pushed.digest)
        if not image or not scannable(image.media_type, image.manifest):
            return
        if not self._recent(image.id) if rule.type == BASIC else not results.of_image(self.store, image.id, ENHANCED):
            self._begin(image.id, rule)

    def _recent(self, image: int) -> bool:
        """Whether the image had a basic scan in the last 24 hours."""
        scan = results.of_image(self.store, image, BASIC)
        return scan is not None and scan.started > clock.now() - ONCE_IN

    def _begin(self, image: int, rule: Rule) -> None:
        with self.store.change() as db:
            results.begin(db, image, rule.type, rule.frequency, clock.now())
            self._jobs.add("scan", clock.now() + delays.current.scan, image=image, type=rule.type)

    def _again(self, image: int, rule: Rule) -> None:
        known = results.of_image(self.store, image, rule.type)
        if known is None or known.frequency != rule.frequency:
            self._begin(image, rule)

    def _repeat(self, what: dict[str, Any]) -> None:
        from .advisories import mark

        for image, scan_type in results.to_be_repeated(self.store, mark(), clock.now()):
            self._jobs.add("scan", image=image, type=scan_type)


def rule_of(repository: Repository) -> Rule:
    """The current scan rule of *repository*."""
    config = backend(repository.account_id, repository.region_name).registry_scanning_configuration
    own = repository.image_scanning_configuration or {}
    return rule_for(repository.name, config, bool(own.get("scanOnPush")))
