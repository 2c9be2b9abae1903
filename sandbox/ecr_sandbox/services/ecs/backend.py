"""ECS's state: clusters and task definitions are moto's; tasks and services are ours, because they really run.

moto's tasks stop when they are first described, load EC2 for four seconds for a network interface, and ignore the
image; its services have no tasks.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import moto.ecs.urls
from moto.ecs.exceptions import ClusterNotFoundException, ServiceNotFoundException, TaskDefinitionNotFoundException
from moto.ecs.models import Cluster, EC2ContainerServiceBackend, TaskDefinition

from ecr_sandbox.state import clock
from ecr_sandbox.state.store import Store

from . import container_rules, errors, fargate, network, roles, startup
from .deployments import Service
from .tasks import NOT_YET, RUNNING, STOPPED, Task, containers_of, overridden

SHOWN = 60 * 60  # seconds for which a stopped task is still described
FARGATE = ("FARGATE", "FARGATE_SPOT")
Key = tuple[str, str, str]  # account, Region, ARN


class Backend(EC2ContainerServiceBackend):
    """moto's ECS with tasks that run."""

    store: ClassVar[Store]
    begin: ClassVar[Callable[[Key], None]]  # runs a task
    end: ClassVar[Callable[[Key], None]]  # stops a task
    notify: ClassVar[Callable[[], None]]  # checks the services

    tasks: dict[str, dict[str, Task]]
    services: dict[str, Service]

    @property
    def _url_module(self) -> Any:
        return moto.ecs.urls  # moto would look for it in this class's package

    def create_cluster(self, cluster_name: str, *given: Any, **also: Any) -> Cluster:
        """moto would replace an existing cluster by an empty one. Raises InvalidParameterException."""
        container_rules.check_cluster(cluster_name)
        there = self.clusters.get(cluster_name)
        return there if there and there.status == "ACTIVE" else super().create_cluster(cluster_name, *given, **also)

    def _get_cluster(self, name: str) -> Cluster:
        short = name.rpartition("/")[2]
        container_rules.check_cluster(short)
        cluster = self.clusters.get(short)
        if cluster is None or cluster.status != "ACTIVE":
            raise ClusterNotFoundException
        return cluster

    def list_clusters(self) -> list[str]:
        """The active clusters; moto lists deleted ones too."""
        return [each.arn for each in self.clusters.values() if each.status == "ACTIVE"]

    def describe_clusters(self, cluster_names: list[str]) -> Any:
        for name, cluster in self.clusters.items():
            alive = [each for each in self.tasks.get(name, {}).values() if each.status != STOPPED]
            cluster.running_tasks_count = sum(each.status == RUNNING for each in alive)
            cluster.pending_tasks_count = sum(each.status in NOT_YET for each in alive)
            cluster.active_services_count = len([each for each in self._services_of(name) if each.status == "ACTIVE"])
        return super().describe_clusters(cluster_names)

    def delete_cluster(self, cluster_str: str) -> Cluster:
        """Refused while the cluster has tasks or services, as on AWS."""
        cluster = self._get_cluster(cluster_str)
        if any(each.status != "INACTIVE" for each in self._services_of(cluster.name)):
            raise errors.ClusterContainsServices
        if any(each.status != STOPPED for each in self.tasks.get(cluster.name, {}).values()):
            raise errors.ClusterContainsTasks
        self.tasks.pop(cluster.name, None)
        return super().delete_cluster(cluster_str)

    def describe_task_definition(self, task_definition_str: str) -> TaskDefinition:
        """moto uses the newest revision even if it is deregistered, and fails on ``app:x``."""
        family, colon, revision = task_definition_str.rpartition("/")[2].partition(":")
        known = self.task_definitions.get(family, {})
        if not colon:
            active = [number for number, each in known.items() if each.status == "ACTIVE"]
            revision = str(max(active, default=0))
        if not revision.isdigit() or int(revision) not in known:
            raise TaskDefinitionNotFoundException
        return known[int(revision)]

    def run_fargate(self, given: Mapping[str, Any]) -> list[Task]:
        """RunTask; the tasks start when the current change is committed. Raises ECSException."""
        cluster = self._get_cluster(given.get("cluster") or "default")
        count = 1 if given.get("count") is None else int(given["count"])
        if not 1 <= count <= 10:
            raise errors.count_out_of_range()
        if not is_fargate(given):
            raise errors.no_instances()
        definition = self._runnable(given["taskDefinition"])
        overrides = given.get("overrides") or {}
        names = [each["name"] for each in definition.container_definitions]
        for each in overrides.get("containerOverrides") or []:
            if each.get("name") not in names:
                raise errors.no_such_container(str(each.get("name")))
        task = {what: overrides.get(what) or getattr(definition, what) for what in ("cpu", "memory")}
        fargate.check_overrides(task, overrides, overridden(definition, overrides.get("containerOverrides") or []))
        if given.get("startedBy"):
            container_rules.check_started_by(given["startedBy"])
        about: dict[str, Any] = {
            "group": given.get("group") or f"family:{definition.family}",
            "started_by": given.get("startedBy") or "",
            "network": network.checked(given.get("networkConfiguration")),
            "overrides": overrides,
            "tags": list(given.get("tags") or []),
        }
        return [self.add_task(cluster, definition, **about) for _ in range(count)]

    def add_task(
        self,
        cluster: Cluster,
        definition: TaskDefinition,
        group: str,
        started_by: str,
        network: Mapping[str, Any],
        overrides: Mapping[str, Any],
        tags: list[dict[str, str]],
        deployment: str = "",
    ) -> Task:
        """Add a task that starts when the current change is committed; raises ECSException."""
        self._forget_old()
        arn = f"{cluster.arn.replace(':cluster/', ':task/')}/{uuid.uuid4().hex}"
        made = containers_of(arn, definition, overrides.get("containerOverrides") or [])
        where = (self.account_id, self.region_name)
        task = Task(arn, *where, cluster.arn, definition, group, started_by, network, overrides, tags, made, deployment)
        cpu, memory = task.size
        fargate.check_size(cpu, memory)
        if cpu + sum(each.size[0] for each in self._all_tasks() if each.status != STOPPED) > fargate.MOST_CPU:
            raise errors.too_many_cpus()
        for role in filter(None, (task.execution_role, task.task_role)):
            if not roles.trusts(role, self.region_name):
                raise errors.cannot_assume(role)
        self.tasks.setdefault(cluster.name, {})[arn] = task
        startup.mark(self.store, arn, alive=True)
        self.store.once_committed(lambda: Backend.begin((*where, arn)))
        return task

    def find_task(self, name: str) -> Task | None:
        """The task of this ARN or id, or None."""
        return next((each for each in self._all_tasks() if name in (each.arn, each.id)), None)

    def describe_tasks(self, cluster_str: str, tasks: list[str]) -> Any:
        """The tasks that the cluster has, as the API describes them, and the ARNs of the others."""
        cluster = self._get_cluster(cluster_str)
        there = self.tasks.get(cluster.name, {}).values()
        found = [next((each for each in there if name in (each.arn, each.id)), None) for name in tasks]
        arn = cluster.arn.replace(":cluster/", ":task/")
        missing = [
            name if ":" in name else f"{arn}/{name}" for name, each in zip(tasks, found, strict=True) if not each
        ]
        return [each.described() for each in found if each], missing

    def list_tasks(
        self,
        cluster_str: str | None = None,
        container_instance: str | None = None,
        family: str | None = None,
        started_by: str | None = None,
        service_name: str | None = None,
        desiredStatus: str | None = None,
    ) -> Any:
        """The tasks that match every parameter; *desiredStatus* is RUNNING by default."""
        if cluster_str is None:  # moto's own code looks for a task by its ARN
            return list(self._all_tasks())
        service = f"service:{service_name.rpartition('/')[2]}" if service_name else None
        return [
            each
            for each in self.tasks.get(self._get_cluster(cluster_str).name, {}).values()
            if each.desired == (desiredStatus or RUNNING)
            and family in (None, each.definition.family)
            and started_by in (None, each.started_by)
            and service in (None, each.group)
            and container_instance is None
        ]

    def stop_task(self, cluster_str: str, task_str: str, reason: str | None) -> Any:
        """Stop a task; its containers get their signal immediately."""
        cluster = self._get_cluster(cluster_str)
        task = self.find_task(task_str)
        if task is None or task.cluster_arn != cluster.arn:
            raise errors.task_not_found()
        self.stop(task, errors.USER_INITIATED, reason or errors.STOPPED_BY_USER)
        return task

    def stop(self, task: Task, code: str, reason: str) -> None:
        """Stop a task when the current change is committed; the first reason is kept."""
        if task.status != STOPPED:
            task.stop(code, reason)
            key = (self.account_id, self.region_name, task.arn)
            self.store.once_committed(lambda: Backend.end(key))

    def ended(self, task: Task) -> None:
        """Note that the task has stopped; call it within a change."""
        startup.mark(self.store, task.arn, alive=False)

    def create_fargate_service(self, given: Mapping[str, Any]) -> Service:
        """CreateService; raises ECSException, NotInSandbox."""
        cluster = self._get_cluster(given.get("cluster") or "default")
        container_rules.check_service(given["serviceName"])
        there = self.services.get(f"{cluster.name}:{given['serviceName']}")
        if there and there.status == "ACTIVE":
            raise errors.service_exists()
        if there and there.status == "DRAINING":
            raise errors.draining()
        if not is_fargate(given):
            raise errors.no_instances()
        definition = self._runnable(given.get("taskDefinition") or "")
        service = Service.of(given, cluster.arn, definition.arn, network.checked(given.get("networkConfiguration")))
        self.services[f"{cluster.name}:{service.name}"] = service
        startup.mark(self.store, service.arn, alive=True)
        self.store.once_committed(Backend.notify)
        return service

    def update_service(self, service_properties: dict[str, Any]) -> Any:
        """UpdateService, with the API's own names; raises ECSException, NotInSandbox."""
        given = service_properties
        service = self._get_service(given.get("cluster") or "default", given["service"])
        if service.status != "ACTIVE":
            raise errors.ServiceNotActive
        definition = self._runnable(given["taskDefinition"]).arn if given.get("taskDefinition") else None
        asked = given.get("networkConfiguration")
        service.update(given, definition, network.checked(asked) if asked else None)
        self.store.once_committed(Backend.notify)
        return service

    def delete_service(self, cluster_name: str, service_name: str, force: bool) -> Any:
        """Drain a service: its tasks stop, and then it is INACTIVE."""
        service = self._get_service(cluster_name, service_name)
        if service.desired > 0 and not force:
            raise errors.scaled_above_zero()
        service.drain()
        self.store.once_committed(Backend.notify)
        return service

    def describe_services(self, cluster_str: str, service_names_or_arns: list[str]) -> Any:
        """The services as the API describes them, and the failures."""
        cluster = self._get_cluster(cluster_str)
        names = [name.rpartition("/")[2] for name in service_names_or_arns]
        found = [self.services.get(f"{cluster.name}:{name}") for name in names]
        arn = cluster.arn.replace(":cluster/", ":service/")
        missing = [f"{arn}/{name}" for name, each in zip(names, found, strict=True) if each is None]
        described = [each.described(self.tasks_of(each)) for each in found if each]
        return described, [{"arn": each, "reason": "MISSING"} for each in missing]

    def list_services(
        self, cluster_str: str, scheduling_strategy: str | None = None, launch_type: str | None = None
    ) -> list[str]:
        """The active and draining services; moto lists deleted ones too."""
        there = [each for each in self._services_of(self._get_cluster(cluster_str).name) if each.status != "INACTIVE"]
        kinds = [each for each in there if scheduling_strategy in (None, each.scheduling_strategy)]
        return sorted(each.arn for each in kinds if launch_type in (None, each.launch_type))

    def tasks_of(self, service: Service) -> list[Task]:
        """The tasks of a service that have not stopped."""
        tasks = self.tasks.get(service.cluster_name, {}).values()
        return [each for each in tasks if each.group == service.group and each.deployment and each.status != STOPPED]

    def _get_service(self, cluster_str: str, service_str: str) -> Any:
        cluster = self._get_cluster(cluster_str)
        found = self.services.get(f"{cluster.name}:{service_str.rpartition('/')[2]}")
        if found is None or found.status == "INACTIVE":
            raise ServiceNotFoundException
        return found

    def _runnable(self, name: str) -> TaskDefinition:
        definition = self.describe_task_definition(name)
        if definition.status != "ACTIVE":
            raise errors.inactive_definition()
        if "FARGATE" not in (definition.requires_compatibilities or []):
            raise errors.not_for_fargate()
        return definition

    def _services_of(self, cluster: str) -> Sequence[Service]:
        return [each for each in self.services.values() if each.cluster_name == cluster]

    def _all_tasks(self) -> Iterator[Task]:
        for tasks in self.tasks.values():
            yield from tasks.values()

    def _forget_old(self) -> None:
        for tasks in self.tasks.values():
            for arn in [
                arn for arn, each in tasks.items() if each.times.get("stoppedAt", clock.now()) < clock.now() - SHOWN
            ]:
                del tasks[arn]


def is_fargate(given: Mapping[str, Any]) -> bool:
    """Whether RunTask or CreateService asks for Fargate, by launch type or by capacity provider."""
    strategy = given.get("capacityProviderStrategy") or []
    return given.get("launchType") == "FARGATE" or any(each.get("capacityProvider") in FARGATE for each in strategy)
