"""What the tests of deploy/ need besides the course: an environment of their own, and the two images."""

import json
import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from machine import clients, locked_venv
from machine.project import CACHE, ROOT
from machine.say import Stop
from tests.deploy import images


@pytest.fixture(scope="session")
def python() -> Path:
    """The Python of an environment with JupyterHub and KubeSpawner; the test is skipped where it cannot be had."""
    try:
        return locked_venv.ensure(
            CACHE / "deploy" / "venv",
            ROOT / "deploy" / "tests.lock",
            "Installing JupyterHub into .cache/deploy: half a minute, the first time",
        )
    except Stop as stop:
        pytest.skip(str(stop))


@pytest.fixture(scope="session")
def preflight() -> ModuleType:
    """The program deploy/preflight.py as a module."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("preflight", ROOT / "deploy" / "preflight.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def render(python):
    """A function that returns the pod of these files of values, and what Kubernetes' schema says against it."""

    def rendered(*values: Path) -> tuple[dict, str]:
        script = ROOT / "tests" / "deploy" / "render.py"
        got = subprocess.run([python, script, *values], capture_output=True, text=True)
        assert got.returncode == 0, got.stderr
        answer = json.loads(got.stdout)
        return answer["pod"], answer["error"]

    return rendered


@pytest.fixture(scope="session")
def compose(tmp_path_factory) -> dict[str, str]:
    """The environment in which `docker compose` and `docker buildx` work, and use the images of this checkout."""
    folder = tmp_path_factory.mktemp("docker")
    (folder / "cli-plugins").mkdir()
    for program in ("docker-compose", "docker-buildx"):
        if not (path := clients.find(program)):
            pytest.skip(f"not installed: {program} (run: python -m machine.clients)")
        (folder / "cli-plugins" / program).symlink_to(path)
    environment = os.environ | {"DOCKER_CONFIG": str(folder), **images.NAMES}
    if why := images.build(environment) or images.why_no_engine(environment):
        pytest.skip(why)
    return environment
