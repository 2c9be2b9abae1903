"""Clients other than docker, each with a home, a login and a storage of its own: nothing of the user's is read."""

import base64
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from machine import clients
from tests.sandbox.conftest import Sandbox

# Run by root, podman's family keeps notes in these folders; what this machine has there stays as it is.
NOTES = {"podman": ("/var/lib", "/run"), "buildah": ("/var/lib", "/run"), "skopeo": ("/var/lib",)}


def apart(program: str) -> str:
    """What goes before a command of this program so that it sees these folders empty."""
    if program not in NOTES or not sys.platform.startswith("linux") or os.geteuid() != 0:
        return ""
    mounts = " && ".join(f"mount -t tmpfs tmpfs {folder}" for folder in NOTES[program])
    return f"unshare --mount sh -c '{mounts} && exec \"$@\"' sh "


def need(*programs: str, root: bool = False) -> pytest.MarkDecorator:
    """Skip without these programs; with *root*, also for anybody else, and where there is no Linux."""
    lacking = [program for program in programs if not clients.find(program)]
    reason = f"not here: {', '.join(lacking)} (python -m machine.clients gets it where it can)"
    if root and not lacking and not (sys.platform.startswith("linux") and os.geteuid() == 0):
        reason, lacking = f"{', '.join(programs)} with a storage apart needs root on Linux", list(programs)
    return pytest.mark.skipif(bool(lacking), reason=reason)


class Client:
    """Runs such programs against a sandbox; *ecr* is boto3's client of whoever logs in with it."""

    def __init__(self, sandbox: Sandbox, home: Path, ecr: Any):
        self.sandbox, self.home, self.ecr = sandbox, home, ecr
        files = {
            ".config/containers/policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}',
            "storage.conf": f'[storage]\ndriver = "vfs"\ngraphroot = "{home}/graph"\nrunroot = "{home}/run"\n',
            "containers.conf": f'[engine]\ntmp_dir = "{home}/tmp"\n[network]\nnetwork_config_dir = "{home}/net"\n',
            "docker/config.json": '{"auths": {"sandbox.invalid": {}}}',
        }
        for name, text in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        self.environ = {
            "HOME": str(home),
            "TMPDIR": str(home),
            "PATH": f"{sandbox.env['PATH']}:{clients.CLIENTS / 'bin'}",
            "REGISTRY_AUTH_FILE": str(home / "auth.json"),
            "CONTAINERS_STORAGE_CONF": str(home / "storage.conf"),
            "CONTAINERS_CONF": str(home / "containers.conf"),
            "BUILDAH_ISOLATION": "chroot",
            "DOCKER_CONFIG": str(home / "docker"),
        }

    def run(self, command: str, check: bool = True) -> str:
        """What *command* prints, on both streams; with *check*, it must succeed, else it must fail."""
        return self.sandbox.run(f"{apart(command.split()[0])}{command}", check, **self.environ)

    def refused(self, command: str) -> str:
        """What *command* prints when it fails; it must fail."""
        return self.run(command, check=False)

    def login(self, command: str) -> str:
        """Log in to the sandbox's registry by *command*, which reads the password from its standard input."""
        [token] = self.ecr.get_authorization_token()["authorizationData"]
        _, password = base64.b64decode(token["authorizationToken"]).decode().split(":", 1)
        return self.run(f"{command} {self.sandbox.registry} <<< {shlex.quote(password)}")


@pytest.fixture
def client(sandbox: Sandbox, tmp_path: Path) -> Client:
    """The administrator's."""
    return Client(sandbox, tmp_path / "home", sandbox.client())


def context(folder: Path, content: bytes = b"") -> Path:
    """A folder to build from: an image of one file with random content, which needs no base and no command."""
    folder.mkdir(exist_ok=True)
    (folder / "file").write_bytes(content or os.urandom(50_000))
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY file /\nLABEL made=by-a-test\n")
    return folder


def media_types(sandbox: Sandbox, repository: str) -> dict[str, list[str]]:
    """What kind of image each tag of a repository names, and under "" those that no tag names."""
    found: dict[str, list[str]] = {}
    for image in sandbox.client().describe_images(repositoryName=repository)["imageDetails"]:
        for tag in image.get("imageTags", [""]):
            found.setdefault(tag, []).append(image["imageManifestMediaType"])
    return found
