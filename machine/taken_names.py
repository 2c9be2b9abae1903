"""On AWS, somebody else already has something with a name of the course: the course refuses it, and touches nothing."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from machine import foreign, foreign_here, inventory
from machine.account import ACCOUNT, GLOBAL, REGION, client
from machine.commands import run
from machine.foreign import Thing

IMAGE = "demo-app-repo:latest"
# The kind, the name, and a notebook that makes one.
TAKEN = (
    ("repository", "demo-app-repo", "09"),
    ("repository", "no-such-repo", "08"),
    ("public repository", "demo-public-hello", "02"),
    ("user", "demo-pusher", "03"),
    ("policy", "demo-push-policy", "03"),
    ("role", "demo-execution", "13"),
    ("cluster", "demo-cluster", "13"),
    ("task definition", "demo-app", "13"),
    ("log group", "/ecs/demo-app", "13"),
    ("function", "demo-function", "13"),
    ("image", IMAGE, "06"),
)


def problems() -> Iterator[str]:
    """A sentence for each case in which the course does not refuse, or touches something."""
    home = Path.home()
    for kind, name, notebook in TAKEN:
        made = _make(kind, name)
        try:
            before = inventory.take(home, everywhere=False)
            refused = _catch_up(notebook)
            changes = inventory.differences(before, inventory.take(home, everywhere=False))
        finally:
            _remove(kind, name, made)
        if "ECR_TUTORIAL_PREFIX" not in refused or name.partition(":")[0] not in refused:
            yield f"the {kind} {name} is taken, and notebook {notebook} does not refuse it: {refused or 'no error'}"
        yield from (f"the {kind} {name} is taken, and notebook {notebook} changed: {change}" for change in changes)


def _catch_up(notebook: str) -> str:
    """The error with which the first cell of this notebook ends; empty if there is none."""
    code = f"import helpers; helpers.connect().catch_up({notebook!r})"
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return (got.stderr.strip().splitlines() or [""])[-1] if got.returncode else ""


def _make(kind: str, name: str) -> Thing:
    region = GLOBAL if kind in foreign.WITHOUT_REGION else REGION
    thing = Thing(kind, ACCOUNT, region, name, {})
    if kind == "image":
        foreign_here.load(name)
    else:
        foreign.MAKE[kind](thing)
    return thing


def _remove(kind: str, name: str, thing: Thing) -> None:
    """Delete it again, with what belongs to it, as an administrator."""
    if kind == "image":
        run(["docker", "rmi", "--force", name])
        return
    from helpers.cleanup import iam, repositories, workloads
    from helpers.cleanup.kinds import Place

    place = Place(partial(_client, thing), ACCOUNT, thing.region)
    public = repositories.all_public_kinds(place) if kind == "public repository" else []
    for each in [*workloads.all_kinds(place), *repositories.all_kinds(place), *public, *iam.all_kinds(place)]:
        if each.name == kind:
            for found in each.get(name):
                found.delete()


def _client(thing: Thing, service: str) -> Any:
    return client(thing.account, service, thing.region)
