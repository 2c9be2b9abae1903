"""Reads what the points of the capstone examine: the releases, their scans, the lifecycle policy and the tasks."""

from typing import Any, NamedTuple

import ecr_sandbox
from ecr_sandbox import SandboxError
from helpers import cleanup, fargate, scans, settings
from helpers.lab import Lab
from helpers.list_all import list_all

from . import lookup, permissions
from .checks import NotYet

PAGE_SECONDS = 10  # how long the page of a new task may take
EXCEPTIONS = "scan-exceptions"  # the tag of the repository that lists accepted findings; also scan-exceptions-2, …
STOPPED_ON_PURPOSE = ("UserInitiated", "ServiceSchedulerInitiated")


class Entry(NamedTuple):
    """What is checked: a repository, the tags of the releases, the role that pushes, and the one that pulls."""

    repository: str
    releases: tuple[str, ...]
    pusher: str
    execution_role: str


def repository(lab: Lab, mine: Entry) -> dict:
    """The repository as ECR describes it, or NotYet."""
    return lookup.repository(lab, mine.repository, "notebook 04 creates one")


def released(lab: Lab, mine: Entry, release: str) -> dict:
    """The image of the release as ECR describes it, or NotYet."""
    repository(lab, mine)
    return lookup.image(lab, mine.repository, release, "notebooks 06 to 08 build, tag and push one")


def digests(lab: Lab, mine: Entry, release: str) -> set[str]:
    """The digest of the release, and those of its images if it is an index: ECS may report either."""
    return {released(lab, mine, release)["imageDigest"], *images_in(lab, mine, release)}


def images_in(lab: Lab, mine: Entry, release: str) -> list[str]:
    """The digests of the images in the release if it is an index."""
    manifest = lookup.stored_manifest(lab, mine.repository, imageTag=release)
    return [each["digest"] for each in manifest.get("manifests", [])]


def course_images(lab: Lab) -> set[str]:
    """The digests in the course's own repository, if it exists."""
    try:
        return set(lookup.digests_by_tag(lab, settings.REPOSITORY).values())
    except NotYet:
        return set()


def scan(lab: Lab, mine: Entry, release: str) -> dict:
    """The response of ``describe_image_scan_findings`` for the last scan, with all findings; NotYet without a scan."""
    ecr, digest = lab.client(), released(lab, mine, release)["imageDigest"]
    try:
        return scans.last(ecr, mine.repository, {"imageDigest": digest})
    except ecr.exceptions.ScanNotFoundException:
        if images_in(lab, mine, release):
            raise NotYet(
                f"{release} is an index, which ECR does not scan", "notebook 06 explains attestations"
            ) from None
        raise NotYet(f"{release} was not scanned", "notebook 10 turns it on, or starts a scan") from None


def exceptions(lab: Lab, mine: Entry) -> set[str]:
    """The vulnerabilities that the repository's tags ``scan-exceptions…`` list."""
    arn = repository(lab, mine)["repositoryArn"]
    tags = lab.client().list_tags_for_resource(resourceArn=arn)["tags"]
    return {name for each in tags if each["Key"].startswith(EXCEPTIONS) for name in each["Value"].split()}


def lifecycle_rules(lab: Lab, mine: Entry) -> tuple:
    """The rules of the repository's lifecycle policy, or NotYet."""
    ecr = lab.client()
    try:
        text = ecr.get_lifecycle_policy(repositoryName=mine.repository)["lifecyclePolicyText"]
    except ecr.exceptions.LifecyclePolicyNotFoundException:
        raise NotYet(f"{mine.repository} has no lifecycle policy yet", "notebook 12 writes one") from None
    return ecr_sandbox.parse_lifecycle_policy(text)


def lifecycle_images(lab: Lab, mine: Entry) -> "tuple[list[ecr_sandbox.LifecycleImage], float]":
    """The images of the repository as lifecycle rules see them, and when the newest was pushed (Unix time)."""
    found = list_all(lab.client(), "describe_images", "imageDetails", repositoryName=mine.repository)
    found.sort(key=lambda each: each["imagePushedAt"])
    images = [
        ecr_sandbox.LifecycleImage(
            each["imageDigest"], tuple(each.get("imageTags", ())), each["imagePushedAt"].timestamp()
        )
        for each in found
    ]
    return images, images[-1].pushed_at


def tasks(lab: Lab, mine: Entry) -> list[dict]:
    """The tasks, running or stopped, that use an image of the repository, in any cluster, newest first; or NotYet."""
    ecs, address = lab.client("ecs"), f"{lab.registry}/{mine.repository}"
    found = [
        task
        for cluster in list_all(ecs, "list_clusters", "clusterArns")
        for status in ("RUNNING", "STOPPED")
        for task in fargate.tasks(ecs, cluster, desiredStatus=status)
    ]
    ours = [each for each in found if each["containers"][0].get("image", "").startswith((f"{address}:", f"{address}@"))]
    if not ours:
        raise NotYet(f"no task has used an image of {mine.repository} yet", "notebook 13 runs one")
    return sorted(ours, key=lambda each: each["createdAt"], reverse=True)


