"""Containerfile, .dockerignore and compose.yaml fit together. The images are built by the tests marked `soak`."""

import json
import re
import subprocess

import yaml

from machine.project import ROOT
from tests.deploy import images

FILE = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
IGNORE = (ROOT / ".dockerignore").read_text().splitlines()


def sources() -> set[str]:
    """The files and folders that Containerfile copies from the checkout."""
    return images.copied(FILE)


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


def test_the_base_image_has_what_notebooks_install_in_it():
    notebooks = "".join(path.read_text() for path in (ROOT / "notebooks").glob("*.ipynb"))
    installed = set(re.findall(r"^ *\"RUN pip install .*?(\S+==[\w.]+)", notebooks, re.MULTILINE))
    assert installed
    (downloaded,) = re.findall(r"^RUN for wanted in (.+?); do", FILE, re.MULTILINE)
    assert set(downloaded.split()) == {"--requirement=/base-image/requirements.txt"} | installed


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


def test_the_engine_has_the_store_that_shows_why_a_push_was_refused():
    """Debian 13 has Docker 26: with containerd's image store it prints `403 Forbidden` and not what ECR says."""
    features = json.loads((ROOT / "deploy" / "engine.json").read_text()).get("features", {})
    assert "containerd-snapshotter" not in features
