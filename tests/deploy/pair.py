"""A running pair of containers, the course and its engine, as `docker compose` starts it."""

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from machine.project import ROOT

FILE = ROOT / "deploy" / "compose.yaml"
SANITIZE = ROOT / "tests" / "notebooks"
COURSE = "/home/learner/learn-amazon-ecr"
NBVAL = "python -m pytest -q --color=no -p no:cacheprovider --nbval --nbval-current-env --nbval-cell-timeout=300"


class Pair:
    """The containers of the project *name*; *environment* is that of the fixture `compose`."""

    def __init__(self, name: str, environment: Mapping[str, str], *more: Path):
        self.argv = ["docker", "compose", "--project-name", name]
        for file in (FILE, *more):
            self.argv += ["--file", str(file)]
        self.environment = {**environment, "PORT": "0"}  # any free port

    def call(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Call `docker compose` with these arguments."""
        got = subprocess.run(
            [*self.argv, *arguments], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert got.returncode == 0 or not check, got.stdout + got.stderr
        return got

    def up(self) -> None:
        self.call("up", "--detach", "--no-build", "--quiet-pull")

    def remove(self) -> None:
        """End both containers and delete their volumes."""
        self.call("down", "--volumes", "--timeout", "5")

    def url(self) -> str:
        """The address of JupyterLab, without a token."""
        return f"http://{self.call('port', 'engine', '8888').stdout.strip()}"

    def run(self, command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run a shell command as the learner, in the folder of the course."""
        return self.call("exec", "--no-TTY", "--workdir", COURSE, "course", "sh", "-c", command, check=check)

    def nbval(self, notebook: str) -> "subprocess.CompletedProcess[str]":
        """Run a notebook with the engine's build cache filled, and compare its outputs with the stored ones."""
        # Debian 13 has Docker 26, which says `Mounted from` where 28 says `Pushed`.
        other = (SANITIZE / "other_docker.cfg").read_text()
        pattern = re.search(r"^\[layers-of-a-push\]\n(?:.+\n)+", other, re.MULTILINE)
        assert pattern
        with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
            file.write(f"{(SANITIZE / 'sanitize.cfg').read_text()}\n{pattern[0]}")
            file.flush()
            os.chmod(file.name, 0o644)
            self.call("cp", file.name, "course:/tmp/sanitize.cfg")
        self.run("python -c 'import helpers; helpers.connect()' && docker build --quiet --tag warm sample_app")
        return self.run(f"{NBVAL} --nbval-sanitize-with=/tmp/sanitize.cfg notebooks/{notebook}*.ipynb", check=False)

    def figures(self) -> dict[str, tuple[float, float]]:
        """Of each container, its memory in MiB without cached files, and the seconds of processor since its start."""
        import docker  # the hub of the tests has no such package

        names = self.call("ps", "--format", "{{.Service}} {{.ID}}").stdout.split()
        found = {}
        with contextlib.closing(docker.from_env()) as engine:
            for service, container in zip(names[::2], names[1::2], strict=True):
                stats = engine.containers.get(container).stats(stream=False)
                details = stats["memory_stats"]["stats"]
                cached = details.get("total_inactive_file", details.get("inactive_file", 0))
                memory = (stats["memory_stats"]["usage"] - cached) / 2**20
                found[service] = (memory, stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9)
        return found
