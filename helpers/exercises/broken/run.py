"""Exercise 09.2: a container ``demo-broken`` of the image in ECR, or images in ECR, with something wrong."""

import random

from helpers import settings
from helpers.catch_up import docker
from helpers.cleanup import engine
from helpers.lab import Lab

from ..lookup import digests_by_tag, image
from . import containers, images, local_images
from .kinds import Facts, Kind
from .tools import create_repository, delete_repository, log_in

CONTAINER, HIDING = engine.TASK_CONTAINER, f"{settings.PREFIX}menus"
ADDRESS = "127.0.0.1"
WRONG_PORTS = ("80/tcp", "5000/tcp", "8000/tcp")
WRONG_COMMANDS = (["gunicorn", "--bind=0.0.0.0:8080", "app:create_app"], ["flask", "serve"], ["python", "main.py"])
LABEL = "approved-by"


def _start(lab: Lab, name: str, **options) -> str:
    """Run the container again from this image; what happens to its page."""
    log_in(lab)
    docker("pull", "--quiet", name)
    if old := engine.container(lab, CONTAINER):
        old.remove(force=True)
    return containers.open_page(lab.engine().containers.run(name, detach=True, name=CONTAINER, **options))[0]


def _wrong_port(lab: Lab, rng: random.Random) -> Facts:
    port = rng.choice(WRONG_PORTS)
    _start(lab, f"{lab.repository_uri}:v1", ports={port: (ADDRESS, None)})
    return {"port": port}


def _no_port(lab: Lab, _: random.Random) -> Facts:
    _start(lab, f"{lab.repository_uri}:v1")
    return {}


def _wrong_command(lab: Lab, rng: random.Random) -> Facts:
    command = rng.choice(WRONG_COMMANDS)
    _start(lab, f"{lab.repository_uri}:v1", ports={containers.PORT: (ADDRESS, None)}, command=command)
    return {"command": " ".join(command)}


def _page_wrong(lab: Lab, _: Facts) -> str:
    container = engine.container(lab, CONTAINER)
    if not container:
        return f"there is no container {CONTAINER}"
    digest = image(lab, settings.REPOSITORY, "v1")["imageDigest"]
    if f"{lab.repository_uri}@{digest}" not in container.image.attrs["RepoDigests"]:
        return f"{CONTAINER} runs another image than v1 in {settings.REPOSITORY}"
    return containers.open_page(container)[0]


def _moved_tag(lab: Lab, rng: random.Random) -> Facts:
    version, stable = f"1.0.{rng.randrange(1, 10)}", f"{lab.repository_uri}:stable"
    log_in(lab)
    docker("pull", "--quiet", f"{lab.repository_uri}:v1")
    docker("build", "-q", "-t", stable, "-", stdin=f"FROM {lab.repository_uri}:v1\nENV APP_VERSION={version}\n")
    docker("push", "--quiet", stable)
    digest = image(lab, settings.REPOSITORY, "stable")["imageDigest"]
    docker("tag", f"{lab.repository_uri}:v1", stable)  # as on a machine that pulled it before it moved
    if old := engine.container(lab, CONTAINER):
        old.remove(force=True)
    ports = {containers.PORT: (ADDRESS, None)}
    containers.open_page(lab.engine().containers.run(stable, detach=True, name=CONTAINER, ports=ports))
    return {"version": version, "digest": digest}


def _moved_wrong(lab: Lab, facts: Facts) -> str:
    container = engine.container(lab, CONTAINER)
    if not container:
        return f"there is no container {CONTAINER}"
    if digests_by_tag(lab, settings.REPOSITORY).get("stable") != facts["digest"]:
        return "stable in ECR is no longer the fixed image"
    problem, page = containers.open_page(container)
    if problem or facts["version"] in page:
        return problem
    return f"the page of {CONTAINER} does not show version {facts['version']}"


def _hidden_tag(lab: Lab, rng: random.Random) -> Facts:
    ecr = lab.client()
    delete_repository(ecr, HIDING)
    create_repository(lab, HIDING)
    tags = [f"build-{number}" for number in rng.sample(range(100, 1000), 6)]
    hidden = rng.choice(tags)
    digests = {}
    for tag in tags:
        config = {**local_images.BUSY, "Labels": {LABEL: "chef" if tag == hidden else "nobody"}}
        digests[tag] = images.push_greeting(ecr, HIDING, tag, greeting=tag, config=config)
    return {"tag": hidden, "digest": digests[hidden]}


def _hidden_wrong(lab: Lab, facts: Facts) -> str:
    stable = digests_by_tag(lab, HIDING).get("stable")
    if not stable:
        return f"{HIDING} has no tag stable yet"
    return "" if stable == facts["digest"] else "stable is an image that the chef did not approve"


KINDS = {
    "wrong-port": Kind(_wrong_port, _page_wrong),
    "no-port": Kind(_no_port, _page_wrong),
    "wrong-command": Kind(_wrong_command, _page_wrong),
    "moved-tag": Kind(_moved_tag, _moved_wrong),
    "hidden-tag": Kind(_hidden_tag, _hidden_wrong),
}
