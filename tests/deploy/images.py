"""Builds the two images of Containerfile for tests, from Debian's image or, without a registry, from its packages.

What the course needs besides its own files is an image of its own, INSTALLED, with the digest of what goes in as its
tag. So after a change of the course only its own files are copied, even if the engine's build cache was emptied.
"""

import hashlib
import re
import shlex
import subprocess
from collections.abc import Mapping

from machine import stand_in
from machine.clean import LABEL
from machine.commands import find, last_lines
from machine.inventory import OF_TESTS
from machine.project import CACHE, ROOT

NAMES = {"ENGINE_IMAGE": f"{OF_TESTS}-engine", "COURSE_IMAGE": f"{OF_TESTS}-course"}
INSTALLED = f"{OF_TESTS}-installed"
DEBIAN = "debian:13-slim"
STAND_IN = f"{OF_TESTS}-debian:13"
FILE = (ROOT / "Containerfile").read_text()
KEPT = 2  # images of INSTALLED: this checkout's, and that of another branch


# What programs say in a build that reaches neither Debian's archive nor the package index.
NO_NETWORK = re.compile(r"Temporary failure|Could not resolve|Failed to fetch|Network is unreachable|timed out")
# What the engine of a learner needs; `docker run` itself fails where this engine does not give it.
RIGHTS = ["--cap-add=SYS_ADMIN", "--cap-add=NET_ADMIN", "--security-opt=seccomp=unconfined"]
RIGHTS += ["--security-opt=apparmor=unconfined", "--security-opt=systempaths=unconfined"]


class BuildFailed(Exception):
    """The output of a build that failed."""


def build(environment: Mapping[str, str]) -> str:
    """Build both images; return why that is not possible here, or an empty text. An error of the build is raised."""
    base = _base(environment)
    if not base:
        return f"{DEBIAN} cannot be pulled, and mmdebstrap is not installed"
    try:
        return _build_all(base, environment)
    except BuildFailed as failed:
        if NO_NETWORK.search(str(failed)):
            return f"the images cannot be built without a network: {last_lines(str(failed), 1).strip()}"
        raise


def why_no_engine(environment: Mapping[str, str]) -> str:
    """Why no Docker engine can run in a container here; empty if it can."""
    argv = [
        "docker",
        "run",
        "--rm",
        *RIGHTS,
        "--entrypoint=mount",
        NAMES["ENGINE_IMAGE"],
        "-t",
        "tmpfs",
        "none",
        "/mnt",
    ]
    got = _run(*argv, environment=environment)
    return f"a container gets no right to mount here: {last_lines(got.stderr, 1).strip()}" if got.returncode else ""


def _build_all(base: str, environment: Mapping[str, str]) -> str:
    identity = _run("docker", "image", "inspect", "--format", "{{.Id}}", base, environment=environment).stdout
    installed = f"{INSTALLED}:{digest(identity)}"
    if _run("docker", "image", "inspect", installed, environment=environment).returncode:
        _build("installed", installed, environment, f"BASE={base}")
        _remove_old(environment)
    for target in ("engine", "course"):
        name = NAMES[f"{target.upper()}_IMAGE"]
        _build(target, name, environment, f"BASE={base}", f"INSTALLED={installed}")
    _run("docker", "image", "prune", "--force", "--filter", f"label={LABEL}", environment=environment)
    return ""


def copied(containerfile: str) -> set[str]:
    """The files and folders that these instructions copy from the checkout."""
    copies = re.findall(r"^COPY (?!--from)(.+)$", containerfile.replace("\\\n", " "), re.MULTILINE)
    return {source.replace("[e]", "e").removesuffix("/") for words in copies for source in shlex.split(words)[:-1]}


def digest(base: str) -> str:
    """Of all that goes into INSTALLED: the id of its base, its instructions and its files; the start of a SHA-256."""
    instructions = FILE[: FILE.index("FROM ${INSTALLED}")]
    found = hashlib.sha256(f"{base}{instructions}".encode())
    for source in sorted(copied(instructions)):
        path = ROOT / source
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return found.hexdigest()[:16]


def _build(target: str, name: str, environment: Mapping[str, str], *arguments: str) -> None:
    given = [word for argument in arguments for word in ("--build-arg", argument)]
    argv = ["--file", "Containerfile", "--label", f"{LABEL}=true", *given, "--target", target, "--tag", name, "."]
    got = _run("docker", "build", "--quiet", *argv, environment=environment)
    if got.returncode:
        raise BuildFailed(got.stderr)


def _remove_old(environment: Mapping[str, str]) -> None:
    """Remove all images of INSTALLED but the newest."""
    listed = _run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", INSTALLED, environment=environment)
    for name in listed.stdout.split()[KEPT:]:
        _run("docker", "image", "rm", name, environment=environment)


def _base(environment: Mapping[str, str]) -> str:
    """The name of an image of Debian 13; empty if there can be none."""
    for name in (STAND_IN, DEBIAN):
        if _run("docker", "image", "inspect", name, environment=environment).returncode == 0:
            return name
    if _run("docker", "pull", "--quiet", DEBIAN, environment=environment).returncode == 0:
        return DEBIAN
    return STAND_IN if find("mmdebstrap") and _debootstrap(environment) else ""


def _debootstrap(environment: Mapping[str, str]) -> bool:
    """Import Debian 13, with the certificates of this machine, as STAND_IN."""
    tar, bundle = CACHE / "debian-13.tar", stand_in.host_bundle()
    trusted = [f"--customize-hook=upload {bundle} {stand_in.BUNDLE}"] if bundle else []
    argv = ["--mode=root", "--variant=minbase", "--include=ca-certificates", *trusted, "trixie", str(tar)]
    try:
        got = _run("mmdebstrap", *argv, environment=environment)
        assert got.returncode == 0, last_lines(got.stderr)
        changes = [*stand_in.config(bundle)[:-2], f"LABEL {LABEL}=true"]
        given = [word for change in changes for word in ("--change", change)]
        got = _run("docker", "import", *given, str(tar), STAND_IN, environment=environment)
        assert got.returncode == 0, got.stderr
    finally:
        tar.unlink(missing_ok=True)
    return True


def _run(*argv: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(argv, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
