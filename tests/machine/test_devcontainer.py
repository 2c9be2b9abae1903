"""The development container calls targets that the Makefile has, forwards the lab's port, and is pinned.

A container is not built here. What is not tried is in docs/teaching.md.
"""

import json
import os
import re
import shlex
import subprocess
from itertools import pairwise

from jupyter_server.serverapp import ServerApp

from machine.project import ROOT

FOLDER = ROOT / ".devcontainer"
CONFIG = json.loads((FOLDER / "devcontainer.json").read_text())
LOCK = json.loads((FOLDER / "devcontainer-lock.json").read_text())
CODESPACE = {"CODESPACE_NAME": "octocat-lab", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.dev"}


def made(command: str, **environ: str) -> str:
    """What `make` would run for this command of the container, in a folder like that of a container."""
    of_make = re.compile("MAKE|MFLAGS")  # with these, a make inside of make prints more lines
    inherited = {name: value for name, value in os.environ.items() if not (name in CODESPACE or of_make.match(name))}
    done = subprocess.run(
        command, shell=True, cwd=ROOT, env=inherited | {"MAKEFLAGS": "n"} | environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def lab_options(**environ: str) -> dict[str, str]:
    """The options with which JupyterLab would start: ``{"--port": "8888", …}``."""
    command = made(CONFIG["postAttachCommand"], **environ).replace("\\\n", " ").splitlines()[-1]
    assert "jupyter lab" in command
    words = [part for word in shlex.split(command) for part in word.split("=", 1)]
    return {name: value for name, value in pairwise([*words, ""]) if name.startswith("--")}


def test_it_is_set_up_by_make_setup():
    assert "machine.setup" in made(CONFIG["postCreateCommand"])


def test_it_forwards_the_port_of_the_lab():
    options = lab_options()
    assert [options["--port"]] == [str(port) for port in CONFIG["forwardPorts"]] == list(CONFIG["portsAttributes"])
    assert options["--ServerApp.port_retries"] == "0"  # another port would not be forwarded


def test_in_a_codespace_the_lab_accepts_the_address_of_its_port_and_no_other():
    origin = f"https://octocat-lab-{CONFIG['forwardPorts'][0]}.app.github.dev"
    assert lab_options(**CODESPACE)["--ServerApp.allow_origin"] == origin
    assert "--ServerApp.allow_origin" not in lab_options()


def test_jupyterlab_has_these_options():
    names = [name.partition(".")[2] for name in lab_options(**CODESPACE) if name.startswith("--ServerApp.")]
    assert len(names) == 3
    assert all(ServerApp.class_traits(config=True).get(name) for name in names)


def test_the_image_and_the_features_are_pinned():
    digest = r"sha256:[0-9a-f]{64}"
    assert re.fullmatch(rf"mcr\.microsoft\.com/devcontainers/python:[\w.-]+@{digest}", CONFIG["image"])
    assert LOCK["features"].keys() == CONFIG["features"].keys()
    for name, locked in LOCK["features"].items():
        feature, _, version = name.rpartition(":")
        assert locked["version"] == version
        assert locked["resolved"] == f"{feature}@{locked['integrity']}"
        assert re.fullmatch(digest, locked["integrity"])


def test_the_python_of_the_image_is_new_enough():
    image = re.search(r"-(\d+\.\d+)-", CONFIG["image"])
    least = re.search(r'^requires-python = ">=(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert image and least
    assert [*map(int, image[1].split("."))] >= [*map(int, least[1].split("."))]
