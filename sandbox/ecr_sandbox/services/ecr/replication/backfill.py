"""The job of a backfill: it copies the images that existed before the rules, and continues after an interruption."""

from typing import Any

from ecr_sandbox.registry.image import Image
from ecr_sandbox.registry.manifest_format import INDEXES
from ecr_sandbox.services.ecr.backend import Backend, Repository, backend

from . import copying, subscriptions
from .backfill_table import COMPLETE, FAILED, IN_PROGRESS, PREPARING, RUNNING, STOPPED, STOPPING, Backfill, Backfills
from .copying import CannotReplicate, Gone
from .rules import Destination, destinations

GONE = "ImageNotFound"


def run(what: dict[str, Any]) -> None:
    """Run the job. Images that cannot be copied are among its results, and do not stop it."""
    table = Backfills(Backend.store)
    backfill = table.get(what["id"])
    if backfill and backfill.status == PREPARING:
        with Backend.store.change():
            table.plan(backfill, _images(backfill))
    while backfill := table.get(what["id"]):
        row = table.open(backfill)
        if backfill.status == IN_PROGRESS and row:
            code, index = _copied(backfill, row["repository"], row["digest"], row["tag"])
            table.done(row["number"], FAILED if code else COMPLETE, code, ([code] if code else []) if index else None)
        else:
            return _end(table, backfill)


def give_up(what: dict[str, Any]) -> None:
    """End a backfill whose job failed or was interrupted too often."""
    table = Backfills(Backend.store)
    if (backfill := table.get(what["id"])) and backfill.status in RUNNING:
        table.set_status(backfill, FAILED)


def _end(table: Backfills, backfill: Backfill) -> None:
    with Backend.store.change():
        now = table.get(backfill.id)
        if now and now.status in (IN_PROGRESS, STOPPING):
            table.set_status(now, STOPPED if now.status == STOPPING else COMPLETE)


def _images(backfill: Backfill) -> list[tuple[str, str, str | None]]:
    """Each image and tag of the repositories that are replicated to the destination."""
    state, there = backend(backfill.account, backfill.region), (backfill.to_account, backfill.to_region)
    rules = subscriptions.rules(backfill.account, backfill.region)
    return [
        (name, digest, tag)
        for name, repository in sorted(state.repositories.items())
        if there in [each[:2] for each in destinations(rules, name)]
        for _, digest, tag in repository.images.ids()
    ]


def _copied(backfill: Backfill, name: str, digest: str, tag: str | None) -> tuple[str | None, bool]:
    """The failure code, if the copy failed, and whether the image is an index."""
    with Backend.store.lock:
        repository: Repository | None = backend(backfill.account, backfill.region).repositories.get(name)
    image = repository.images.find(digest=digest) if repository else None
    if repository is None or image is None:
        return GONE, False
    return _code(repository, image, tag, Destination(backfill.to_account, backfill.to_region)), _is_index(image)


def _code(repository: Repository, image: Image, tag: str | None, to: Destination) -> str | None:
    try:
        copying.copy(repository, image, tag, to)
    except Gone:
        return GONE
    except CannotReplicate as no:
        copying.fail(repository, image, tag, to, no.code)
        return no.code
    except OSError:
        copying.fail(repository, image, tag, to, copying.SERVER_ERROR)
        return copying.SERVER_ERROR
    return None


def _is_index(image: Image) -> bool:
    return image.media_type in INDEXES