def running(lab: Lab, mine: Entry, release: str) -> bool:
    """Whether a task that is not stopped or about to stop runs this release."""
    wanted = digests(lab, mine, release)
    return any(
        "STOPPED" not in (each["lastStatus"], each.get("desiredStatus"))
        and each["containers"][0].get("imageDigest") in wanted
        for each in tasks(lab, mine)
    )


def good_task(lab: Lab, mine: Entry, found: list[dict], release: str) -> dict:
    """The newest of the tasks that runs the release on Fargate as it should, or ran it and ended well; or NotYet."""
    wanted = digests(lab, mine, release)
    errors = {task["taskArn"]: _error(lab, mine, task, release, wanted) for task in found}
    good = [task for task in found if not errors[task["taskArn"]]]
    if not good:
        raise NotYet(errors[found[0]["taskArn"]], "notebook 13 reads how a task ends, and why")
    return good[0]


def _error(lab: Lab, mine: Entry, task: dict, release: str, wanted: set[str]) -> str:
    """What is wrong with a task; empty if nothing is."""
    container, status = task["containers"][0], task["lastStatus"]
    role, code = execution_role(lab, task), container.get("exitCode")
    if task.get("launchType") != "FARGATE":
        return "the task does not run on Fargate"
    if role != mine.execution_role:
        return f"the task pulls as {role}, not as {mine.execution_role}"
    if status == "STOPPED" and "startedAt" not in task:
        return "the task ended before its app began"
    if status == "STOPPED" and code != 0 and task.get("stopCode") not in STOPPED_ON_PURPOSE:
        return f"the task ended with code {code}"
    if status not in ("RUNNING", "STOPPED"):
        return f"the task is {status}"
    if container.get("imageDigest") not in wanted:
        return f"the task runs another image than {release}"
    return ""


def execution_role(lab: Lab, task: dict) -> str:
    """The name of the role with which ECS pulls for the task."""
    return _definition(lab, task).get("executionRoleArn", "no role").rpartition("/")[2]


def page_answers(lab: Lab, task: dict) -> str:
    """A note that the app's page answers, or NotYet; empty on AWS, where the security group allows no traffic."""
    if lab.target != "sandbox":
        return ""
    if not task["containers"][0].get("networkBindings"):
        raise NotYet("the task runs, but opens no port", "notebook 13 names the port; or let the task end")
    try:
        status = fargate.get(task, "/", PAGE_SECONDS).status_code
    except SandboxError:
        raise NotYet("the app in the task does not answer", "notebook 13 reads its log") from None
    if status != 200:
        raise NotYet(f"the app's page answers {status}", "notebook 13 reads its log")
    return ", and its page answers"


def wanted_by_services(lab: Lab, cluster: str) -> int:
    """How many tasks the services of a cluster want to run."""
    services = fargate.services(lab.client("ecs"), cluster)
    return sum(each["desiredCount"] for each in services if each["status"] == "ACTIVE")


def user_with_key(lab: Lab) -> str:
    """A user of this tutorial with an active access key; empty if there is none."""
    made = [each.removeprefix("user ") for each in cleanup.iam.made(lab) if each.startswith("user ")]
    return next((name for name in made if permissions.keys(lab, name)), "")


def missed_by_clean_up(lab: Lab, mine: Entry, found: list[dict]) -> str:
    """A resource without the tag by which ``lab.clean_up`` finds it; empty if there is none."""
    marked = cleanup.iam.made(lab) + cleanup.workloads.made(lab)
    needed = [f"role {mine.pusher}", f"role {mine.execution_role}"]
    for task in found:
        definition = _definition(lab, task)
        needed.append(f"cluster {_name(task['clusterArn'])}")
        needed += [f"task definition {_name(task['taskDefinitionArn'])}"] if definition["status"] == "ACTIVE" else []
        needed += [f"log group {each}" for each in _log_groups(lab, definition)]
    return next((each for each in needed if each not in marked), "")


def _log_groups(lab: Lab, definition: dict) -> list[str]:
    """The log groups of a task definition that exist."""
    logs, found = lab.client("logs"), []
    for container in definition["containerDefinitions"]:
        name = container.get("logConfiguration", {}).get("options", {}).get("awslogs-group", "")
        groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] if name else []
        found += [name] if name in [each["logGroupName"] for each in groups] else []
    return found


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


def _definition(lab: Lab, task: dict) -> dict[str, Any]:
    described = lab.client("ecs").describe_task_definition(taskDefinition=task["taskDefinitionArn"])
    return described["taskDefinition"]
