"""Everything that a learner could lose by the course: the accounts, the Docker engine, the files of AWS and Docker.

It is taken before and after a rehearsal; `differences` says in one sentence each what changed.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from machine import account
from machine.commands import run

FILES = (".aws", ".docker")  # in the learner's home folder
OF_CLIENTS = {"buildx", "cache"}  # folders of Docker's builder and of the AWS CLI, which they write at each use
OF_TESTS = "learn-amazon-ecr-tests"  # images that keep the build cache of the tests' runs

Inventory = dict[str, Any]


def take(home: Path, everywhere: bool = True) -> Inventory:
    """What there is now, by name: each with its properties. *everywhere* is that of `account.contents`."""
    return account.contents(everywhere) | engine() | files(home)


def engine() -> Inventory:
    """The images, containers, volumes and networks of the Docker engine."""
    found: Inventory = {}
    for image in _docker("image", "ls", "--no-trunc", "--digests"):
        is_named = image["Repository"] != "<none>"
        name = f"{image['Repository']}:{image['Tag']}@{image['Digest']}" if is_named else image["ID"]
        if OF_TESTS not in name:
            found[f"image {name}"] = {"id": image["ID"]}
    for container in _docker("container", "ls", "--all", "--no-trunc"):
        kept = ("ID", "Image", "State", "Labels", "Mounts", "Command")
        found[f"container {container['Names']}"] = {key: container[key] for key in kept}
    for volume in _docker("volume", "ls"):
        found[f"volume {volume['Name']}"] = {"labels": volume["Labels"]}
    for network in _docker("network", "ls", "--no-trunc"):
        found[f"network {network['Name']}"] = {"id": network["ID"]}
    return found


def files(home: Path) -> Inventory:
    """The learner's files of AWS and Docker, with their content as a digest, and who may read them."""
    paths = [path for name in FILES for path in sorted((home / name).rglob("*")) if path.is_file()]
    paths = [path for path in paths if not OF_CLIENTS & set(path.parts)]
    return {
        f"file ~/{path.relative_to(home)}": {
            "content": hashlib.sha256(path.read_bytes()).hexdigest(),
            "mode": oct(path.stat().st_mode),
        }
        for path in paths
    }


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """``["left: …", "deleted: …", "changed: NAME: PROPERTY was … and is …"]``; empty if nothing changed."""
    found = [f"left: {name}" for name in after if name not in before]
    found += [f"deleted: {name}" for name in before if name not in after]
    for name in (each for each in before if each in after):
        was, now = before[name], after[name]
        changed = sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key))
        found += [f"changed: {name}: {key} was {was.get(key)} and is {now.get(key)}" for key in changed]
    return found


def _docker(*command: str) -> list[dict[str, str]]:
    """What a list of the engine has; RuntimeError if there is no answer."""
    got = run(["docker", *command, "--format", "{{json .}}"])
    if got.returncode:
        raise RuntimeError(f"docker {' '.join(command)}: {got.stderr.strip()}")
    return [json.loads(line) for line in got.stdout.splitlines()]
