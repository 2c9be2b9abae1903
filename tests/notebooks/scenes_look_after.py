"""The scenes and screenshots of notebooks 10 to 14."""

import json
from typing import Any

from tests.notebooks.scenes import Screenshot, Stage, pushed
from tests.sandbox.fargate import NETWORK

PROTECTED, LIFECYCLE = "demo-protected-repo", "demo-lifecycle-repo"
WEEK = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
DAY = 24 * 60 * 60
TRUST = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}


def scanned(stage: Stage) -> None:
    """A filter for scan on push."""
    filters = [{"filter": "demo-scan-*", "filterType": "WILDCARD"}]
    rules = [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters}]
    stage.ecr.put_registry_scanning_configuration(scanType="BASIC", rules=rules)


def protected(stage: Stage) -> None:
    """An immutable repository, with filters for the tags that move."""
    stage.at(9, 5)
    filters = [{"filterType": "WILDCARD", "filter": each} for each in ("latest", "dev-*")]
    mode = {"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filters}
    tags = [{"Key": "made-by", "Value": "learn-amazon-ecr"}]
    stage.ecr.create_repository(repositoryName=PROTECTED, tags=tags, **mode)


def grown(stage: Stage) -> None:
    """Five builds of ten days ago: three without a tag, latest, and v1.0."""
    stage.at(9, 5)
    stage.ecr.create_repository(repositoryName=LIFECYCLE)
    for minute, tag in enumerate((None, "v1.0", None, None, "latest"), 10):
        stage.at(9, minute)
        stage.pusher.push(LIFECYCLE, [bytes([minute]) * 5_000_000], tag)
    stage.sandbox.forward(10 * DAY)


def stopped(stage: Stage) -> None:
    """A task that stopped because its role may not get a password."""
    pushed(stage)
    iam, ecs = stage.sandbox.client("iam"), stage.sandbox.client("ecs")
    document = json.dumps({"Version": "2012-10-17", "Statement": [TRUST]})
    role = iam.create_role(RoleName="demo-execution", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    ecs.create_cluster(clusterName="demo-cluster")
    ecs.register_task_definition(
        family="demo-app",
        containerDefinitions=[{"name": "app", "image": f"{stage.sandbox.registry}/demo-app-repo:v1"}],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="512",
        memory="1024",
        executionRoleArn=role,
    )
    request = {"cluster": "demo-cluster", "launchType": "FARGATE", "networkConfiguration": NETWORK}
    [task] = ecs.run_task(taskDefinition="demo-app", **request)["tasks"]
    waiter = ecs.get_waiter("tasks_stopped")
    waiter.wait(cluster="demo-cluster", tasks=[task["taskArn"]], WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})


def run_the_test(page: Any) -> None:
    """Enter the notebook's policy, click *Save and run test*, and show the result."""
    rule = {"rulePriority": 1, "selection": WEEK, "action": {"type": "expire"}}
    page.get_by_label("Policy JSON").fill(json.dumps({"rules": [rule]}))
    page.get_by_role("button", name="Save and run test").click()
    page.get_by_text("3 images would expire.").wait_for()
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")


def open_task(page: Any) -> None:
    """Click the task in the list."""
    page.get_by_role("region", name="Table: tasks").get_by_role("link").click()
    page.get_by_text("Stopped reason").wait_for()


def fill_in(page: Any) -> None:
    """Write what the notebook registers."""
    page.get_by_label("Task definition family").fill("demo-app")
    page.get_by_label("CPU").select_option("512")
    page.get_by_label("Memory").select_option("1024")
    page.get_by_label("Name", exact=True).fill("app")
    page.get_by_label("Image URI").fill("localhost:5050/demo-app-repo:v1")
    page.get_by_label("Container port").fill("8080")


def open_delete(page: Any) -> None:
    """Choose the repository, and click *Delete*."""
    page.get_by_role("radio", name="Choose demo-app-repo").check()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_label("To confirm deletion").fill("delete")


SCREENSHOTS = {
    "console-scanning": Screenshot(
        scanned,
        "ecr/private-registry/scanning",
        "Scanning, in the sandbox's console",
        "A form: basic or enhanced scanning, the filters of scan on push, here demo-scan-*, and the button Save.",
        height=760,
    ),
    "console-mutability": Screenshot(
        protected,
        f"ecr/repositories/private/{PROTECTED}/_/edit",
        "Edit demo-protected-repo, in the sandbox's console",
        "A form: image tag mutability, with Immutable chosen, and the exclusions latest and dev-*.",
        height=600,
    ),
    "console-lifecycle": Screenshot(
        grown,
        f"ecr/repositories/private/{LIFECYCLE}/_/lifecycle-policy",
        "The test of a lifecycle policy, in the sandbox's console",
        "The policy as JSON, the buttons for the test and for applying it, and a table of the three images that match.",
        act=run_the_test,
        height=820,
    ),
    "console-task-definition": Screenshot(
        stopped,
        "ecs/create-task-definition",
        "Create new task definition, in the sandbox's console",
        "A form: the family, CPU and memory of Fargate, the task execution role, and the container with its image.",
        act=fill_in,
    ),
    "console-task": Screenshot(
        stopped,
        "ecs/clusters/demo-cluster",
        "A stopped task, in the sandbox's console",
        "The task's status Stopped, its stop code, and the stopped reason, which names ecr:GetAuthorizationToken.",
        act=open_task,
        height=760,
    ),
    "console-delete": Screenshot(
        pushed,
        "ecr/private-registry/repositories",
        "Delete demo-app-repo, in the sandbox's console",
        "A dialog that asks to enter the word delete, with the buttons Cancel and Delete.",
        act=open_delete,
        opens="ecr/delete-repository?repository=demo-app-repo",
        height=340,
    ),
}
