"""What this tutorial runs on ECS and Lambda, and the logs of it: known by its tag, nobody else's is touched.

Also what a lesson needs to run one: a network, the right kind of processor, and a look at the app's page.
"""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ecr_sandbox.errors import LabError

from helpers import settings

if TYPE_CHECKING:
    import requests

    from helpers.lab import Lab

TASKS = "ecs-tasks.amazonaws.com"
PREFIX = "demo-"
GROUPS = "/ecs/demo-"
PATIENCE = 120  # seconds for a task to stop, or for a page to answer
IN_THE_SANDBOX = "subnet-0123456789abcdef0"  # there is no VPC there: any name of a subnet will do
PROCESSORS = {"x86_64": "X86_64", "amd64": "X86_64", "aarch64": "ARM64", "arm64": "ARM64"}


def network(lab: "Lab") -> dict[str, Any]:
    """``networkConfiguration`` for a task that can reach ECR: on AWS public subnets of the default VPC.

    LabError where there is no default VPC.
    """
    subnets = [IN_THE_SANDBOX]
    if lab.target != "sandbox":
        of_the_default = [{"Name": "default-for-az", "Values": ["true"]}]
        found = lab.client("ec2").describe_subnets(Filters=of_the_default)["Subnets"]
        subnets = sorted(subnet["SubnetId"] for subnet in found)
    if not subnets:
        raise LabError("This account has no default VPC in this region.", "aws ec2 create-default-vpc")
    return {"awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": "ENABLED"}}


def processor(lab: "Lab") -> str:
    """``X86_64`` or ``ARM64``: what the images that Docker builds here are made for."""
    return PROCESSORS.get(lab.engine().info()["Architecture"], "X86_64")


def patience(lab: "Lab") -> dict[str, float]:
    """``WaiterConfig`` for ten minutes: the sandbox may be asked ten times a second, AWS as often as boto3 does."""
    return {"Delay": 0.1, "MaxAttempts": 6000} if lab.target == "sandbox" else {"Delay": 6, "MaxAttempts": 100}


def page(lab: "Lab", task: Mapping[str, Any], path: str = "/") -> str:
    """What the app of a running *task* answers at *path*, once it does; a sentence where nobody is let in.

    In the sandbox its port is open on this machine. On AWS it has an address of its own, but the default security
    group lets nobody in from outside.
    """
    if lab.target != "sandbox":
        return "The task runs in your VPC, and its security group lets nobody in from outside."
    return answer(task, path, PATIENCE).text


def answer(task: Mapping[str, Any], path: str, seconds: float) -> "requests.Response":
    """What the app of a task of the sandbox says at *path*, good or bad; LabError if nothing for so many *seconds*."""
    import requests

    port = task["containers"][0]["networkBindings"][0]["hostPort"]
    end = time.monotonic() + seconds
    while True:
        try:
            return requests.get(f"http://127.0.0.1:{port}{path}", timeout=10)
        except requests.RequestException:
            if time.monotonic() > end:
                raise LabError("The app does not answer.", "look at the log of its task") from None
            time.sleep(0.1)


def tasks_of_image(lab: "Lab", repository_uri: str) -> list[dict]:
    """The tasks, running or stopped, that take an image from this repository, whatever cluster; the newest first."""
    ecs = lab.client("ecs")
    clusters = [arn for page in ecs.get_paginator("list_clusters").paginate() for arn in page["clusterArns"]]
    found = [task for cluster in clusters for task in _tasks(ecs, cluster)]
    names = [f"{repository_uri}:", f"{repository_uri}@"]
    ours = [task for task in found if task["containers"][0].get("image", "").startswith(tuple(names))]
    return sorted(ours, key=lambda task: task["createdAt"], reverse=True)


def log_groups(lab: "Lab", definition: str) -> list[str]:
    """The log groups that a task definition writes to."""
    about = lab.client("ecs").describe_task_definition(taskDefinition=definition)["taskDefinition"]
    options = [each.get("logConfiguration", {}).get("options", {}) for each in about["containerDefinitions"]]
    return [each["awslogs-group"] for each in options if "awslogs-group" in each]


def wanted_by_services(lab: "Lab", cluster: str) -> int:
    """How many tasks the services of a cluster want to run."""
    return sum(each["desiredCount"] for each in _services(lab.client("ecs"), cluster) if each["status"] == "ACTIVE")


