"""Clients other than docker. Each has its own home folder, login and storage, and reads no file of the user."""

import base64
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from machine import clients
from tests.sandbox.conftest import Sandbox

# As root, these programs write to these folders. The tests must not change the machine's files there.
SYSTEM_FOLDERS = {"podman": ("/var/lib", "/run"), "buildah": ("/var/lib", "/run"), "skopeo": ("/var/lib",)}


def isolated(program: str) -> str:
    """The prefix for a command of this program that gives it empty system folders."""
    if program not in SYSTEM_FOLDERS or not sys.platform.startswith("linux") or os.geteuid() != 0:
        return ""
    mounts = " && ".join(f"mount -t tmpfs tmpfs {folder}" for folder in SYSTEM_FOLDERS[program])
    return f"unshare --mount sh -c '{mounts} && exec \"$@\"' sh "


def need(*programs: str, root: bool = False) -> pytest.MarkDecorator:
    """Skip the test without these programs. With *root*, also skip it for other users and outside Linux."""
    missing = [program for program in programs if not clients.find(program)]
    reason = f"not installed: {', '.join(missing)} (run: python -m machine.clients)"
    if root and not missing and not (sys.platform.startswith("linux") and os.geteuid() == 0):
        reason, missing = f"{', '.join(programs)} needs root on Linux for its own storage", list(programs)
    return pytest.mark.skipif(bool(missing), reason=reason)


class Client:
    """Runs these programs against a sandbox; *ecr* is the boto3 client of the user that logs in."""

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
        """The output of *command*, both streams. It must succeed with *check*, and fail without."""
        return self.sandbox.run(f"{isolated(command.split()[0])}{command}", check, **self.environ)

    def refused(self, command: str) -> str:
        """The output of *command*, which must fail."""
        return self.run(command, check=False)

    def login(self, command: str) -> str:
        """Log in to the sandbox's registry with *command*, which reads the password from standard input."""
        [token] = self.ecr.get_authorization_token()["authorizationData"]
        _, password = base64.b64decode(token["authorizationToken"]).decode().split(":", 1)
        return self.run(f"{command} {self.sandbox.registry} <<< {shlex.quote(password)}")


@pytest.fixture
def client(sandbox: Sandbox, tmp_path: Path) -> Client:
    """The clients with the administrator's login."""
    return Client(sandbox, tmp_path / "home", sandbox.client())


def context(folder: Path, content: bytes = b"") -> Path:
    """A build context for an image of one random file, without a base image and RUN commands."""
    folder.mkdir(exist_ok=True)
    (folder / "file").write_bytes(content or os.urandom(50_000))
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY file /\nLABEL made=by-a-test\n")
    return folder


def media_types(sandbox: Sandbox, repository: str) -> dict[str, list[str]]:
    """The media types of a repository's images by tag; untagged images have the key ""."""
    found: dict[str, list[str]] = {}
    for image in sandbox.client().describe_images(repositoryName=repository)["imageDetails"]:
        for tag in image.get("imageTags", [""]):
            found.setdefault(tag, []).append(image["imageManifestMediaType"])
    return found
