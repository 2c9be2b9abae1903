"""Containerfile, .dockerignore and compose.yaml fit together. The images are built by the tests marked `soak`."""

import json
import re
import shlex
import subprocess

import yaml

from machine.project import ROOT

FILE = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
IGNORE = (ROOT / ".dockerignore").read_text().splitlines()


def sources() -> set[str]:
    """The files and folders that Containerfile copies from the checkout."""
    copies = re.findall(r"^COPY (?!--from)(.+)$", FILE, re.MULTILINE)
    return {source.replace("[e]", "e").removesuffix("/") for words in copies for source in shlex.split(words)[:-1]}


def test_what_is_copied_is_in_the_context_and_exists():
    allowed = {line[1:] for line in IGNORE if line.startswith("!")}
    for source in sources():
        assert any(source == one or source.startswith(f"{one}/") for one in allowed), source
        assert (ROOT / source).exists() or source == ".cache/base-image", source


def test_nothing_else_is_in_the_context():
    used = sources()
    for line in IGNORE:
        if line.startswith("!"):
            assert any(source == line[1:] or source.startswith(f"{line[1:]}/") for source in used), line


def test_the_learner_is_not_root():
    assert re.findall(r"^USER (.+)$", FILE, re.MULTILINE)[-1] == "1000:1000"


def test_the_programs_of_the_images_are_executable_and_are_shell():
    for name in ("engine.sh", "course.sh", "base_image.sh"):
        assert (ROOT / "deploy" / name).stat().st_mode & 0o111
        assert subprocess.run(["sh", "-n", ROOT / "deploy" / name]).returncode == 0


def test_both_services_are_in_one_network_that_only_this_machine_reaches():
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    assert services["course"]["network_mode"] == "service:engine"
    assert all(port.startswith("127.0.0.1:") for port in services["engine"]["ports"])
    assert "ports" not in services["course"]


def test_the_engine_and_the_course_use_the_same_socket():
    socket = re.search(r"DOCKER_HOST=unix://(\S+)", FILE)
    assert socket and f"--host unix://{socket[1]} " in (ROOT / "deploy" / "engine.sh").read_text()


def test_the_engine_stores_images_as_new_installations_do():
    """So the outputs of the notebooks are those that are stored."""
    assert json.loads((ROOT / "deploy" / "engine.json").read_text())["features"]["containerd-snapshotter"] is True
