"""The API of ECS. It replaces those of moto's operations that would mislead.

Unsupported operations and parameters are errors. They are never ignored.
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.responses import EC2ContainerServiceResponse

from ecr_sandbox.aws.errors import NotInSandbox

from . import awslogs, fargate, first_use
from .backend import Backend

# moto answers these, but they would have no effect here.
NOT_HERE = {
    *("CreateTaskSet", "UpdateTaskSet", "DeleteTaskSet", "DescribeTaskSets", "UpdateServicePrimaryTaskSet"),
    *("StartTask", "RegisterContainerInstance", "DeregisterContainerInstance", "UpdateContainerInstancesState"),
    *("CreateCapacityProvider", "UpdateCapacityProvider", "DeleteCapacityProvider", "PutClusterCapacityProviders"),
    *("PutAccountSetting", "DeleteAccountSetting", "PutAttributes", "DeleteAttributes", "ExecuteCommand"),
    "DiscoverPollEndpoint",  # of the agents of container instances
}


class Response(EC2ContainerServiceResponse):
    """The API of ECS."""

    def call_action(self) -> Any:
        if self._get_action() in NOT_HERE:
            return self.serialized(ActionResult(NotInSandbox(f"ecs:{self._get_action()}")))
        return super().call_action()

    @property
    def _backend(self) -> Backend:
        state: Any = self.ecs_backend
        return state

    def register_task_definition(self) -> ActionResult:
        """Checked as Fargate checks it."""
        given = self._get_params()
        if "FARGATE" not in (given.get("requiresCompatibilities") or []):
            raise NotInSandbox("A task definition without requiresCompatibilities FARGATE")
        fargate.check(given)
        for each in given.get("containerDefinitions") or []:
            if logs := each.get("logConfiguration"):
                awslogs.check(logs.get("options") or {})
        return super().register_task_definition()

    def create_cluster(self) -> ActionResult:
        first_use.check(self.current_account)
        return super().create_cluster()

    def run_task(self) -> ActionResult:
        """The tasks start when the change is committed."""
        first_use.check(self.current_account)
        tasks = self._backend.run_fargate(self._get_params())
        return ActionResult({"tasks": [each.described() for each in tasks], "failures": []})

    def describe_tasks(self) -> ActionResult:
        names = self._get_param("tasks", [])
        found, missing = self._backend.describe_tasks(self._get_param("cluster", "default"), names)
        failures = [{"arn": arn, "reason": "MISSING"} for arn in missing]
        return ActionResult({"tasks": self._with_tags_if_asked(found), "failures": failures})

    def stop_task(self) -> ActionResult:
        where = self._get_param("cluster", "default"), self._get_param("task"), self._get_param("reason")
        return ActionResult({"task": self._backend.stop_task(*where).described()})

    def create_service(self) -> ActionResult:
        first_use.check(self.current_account)
        return self._one(self._backend.create_fargate_service(self._get_params()))

    def update_service(self) -> ActionResult:
        return self._one(self._backend.update_service(self._get_params()))

    def delete_service(self) -> ActionResult:
        where = self._get_param("cluster", "default"), self._get_param("service")
        return self._one(self._backend.delete_service(*where, bool(self._get_param("force", False))))

    def describe_services(self) -> ActionResult:
        where = self._get_param("cluster", "default"), self._get_param("services", [])
        found, failures = self._backend.describe_services(*where)
        return ActionResult({"services": self._with_tags_if_asked(found), "failures": failures})

    def _with_tags_if_asked(self, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Without tags, unless they are asked for. moto would leave them out of all later answers too."""
        if "TAGS" in self._get_param("include", []):
            return found
        return [{name: value for name, value in each.items() if name != "tags"} for each in found]

    def _one(self, service: Any) -> ActionResult:
        return ActionResult({"service": service.described(self._backend.tasks_of(service))})
