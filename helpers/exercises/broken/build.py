"""Exercise 06.1: a copy of the sample app in ``$BROKEN``, built as ``demo-app-repo:broken``, or four images."""

import json
import random
import re
import shutil
from pathlib import Path

from helpers import catch_up, settings
from helpers.catch_up import docker, image_id
from helpers.errors import LabError
from helpers.lab import Lab

from ..lookup import is_root
from . import containers, local_images
from .kinds import Facts, Kind
from .tools import new_folder

NUMBER = "06.1"
IMAGE = f"{settings.REPOSITORY}:broken"
CANDIDATES = tuple(f"{settings.REPOSITORY}:build-{number}" for number in (41, 42, 43, 44))
DISHES = ("Dumplings", "Lentil soup", "Pancakes", "Risotto", "Ramen")
# Steps that copy the whole folder, as BuildKit and as the classic builder write them into an image's history.
COPIES_ALL = re.compile(r"(COPY|ADD) (\.|\./|\*|app\.py)( |$)|(COPY|ADD) (dir|multi):")


def _copy(lab: Lab, rng: random.Random) -> tuple[Path, Facts]:
    """A new copy of the app; its greeting shows later from which folder an image was built."""
    local_images.remove(lab, IMAGE, *CANDIDATES)
    folder = new_folder(NUMBER)
    shutil.copytree(catch_up.SAMPLE_APP, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    greeting = rng.choice(DISHES)
    _edit(folder / "app.py", "Hello from a container!", greeting)
    return folder, {"greeting": greeting}


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    if text.count(old) != 1:
        raise LabError(f"{file.name} of sample_app was changed: it needs “{old}” once.", "git checkout sample_app")
    file.write_text(text.replace(old, new))


def _built(lab: Lab, folder: Path, facts: Facts) -> Facts:
    """The image is built, and what happens when it runs."""
    docker("build", "-q", "-t", IMAGE, str(folder))
    return {**facts, "message": containers.try_image(lab, IMAGE)[0]}


def _ignored_file(lab: Lab, rng: random.Random) -> Facts:
    folder, facts = _copy(lab, rng)
    pattern = rng.choice(("templates", "**/*.html", "t*s"))
    _edit(folder / ".dockerignore", "\n*.md\n", f"\n{pattern}\n*.md\n")
    return {**_built(lab, folder, facts), "pattern": pattern}


def _wrong_command(lab: Lab, rng: random.Random) -> Facts:
    folder, facts = _copy(lab, rng)
    wrong = rng.choice(("app:application", "server:app", "app.app"))
    _edit(folder / "Dockerfile", '"app:app"', f'"{wrong}"')
    return {**_built(lab, folder, facts), "wrong": wrong}


def _localhost_only(lab: Lab, rng: random.Random) -> Facts:
    folder, facts = _copy(lab, rng)
    _edit(folder / "Dockerfile", "--bind=0.0.0.0:8080", "--bind=127.0.0.1:8080")
    return _built(lab, folder, facts)


def _page_wrong(lab: Lab, facts: Facts) -> str:
    if not image_id(lab, IMAGE):
        return f"this machine has no image {IMAGE}"
    problem, page = containers.try_image(lab, IMAGE)
    if problem or facts["greeting"] in page:
        return problem
    return f"{IMAGE} was not built from $BROKEN: its page does not say {facts['greeting']}"


def _as_root(lab: Lab, rng: random.Random) -> Facts:
    folder, facts = _copy(lab, rng)
    _edit(folder / "Dockerfile", '\nCMD ["gunicorn"', '\nUSER root\nCMD ["gunicorn"')
    return _built(lab, folder, facts)


def _root_wrong(lab: Lab, facts: Facts) -> str:
    if wrong := _page_wrong(lab, facts):
        return wrong
    user = lab.engine().images.get(IMAGE).attrs["Config"].get("User")
    return f"containers of {IMAGE} still run as root" if is_root(user) else ""


def _slow_build(lab: Lab, rng: random.Random) -> Facts:
    folder, facts = _copy(lab, rng)
    _edit(folder / "Dockerfile", "\nCOPY . .\n", "\n")
    _edit(folder / "Dockerfile", "COPY requirements.txt .\n", "COPY . .\n")
    return facts


def _slow_wrong(lab: Lab, facts: Facts) -> str:
    if wrong := _page_wrong(lab, facts):
        return wrong
    steps = [step["CreatedBy"] for step in reversed(lab.engine().images.get(IMAGE).history())]
    install = next((place for place, step in enumerate(steps) if "pip install" in step), len(steps))
    if any(COPIES_ALL.search(step) for step in steps[:install]):
        return "a change in app.py still repeats pip install"
    return ""


def _platform(lab: Lab, rng: random.Random) -> Facts:
    local_images.remove(lab, IMAGE, *CANDIDATES)
    odd = rng.choice(CANDIDATES)
    ids = {}
    for name in CANDIDATES:
        processor = "arm64" if name == odd else "amd64"
        ids[name] = local_images.load(lab, name, greeting=name, architecture=processor, labels={"for": "fargate"})
    return {"odd": odd, "ids": json.dumps(ids)}


def _platform_wrong(lab: Lab, facts: Facts) -> str:
    for name, was in json.loads(facts["ids"]).items():
        now = image_id(lab, name)
        if name != facts["odd"] and now != was:
            return f"{name} is gone or another image now, but Fargate could start it"
        if name == facts["odd"] and now:
            return "the image that Fargate cannot start is still here"
    return ""


KINDS = {
    "ignored-file": Kind(_ignored_file, _page_wrong),
    "wrong-command": Kind(_wrong_command, _page_wrong),
    "localhost-only": Kind(_localhost_only, _page_wrong),
    "root": Kind(_as_root, _root_wrong),
    "slow-build": Kind(_slow_build, _slow_wrong),
    "platform": Kind(_platform, _platform_wrong),
}
