"""A running pair of containers, the course and its engine, as `docker compose` starts it."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from machine.project import ROOT

FILE = ROOT / "deploy" / "compose.yaml"
SANITIZE = ROOT / "tests" / "notebooks"
COURSE = "/home/learner/learn-amazon-ecr"
NBVAL = "python -m pytest -q --color=no -p no:cacheprovider --nbval --nbval-current-env --nbval-cell-timeout=900"
# The rule is in a table in which Docker writes nothing. Answers to the published port are no new connections.
NO_WAY_OUT = """
until [ -e /run/iptables/iptables ]; do sleep 0.1; done
/run/iptables/iptables --wait --table mangle --append POSTROUTING --out-interface eth0 \\
    --match conntrack --ctstate NEW --jump DROP
"""


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

    def up_without_a_way_out(self) -> None:
        """As `up`, and what the pair sends to the outside is dropped, as by the network policy of values.yaml."""
        self.call("up", "--detach", "--no-build", "--quiet-pull", "engine")
        self.call("exec", "--no-TTY", "engine", "sh", "-ec", NO_WAY_OUT)
        self.up()

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
        """Run a notebook with the engine's build cache filled, and compare its outputs with the stored ones.

        The engine is not of the kind with which the outputs were stored: see tests/notebooks/programs.py.
        """
        from helpers import settings  # the hub of the tests has no such packages
        from tests.notebooks import clean_state

        with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
            file.write("\n".join((SANITIZE / f"{name}.cfg").read_text() for name in ("sanitize", "other_docker")))
            file.flush()
            os.chmod(file.name, 0o644)
            self.call("cp", file.name, "course:/tmp/sanitize.cfg")
        self.run("python -c 'import helpers; helpers.connect()' && docker build --quiet --tag warm sample_app")
        seed = f"{settings.SEED}={clean_state.SEED}"
        return self.run(
            f"{seed} {NBVAL} --nbval-sanitize-with=/tmp/sanitize.cfg notebooks/{notebook}*.ipynb", check=False
        )

    def containers(self) -> dict[str, str]:
        """The id of the container of each service."""
        words = self.call("ps", "--format", "{{.Service}} {{.ID}}").stdout.split()
        return dict(zip(words[::2], words[1::2], strict=True))

    def disk(self) -> dict[str, float]:
        """What the volume of each container takes, in MiB; the engine's is its images."""
        folders = {"course": "/home/learner", "engine": "/var/lib/docker"}
        measured = {
            service: self.call("exec", "--no-TTY", "--user", "0", service, "du", "-s", "-m", folder).stdout
            for service, folder in folders.items()
        }
        return {service: float(text.split()[0]) for service, text in measured.items()}


def figures(container: str) -> tuple[float, float]:
    """The memory of a container in MiB, without cached files, and the seconds of processor since its start."""
    import docker

    with contextlib.closing(docker.from_env()) as engine:
        stats = engine.api.stats(container, stream=False, one_shot=True)
    details = stats["memory_stats"]["stats"]
    cached = details.get("total_inactive_file", details.get("inactive_file", 0))
    return (stats["memory_stats"]["usage"] - cached) / 2**20, stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
