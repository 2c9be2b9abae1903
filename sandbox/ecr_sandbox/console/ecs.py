"""Amazon ECS: clusters, and the services and tasks of a cluster: run, stop, delete."""

from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from .confirmation import Question, answer
from .page import Page

CLUSTERS = "/ecs/clusters"
MOST = 100  # of DescribeTasks; DescribeServices takes 10
# The sandbox has no VPC, and accepts any subnet.
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"], "assignPublicIp": "ENABLED"}}


def clusters(page: Page) -> Response:
    """The clusters with their numbers of services and tasks."""
    arns = page.all("ecs", "ListClusters", "clusterArns")
    found = page.call("ecs", "DescribeClusters", clusters=arns[:MOST])["clusters"] if arns else []
    return page.render("clusters.html", clusters=found)


def cluster(page: Page, name: str) -> Response:
    """The services and tasks of a cluster: status, and the reason why a task stopped. A form updates a service."""
    _check(page, name)
    if page.is_post and (done := _update(page, name)):
        return page.redirect(page.url(f"{CLUSTERS}/{name}"), done)
    services = page.all("ecs", "ListServices", "serviceArns", cluster=name)
    described = (
        page.call("ecs", "DescribeServices", cluster=name, services=services[:10])["services"] if services else []
    )
    return page.render("cluster.html", name=name, services=described, tasks=_tasks(page, name))


def task(page: Page, name: str, task: str) -> Response:
    """One task: its status, why it stopped, its containers, and what they wrote to their log."""
    _check(page, name)
    found = page.call("ecs", "DescribeTasks", cluster=name, tasks=[task])["tasks"]
    if not found:
        raise NotFound(f"There is no task {task} in {name}. ECS keeps a task for about an hour after it stopped.")
    return page.render("task.html", name=name, task=found[0], log=_log(page, found[0]))


def run_task(page: Page, name: str) -> Response:
    """*Run new task*: the newest revision of a family, on Fargate."""
    _check(page, name)
    request = {"cluster": name, "launchType": "FARGATE", "networkConfiguration": NETWORK}
    request["taskDefinition"] = page.request.form.get("family", "")
    if page.is_post and page.attempt("ecs", "RunTask", **request):
        return page.redirect(page.url(f"{CLUSTERS}/{name}"), f"The task of {request['taskDefinition']} has started.")
    families = page.all("ecs", "ListTaskDefinitionFamilies", "families", status="ACTIVE")
    return page.render(
        "run_task.html", name=name, families={each: each for each in families}, chosen=request["taskDefinition"]
    )


def stop_task(page: Page, name: str) -> Response:
    """*Stop* a task: its container gets SIGTERM."""
    task = page.request.values.get("task", "")
    calls = [("ecs", "StopTask", {"cluster": name, "task": task})]
    sentence = f"Stop task {task}? A service starts another one in its place."
    question = Question("Stop task", sentence, calls, f"{CLUSTERS}/{name}", {"task": [task]}, word="", button="Stop")
    return answer(page, question, f"Task {task[:8]}… is being stopped.")


def delete_service(page: Page, name: str) -> Response:
    """*Delete service*, and its tasks."""
    service = page.request.values.get("service", "")
    calls = [("ecs", "DeleteService", {"cluster": name, "service": service, "force": True})]
    sentence = f"Delete service {service}? Its tasks are stopped."
    question = Question("Delete service", sentence, calls, f"{CLUSTERS}/{name}", {"service": [service]})
    return answer(page, question, f"Service {service} is being deleted.")


def delete_cluster(page: Page, name: str) -> Response:
    """*Delete cluster*. ECS refuses one with services or tasks."""
    calls, sentence = [("ecs", "DeleteCluster", {"cluster": name})], f"Delete cluster {name}?"
    question = Question("Delete cluster", sentence, calls, f"{CLUSTERS}/{name}", word=f"delete {name}")
    return answer(page, question, f"Cluster {name} was deleted.", then=CLUSTERS)


def _check(page: Page, name: str) -> None:
    found = page.call("ecs", "DescribeClusters", clusters=[name])["clusters"]
    if not found:
        raise NotFound(f"There is no cluster {name}.")


def _update(page: Page, cluster: str) -> str:
    """Give a service another number of tasks; what was done, or nothing if it was refused."""
    service, desired = page.request.form.get("service", ""), page.request.form.get("desired", "")
    if not desired.lstrip("-").isdecimal():
        page.status, page.error = 400, {"code": "Not updated", "message": "Desired tasks is a number."}
        return ""
    about = {"cluster": cluster, "service": service, "desiredCount": int(desired)}
    return f"The service {service} was updated." if page.attempt("ecs", "UpdateService", **about) else ""


def _tasks(page: Page, name: str) -> list[dict[str, Any]]:
    """The running tasks, and those that stopped, the newest first."""
    arns = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in page.all("ecs", "ListTasks", "taskArns", cluster=name, desiredStatus=status)
    ]
    tasks = page.call("ecs", "DescribeTasks", cluster=name, tasks=arns[:MOST])["tasks"] if arns else []
    return sorted(tasks, key=lambda task: str(task.get("createdAt", "")), reverse=True)


def _log(page: Page, task: dict[str, Any]) -> list[str]:
    """The lines of the containers' log in CloudWatch; none if nothing was written."""
    about = page.optional("ecs", "DescribeTaskDefinition", taskDefinition=task["taskDefinitionArn"])
    lines: list[str] = []
    for each in about["taskDefinition"]["containerDefinitions"]:
        options = each.get("logConfiguration", {}).get("options", {})
        if group := options.get("awslogs-group"):
            stream = f"{options.get('awslogs-stream-prefix')}/{each['name']}/{task['taskArn'].rpartition('/')[2]}"
            found = page.optional("logs", "GetLogEvents", logGroupName=group, logStreamName=stream)
            lines += [event["message"] for event in found.get("events", [])]
    return lines
