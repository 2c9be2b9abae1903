"""Which Docker engine, builder and AWS CLI the notebooks use here, in words."""

import json
import os
import re
import subprocess
from functools import cache

from helpers import settings


def in_use() -> str:
    """One line: ``Docker engine 28.5.2 (containerd image store), BuildKit, AWS CLI 2.38.5``."""
    engine = json.loads(_output("docker", "info", "--format", "{{json .}}") or "{}")
    store = "containerd image store" if is_containerd(engine) else "classic image store"
    cli = re.search(r"aws-cli/(\S+)", _output(str(settings.aws_cli()), "--version"))
    return (
        f"Docker engine {engine.get('ServerVersion', 'that does not answer')} ({store}), "
        f"{'BuildKit' if builds_with_buildkit() else 'the classic builder'}, "
        f"AWS CLI {cli[1] if cli else 'that is missing'}"
    )


@cache
def is_recorded_kind() -> bool:
    """Whether Docker is of the kind with which the outputs are recorded: containerd's image store and BuildKit."""
    return is_containerd() and builds_with_buildkit()


def is_containerd(engine: dict | None = None) -> bool:
    """Whether the engine keeps its images in containerd, as new installations do; *engine* is its ``docker info``."""
    if engine is None:
        engine = json.loads(_output("docker", "info", "--format", "{{json .}}") or "{}")
    return ["driver-type", "io.containerd.snapshotter.v1"] in (engine.get("DriverStatus") or [])


def builds_with_buildkit() -> bool:
    """Whether ``docker build`` uses BuildKit: since Docker 23 by default, and only with the plugin buildx."""
    version = re.search(r"Docker version (\d+)", _output("docker", "--version"))
    chosen = os.environ.get("DOCKER_BUILDKIT")
    if version and int(version[1]) < 23:
        return chosen == "1"
    return chosen != "0" and bool(_output("docker", "buildx", "version"))


def _output(*command: str) -> str:
    """What the command prints on standard output; empty if it fails."""
    try:
        got = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except OSError:
        return ""
    return got.stdout if got.returncode == 0 else ""
