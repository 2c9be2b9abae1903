"""Builds the two images of Containerfile for tests, from Debian's image or, without a registry, from its packages."""

import subprocess
from collections.abc import Mapping

from machine import stand_in
from machine.commands import find, last_lines
from machine.project import CACHE, ROOT

PREFIX = "learn-amazon-ecr-tests"
NAMES = {"ENGINE_IMAGE": f"{PREFIX}-engine", "COURSE_IMAGE": f"{PREFIX}-course"}
DEBIAN = "debian:13-slim"
STAND_IN = f"{PREFIX}-debian:13"


def build(environment: Mapping[str, str]) -> str:
    """Build both images; return why that is not possible here, or an empty text. An error of the build is raised."""
    base = _base(environment)
    if not base:
        return f"{DEBIAN} cannot be pulled, and mmdebstrap is not installed"
    for target in ("engine", "course"):
        name = NAMES[f"{target.upper()}_IMAGE"]
        argv = ["--file", "Containerfile", "--build-arg", f"BASE={base}", "--target", target, "--tag", name, "."]
        got = _run("docker", "build", "--quiet", *argv, environment=environment)
        assert got.returncode == 0, got.stderr
    return ""


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
        changes = [word for change in stand_in.config(bundle)[:-2] for word in ("--change", change)]
        got = _run("docker", "import", *changes, str(tar), STAND_IN, environment=environment)
        assert got.returncode == 0, got.stderr
    finally:
        tar.unlink(missing_ok=True)
    return True


def _run(*argv: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(argv, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