def made(lab: "Lab") -> list[str]:
    """``"cluster demo-cluster"`` and the like: all that carries the tutorial's tag. None where it may not be seen."""
    from botocore.exceptions import ClientError

    try:
        clusters = [f"cluster {_name(arn)}" for arn in _clusters(lab.client("ecs"))]
        definitions = [f"task definition {_name(arn)}" for arn in _definitions(lab.client("ecs"))]
        groups = [f"log group {name}" for name in _groups(lab)]
        return [*clusters, *definitions, *groups, *(f"function {name}" for name in _functions(lab.client("lambda")))]
    except ClientError:  # who may not look there has made nothing there
        return []


def remove(lab: "Lab") -> list[str]:
    """Stop and remove all that carries the tutorial's tag; what was removed, as ``made`` says it."""
    gone = made(lab)
    if not gone:
        return []
    ecs = lab.client("ecs")
    for cluster in list(_clusters(ecs)):
        _empty(ecs, cluster)
        ecs.delete_cluster(cluster=cluster)
    definitions = list(_definitions(ecs))
    for arn in definitions:
        ecs.deregister_task_definition(taskDefinition=arn)
    for some in range(0, len(definitions), 10):
        ecs.delete_task_definitions(taskDefinitions=definitions[some : some + 10])
    for name in list(_groups(lab)):
        lab.client("logs").delete_log_group(logGroupName=name)
    for name in list(_functions(lab.client("lambda"))):
        lab.client("lambda").delete_function(FunctionName=name)
    return gone


def _empty(ecs: Any, cluster: str) -> None:
    """Let every service and task of a cluster end, and wait for it."""
    for service in ecs.list_services(cluster=cluster)["serviceArns"]:
        ecs.delete_service(cluster=cluster, service=service, force=True)
    end = time.monotonic() + PATIENCE
    while tasks := ecs.list_tasks(cluster=cluster)["taskArns"]:
        for task in tasks:
            ecs.stop_task(cluster=cluster, task=task)
        time.sleep(0.2)
        if time.monotonic() > end:
            break
    while any(each["lastStatus"] != "STOPPED" for each in _ending(ecs, cluster)) and time.monotonic() < end:
        time.sleep(0.2)
    while any(each["status"] != "INACTIVE" for each in _services(ecs, cluster)) and time.monotonic() < end:
        time.sleep(0.2)


def _tasks(ecs: Any, cluster: str) -> Iterator[dict]:
    for status in ("RUNNING", "STOPPED"):
        for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus=status):
            if page["taskArns"]:
                yield from ecs.describe_tasks(cluster=cluster, tasks=page["taskArns"])["tasks"]


def _ending(ecs: Any, cluster: str) -> list[dict]:
    arns = ecs.list_tasks(cluster=cluster, desiredStatus="STOPPED")["taskArns"]
    return ecs.describe_tasks(cluster=cluster, tasks=arns[:100])["tasks"] if arns else []


def _services(ecs: Any, cluster: str) -> list[dict]:
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    return ecs.describe_services(cluster=cluster, services=arns[:10])["services"] if arns else []


def _clusters(ecs: Any) -> Iterator[str]:
    arns = [arn for page in ecs.get_paginator("list_clusters").paginate() for arn in page["clusterArns"]]
    if arns:
        for each in ecs.describe_clusters(clusters=arns, include=["TAGS"])["clusters"]:
            if each["status"] == "ACTIVE" and _is_ours(each.get("tags")):
                yield each["clusterArn"]


def _definitions(ecs: Any) -> Iterator[str]:
    for page in ecs.get_paginator("list_task_definitions").paginate(status="ACTIVE"):
        for arn in page["taskDefinitionArns"]:
            if _name(arn).startswith(PREFIX) and _is_ours(
                ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]).get("tags")
            ):
                yield arn


def _groups(lab: "Lab") -> Iterator[str]:
    logs, key = lab.client("logs"), settings.TAG["Key"]
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=GROUPS):
        for group in page["logGroups"]:
            arn = group["arn"].removesuffix(":*")
            if logs.list_tags_for_resource(resourceArn=arn)["tags"].get(key) == settings.TAG["Value"]:
                yield group["logGroupName"]


def _functions(client: Any) -> Iterator[str]:
    for page in client.get_paginator("list_functions").paginate():
        for each in page["Functions"]:
            name = each["FunctionName"]
            if name.startswith(PREFIX):
                tags = client.get_function(FunctionName=name).get("Tags") or {}
                if tags.get(settings.TAG["Key"]) == settings.TAG["Value"]:
                    yield name


def _is_ours(tags: Any) -> bool:
    return {"key": settings.TAG["Key"], "value": settings.TAG["Value"]} in (tags or [])


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]
