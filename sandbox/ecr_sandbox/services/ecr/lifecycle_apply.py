"""A run of a lifecycle policy: it deletes or archives the images that ``evaluate.py`` selects, in one change."""

from typing import Any

from ecr_sandbox.registry.image import ACTIVE, ARCHIVE
from ecr_sandbox.state import clock

from . import archive
from .backend import Backend, Repository, backend
from .lifecycle import images, schedule
from .lifecycle.evaluate import Verdict, evaluate
from .lifecycle.images import Key
from .lifecycle.policy import EXPIRE, parse


def run(job: dict[str, Any]) -> None:
    """The job: as many daily runs as are due, until one selects nothing; then the next is due in a day.

    A second run matters after an index was deleted: only then can its images be deleted.
    """
    key = (job["account"], job["region"], job["repository"])
    for _ in range(schedule.days_due(Backend.store, key)):
        if not run_once(key):
            break


def skip(job: dict[str, Any]) -> None:
    """After a job that failed or was interrupted too often: the next run is due in a day."""
    key = (job["account"], job["region"], job["repository"])
    with Backend.store.change():
        if _repository(key):
            schedule.done(Backend.store, Backend.jobs, key, clock.now())


def run_once(key: Key) -> dict[str, Verdict]:
    """One run; returns the applied verdicts. It locks the store only if there are any."""
    looked = clock.now()  # before the run: the clock may advance during it
    if not verdicts(key, looked):
        with Backend.store.change():
            if _repository(key):
                schedule.done(Backend.store, Backend.jobs, key, looked)
        return {}
    with Backend.store.change():
        now = clock.now()
        found = verdicts(key, now)  # evaluated again, because images may have changed
        if repository := _repository(key):
            _carry_out(repository, found)
            schedule.done(Backend.store, Backend.jobs, key, now)
        return found


def verdicts(key: Key, now: float) -> dict[str, Verdict]:
    """The verdicts of the repository's policy on its images at that Unix time."""
    with Backend.store.lock:  # moto's backends are not thread-safe
        repository = _repository(key)
        text = repository.lifecycle_policy if repository else None
    return evaluate(parse(text), images.of(Backend.store, key), now) if text else {}


def _repository(key: Key) -> Repository | None:
    """The repository, if it exists and has a policy."""
    account, region, name = key
    found = backend(account, region).repositories.get(name)
    return found if found and found.lifecycle_policy else None


def _carry_out(repository: Repository, found: dict[str, Verdict]) -> None:
    repository.delete_images([{"imageDigest": digest} for digest, each in found.items() if each.action == EXPIRE])
    for digest in [digest for digest, each in found.items() if each.action != EXPIRE]:
        image = repository.images.find(digest=digest)
        if image and image.status == ACTIVE:  # otherwise it was archived with its subject, or is being restored
            archive.move(repository, image, ARCHIVE)
