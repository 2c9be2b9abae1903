"""A policy is acted on: what it takes is deleted or archived, all in one change, by the rules of ``evaluate.py``."""

from typing import Any

from ecr_sandbox.registry.image import ACTIVE, ARCHIVE
from ecr_sandbox.services.ecr import archive
from ecr_sandbox.services.ecr.backend import Backend, Repository, backend
from ecr_sandbox.state import clock

from . import images, schedule
from .evaluate import Verdict, evaluate
from .images import Key
from .policy import EXPIRE, parse


def run(what: dict[str, Any]) -> None:
    """The job: as many daily runs as are due, until one finds nothing more; then it is left for tomorrow.

    A second run matters after an index went: only then may its images go.
    """
    key = (what["account"], what["region"], what["repository"])
    for _ in range(schedule.days_due(Backend.store, key)):
        if not sweep(key):
            break


def sweep(key: Key) -> dict[str, Verdict]:
    """One run: the verdicts that were carried out. Others wait for it only when there are any."""
    looked = clock.now()  # not when that is noted: the clock may be moved on meanwhile
    if not verdicts(key, looked):
        with Backend.store.change():
            if _repository(key):
                schedule.done(Backend.store, Backend.jobs, key, looked)
        return {}
    with Backend.store.change():
        now = clock.now()
        found = verdicts(key, now)  # anything may have happened since
        if repository := _repository(key):
            _carry_out(repository, found)
            schedule.done(Backend.store, Backend.jobs, key, now)
        return found


def verdicts(key: Key, now: float) -> dict[str, Verdict]:
    """What a repository's own policy says at that Unix time of its images."""
    with Backend.store.lock:  # moto's backends are not thread-safe
        repository = _repository(key)
        text = repository.lifecycle_policy if repository else None
    return evaluate(parse(text), images.of(Backend.store, key), now) if text else {}


def _repository(key: Key) -> Repository | None:
    """The repository, if it is there and has a policy."""
    account, region, name = key
    found = backend(account, region).repositories.get(name)
    return found if found and found.lifecycle_policy else None


def _carry_out(repository: Repository, found: dict[str, Verdict]) -> None:
    repository.delete_images([{"imageDigest": digest} for digest, each in found.items() if each.action == EXPIRE])
    for digest in [digest for digest, each in found.items() if each.action != EXPIRE]:
        image = repository.images.find(digest=digest)
        if image and image.status == ACTIVE:  # else it went with its subject, or is on its way back
            archive.move(repository, image, ARCHIVE)
