"""One exercise of each notebook from 10 to 14, done in the console as its text says."""

import json
import re
import subprocess

import pytest

from helpers import settings
from helpers.exercises import prepare
from helpers.exercises.broken import roles, task_definitions
from helpers.exercises.broken.tools import log_in
from helpers.exercises.part3_look_after import LIFECYCLE, PROTECTED
from tests.helpers.exercises.learner import Learner
from tests.sandbox.fargate import small_image


def test_the_registry_scans_the_repositories_of_one_team(plain, learner):
    mine = learner("10.2")
    mine.open("ecr/private-registry/repositories")
    mine.press("Scanning")
    mine.page.get_by_role("radio", name=mine.knows("Basic scanning")).check()
    mine.write(mine.knows("Scan on push filters"), "team-*")
    mine.press("Save")
    mine.sees("The scanning configuration was saved.")
    mine.is_done()


def test_only_two_kinds_of_tags_can_move(plain, learner):
    filters = [{"filterType": "WILDCARD", "filter": each} for each in ("latest", "dev-*", "qa-*")]
    mode = {"imageTagMutability": "MUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filters}
    plain.client().create_repository(repositoryName=PROTECTED, **mode)
    mine = learner("11.1")
    mine.open(f"ecr/repositories/private/{PROTECTED}")
    mine.press("Edit")
    choices = mine.page.get_by_role("group", name=mine.knows("Image tag mutability"))
    choices.get_by_role("radio", name="Immutable").check()
    for field in ("Filter 1", "Filter 2", "Filter 3"):
        mine.write(field, "")
    mine.write("Filter 2", "branch-*")
    mine.press("Add filter")
    mine.write("Filter 4", "nightly")
    mine.press("Save")
    mine.sees("The settings were saved.")
    mine.is_done()


def test_a_policy_of_three_rules(plain, learner):
    plain.client().create_repository(repositoryName=LIFECYCLE)
    mine = learner("12.1")
    mine.open(f"ecr/repositories/private/{LIFECYCLE}")
    mine.press("Lifecycle policy")
    for status, tags, criterion, number in (
        ("Tagged (wildcard matching)", "v*", "Image count", "10"),
        ("Tagged (wildcard matching)", "dev-*", "Image count", "3"),
        ("Untagged", "", "Days since image created", "7"),
    ):
        assert mine.page.get_by_role("heading", name=mine.knows("Create rule")).is_visible()
        mine.page.get_by_label("Image status").select_option(status)
        mine.write("Specify tags for wildcard or prefix matching", tags)
        mine.page.get_by_label("Match criteria").select_option(criterion)
        mine.write("Number", number)
        mine.press("Save")
        mine.sees(f"{criterion}: {number}")
    mine.is_done()


@pytest.fixture
def broken_role(with_engine):
    """Notebook 13's cluster, and demo-broken: a task definition, and a role that may not pull the layers."""
    lab = with_engine
    lab.client().create_repository(repositoryName=settings.REPOSITORY)
    lab.client("ecs").create_cluster(clusterName="demo-cluster")
    name = f"{lab.repository_uri}:v1"
    log_in(lab)
    small_image(name)
    subprocess.run(["docker", "push", "-q", name], check=True, capture_output=True)
    less = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"]
    role = roles.new(lab, "demo-broken", [roles.allow(less, "*")])
    app = {"image": name, "command": ["sleep", "600"], "stopTimeout": 2}
    task_definitions.register(lab, "demo-broken", app, role)
    lab.client("iam").delete_role_policy(RoleName="demo-broken", PolicyName="pull")
    lab.client("iam").put_role_policy(
        RoleName="demo-broken", PolicyName="own", PolicyDocument=document(roles.allow(less, "*"))
    )
    return lab


def document(*statements: dict) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=1)


def test_a_role_is_repaired_and_its_task_runs_and_is_stopped(broken_role, learner):
    arn = broken_role.client().describe_repositories()["repositories"][0]["repositoryArn"]
    mine = learner("13.2")
    mine.open("iam/roles/demo-broken")
    mine.press("Edit", "Edit own")
    mine.write("Policy", document(*roles.pull(arn)))
    mine.press("Save policy")
    mine.sees("Saved the inline policy own.")
    mine.open("ecs/clusters/demo-cluster")
    mine.press("Run new task")
    mine.page.get_by_label("Task definition family").select_option("demo-broken")
    mine.press("Create")
    mine.sees_status("Running")
    mine.page.get_by_role("link", name="Stop task").click()
    mine.page.get_by_role("dialog").get_by_role("button", name=mine.knows("Stop")).click()
    mine.sees_status("Stopped")
    mine.is_done()


@pytest.fixture
def left_behind(plain, drawn):
    """Prepare one kind of 14.1; the facts about it."""

    def prepared(kind: str):
        drawn(kind)
        prepare("14.1")
        return plain

    return prepared


def confirm(mine: Learner, word: str = "delete") -> None:
    """Enter *word* in the dialog, and press its button."""
    dialog = mine.page.get_by_role("dialog")
    dialog.get_by_label("To confirm deletion").fill(word)
    dialog.get_by_role("button", name=re.compile("^Delete")).click()


def test_a_repository_in_another_region(left_behind, learner):
    left_behind("other-region")
    mine = learner("14.1")
    mine.open("")
    mine.page.get_by_role("link", name=mine.knows("Switch user")).click()
    mine.page.get_by_label(mine.knows("Region")).select_option("eu-west-1")
    mine.page.get_by_role("button", name="Switch").click()
    mine.page.get_by_role("radio", name="Choose demo-forgotten").check()
    mine.press("Delete")
    confirm(mine)
    mine.sees("Successfully deleted repository demo-forgotten.")
    mine.is_done()


def test_a_public_repository(left_behind, learner):
    left_behind("public")
    mine = learner("14.1")
    mine.open("ecr/public-registry/repositories")
    mine.press("Delete", "Delete demo-forgotten")
    confirm(mine)
    mine.sees("Successfully deleted repository demo-forgotten.")
    mine.is_done()


def test_a_user_with_a_key(left_behind, learner):
    [name] = [
        each["UserName"]
        for each in left_behind("user").client("iam").list_users()["Users"]
        if each["UserName"].startswith(settings.PREFIX)
    ]
    mine = learner("14.1")
    mine.open(f"iam/users/{name}")
    mine.press("Delete")
    confirm(mine, name)
    mine.sees(f"The user {name} was deleted.")
    mine.is_done()


def test_a_service_and_all_that_belongs_to_it(left_behind, learner):
    left_behind("service")
    mine = learner("14.1")
    mine.open("ecs/clusters/demo-forgotten")
    mine.press("Delete", "Delete service demo-forgotten")
    confirm(mine)
    mine.sees("No services.")
    mine.press("Delete", "Delete cluster")
    confirm(mine, "delete demo-forgotten")
    mine.sees("Cluster demo-forgotten was deleted.")
    mine.open("ecs/task-definitions/demo-forgotten")
    mine.page.get_by_role("link", name=re.compile(f"^{mine.knows('Deregister')} demo-forgotten")).click()
    mine.page.get_by_role("dialog").get_by_role("button", name="Deregister").click()
    mine.page.get_by_role("link", name=re.compile("^Delete demo-forgotten")).click()
    confirm(mine)
    mine.sees("was deleted.")
    mine.open("iam/roles/demo-forgotten")
    mine.press("Delete")
    confirm(mine, "demo-forgotten")
    mine.sees("The role demo-forgotten was deleted.")
    mine.is_done()
