"""Amazon ECS: clusters, and the services and tasks of a cluster."""

from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from .page import Page

MOST = 100  # of DescribeTasks; DescribeServices takes 10


def clusters(page: Page) -> Response:
    """The clusters with their numbers of services and tasks."""
    arns = page.all("ecs", "ListClusters", "clusterArns")
    found = page.call("ecs", "DescribeClusters", clusters=arns[:MOST])["clusters"] if arns else []
    return page.render("clusters.html", clusters=found)


def cluster(page: Page, name: str) -> Response:
    """The services and tasks of a cluster: status, and the reason why a task stopped. Forms stop and update them."""
    if page.is_post and (done := _change(page, name)):
        return page.redirect(page.url(f"/ecs/clusters/{name}"), done)
    found = page.call("ecs", "DescribeClusters", clusters=[name])["clusters"]
    if not found:
        raise NotFound(f"There is no cluster {name}.")
    services = page.all("ecs", "ListServices", "serviceArns", cluster=name)
    described = (
        page.call("ecs", "DescribeServices", cluster=name, services=services[:10])["services"] if services else []
    )
    return page.render("cluster.html", name=name, services=described, tasks=_tasks(page, name))


def _change(page: Page, cluster: str) -> str:
    """Stop a task, or update or delete a service, as the form says; what was done, or nothing if it was refused."""
    form, service = page.request.form, page.request.form.get("service", "")
    if task := form.get("stop"):
        stopped = page.attempt("ecs", "StopTask", cluster=cluster, task=task, reason="Stopped in the console")
        return f"The task {task} is being stopped." if stopped else ""
    about: dict[str, Any] = {"cluster": cluster, "service": service}
    if form.get("action") == "delete":
        deleted = page.attempt("ecs", "DeleteService", **about, force=True)
        return f"The service {service} is being deleted, with its tasks." if deleted else ""
    try:
        about["desiredCount"] = int(form.get("desired", ""))
    except ValueError:
        page.status, page.error = 400, {"code": "Not updated", "message": "Desired tasks is a number."}
        return ""
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
