"""One exercise of 04, 05, 08 and 09, done in the console as its text says, and in a terminal where it needs one."""

import json
import os
import subprocess

import pytest

from helpers import settings
from helpers.exercises import checks, prepare
from helpers.exercises.broken.tools import log_in
from helpers.exercises.part2_step_by_step import ORDERED
from tests.sandbox.fargate import small_image


def terminal(command: str) -> str:
    """What *command* prints as a cell's command; it must succeed."""
    done = subprocess.run(["bash", "-c", command], env=os.environ, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_repository_as_the_team_orders_it(plain, learner):
    mine = learner("04.1")
    mine.open("")
    mine.press("Create repository")
    mine.write(mine.knows("Repository name"), ORDERED)
    mine.page.get_by_role("radio", name=mine.knows("Immutable")).check()
    mine.page.locator("summary", has_text=mine.knows("Image scanning settings")).click()
    mine.page.get_by_label("Scan on push").check()
    mine.page.locator("summary", has_text=mine.knows("Tags")).click()
    mine.page.get_by_label("Tags", exact=True).fill("cost-center=4711\nmade-by=learn-amazon-ecr")
    mine.press("Create")
    mine.sees(f"Successfully created repository {ORDERED}.")
    mine.is_done()


def test_the_login_is_repaired_by_a_copied_command(with_engine, drawn, learner):
    with_engine.client().create_repository(repositoryName=settings.REPOSITORY)
    drawn("wrong-region")
    prepare("05.2")
    assert checks.verdict("05.2")[0] is False
    mine = learner("05.2")
    mine.open(f"ecr/repositories/private/{settings.REPOSITORY}")
    mine.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    mine.press("View push commands")
    mine.press(mine.knows("Copy"), "Copy step 1")
    terminal(mine.page.evaluate("navigator.clipboard.readText()"))
    mine.is_done()


def test_a_policy_that_denies_the_push_is_changed(with_engine, drawn, learner):
    drawn("denied")
    prepare("08.1")
    mine = learner("08.1")
    mine.open("ecr/repositories/private/demo-deliveries")
    tabs = mine.page.get_by_role("navigation", name="Repository")
    tabs.get_by_role("link", name=mine.knows("Permissions")).click()
    policy = mine.page.get_by_role("textbox", name="Policy", exact=True)
    document = json.loads(policy.input_value())
    document["Statement"] = [each for each in document["Statement"] if each["Effect"] == "Allow"]
    policy.fill(json.dumps(document))
    mine.press("Save")
    mine.page.get_by_role("status").wait_for()
    mine.open("ecr/repositories/private/demo-deliveries")
    terminal(f"docker push {with_engine.registry}/demo-deliveries:1.0")
    mine.page.get_by_role("link", name="1.0", exact=True).wait_for()  # without a reload
    mine.is_done()


@pytest.fixture
def running(with_engine):
    """The container of notebook 09, and its image under two tags in ECR."""
    lab = with_engine
    lab.client().create_repository(repositoryName=settings.REPOSITORY)
    log_in(lab)
    tagged = [f"{lab.repository_uri}:{tag}" for tag in ("v1", "latest")]
    small_image(tagged[0])
    terminal(f"docker tag {' '.join(tagged)}; docker push {tagged[0]}; docker push {tagged[1]}")
    digest = lab.client().list_images(repositoryName=settings.REPOSITORY)["imageIds"][0]["imageDigest"]
    terminal(f"docker run --detach --name learn-ecr-demo {lab.repository_uri}@{digest} sleep 600")
    yield lab
    terminal("docker rm --force learn-ecr-demo; docker rmi demo-app-repo:pinned")


def test_the_tags_of_a_containers_image_are_read_in_the_list(running, learner):
    address = terminal("docker inspect --format '{{.Config.Image}}' learn-ecr-demo").strip()
    terminal(f"docker tag {address} demo-app-repo:pinned")
    mine = learner("09.1")
    mine.open(f"ecr/repositories/private/{settings.REPOSITORY}")
    assert mine.page.get_by_role("columnheader", name=mine.knows("Digest")).is_visible()
    assert mine.page.get_by_role("columnheader", name=mine.knows("Image tag")).is_visible()
    digest = address.partition("@")[2]
    row = mine.page.get_by_role("row").filter(has_text=digest[:19])
    tags = row.get_by_role("link").inner_text().split(", ")
    done, line = checks.verdict("09.1", tags)
    assert done, line
