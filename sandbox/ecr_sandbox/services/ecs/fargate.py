"""The rules of Fargate for a task definition, over plain data: what RegisterTaskDefinition refuses.

Sources, in https://docs.aws.amazon.com/AmazonECS/latest/developerguide/: ``task-cpu-memory-error.html``,
``fargate-tasks-services.html``, ``task_definition_parameters.html``; quotas of an account: ``service-quotas.html``.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ecr_sandbox.aws.errors import NotInSandbox
from ecr_sandbox.registry.image_name import registry_account

from . import container_rules, errors

GB = 1024  # MiB
# CPU units: the sizes of memory, in MiB, that they allow.
SIZES: Mapping[int, Sequence[int]] = {
    256: (512, GB, 2 * GB),
    512: range(GB, 4 * GB + 1, GB),
    1024: range(2 * GB, 8 * GB + 1, GB),
    2048: range(4 * GB, 16 * GB + 1, GB),
    4096: range(8 * GB, 30 * GB + 1, GB),
    8192: range(16 * GB, 60 * GB + 1, 4 * GB),
    16384: range(32 * GB, 120 * GB + 1, 8 * GB),
}
MOST_CPU = 6 * 1024  # Fargate On-Demand vCPU resource count, of a new account
ROLE = re.compile(r"arn:aws:iam::\d{12}:role/[\w+=,.@/-]+")
ARCHITECTURES = {"X86_64": "amd64", "ARM64": "arm64"}

# Parameters of a container that Fargate does not support, as ECS's errors name them.
NOT_ON_FARGATE = (
    "privileged",
    "links",
    "extraHosts",
    "hostname",
    "dnsServers",
    "dnsSearchDomains",
    "disableNetworking",
)
NOT_IN_LINUX = ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness")
# What the sandbox supports. Anything else is an error, never ignored.
OF_CONTAINER = {
    *("name", "image", "cpu", "memory", "memoryReservation", "essential", "environment", "command", "entryPoint"),
    *("portMappings", "logConfiguration", "workingDirectory", "user", "readonlyRootFilesystem", "linuxParameters"),
    *("dependsOn", "stopTimeout", "dockerLabels", "interactive", "pseudoTerminal", "ulimits", "versionConsistency"),
}
OF_TASK = {
    *("family", "containerDefinitions", "networkMode", "requiresCompatibilities", "cpu", "memory", "executionRoleArn"),
    *("taskRoleArn", "runtimePlatform", "tags", "pidMode"),
}
# Of RunTask.
OF_OVERRIDES = {"containerOverrides", "cpu", "memory", "executionRoleArn", "taskRoleArn"}
OF_CONTAINER_OVERRIDE = {"name", "command", "environment", "cpu", "memory", "memoryReservation"}
CONDITIONS = ("START", "COMPLETE", "SUCCESS")


def check(given: Mapping[str, Any]) -> None:
    """Check the parameters of RegisterTaskDefinition as ECS does; raises ECSException, NotInSandbox."""
    containers = given.get("containerDefinitions") or []
    container_rules.check_name("Family", given.get("family"))
    container_rules.check_containers(containers)
    _check_task(given)
    for each in containers:
        _check_container(each)
    task = size(given)
    check_size(*task)
    container_rules.check_sizes(task, containers)
    _check_roles(given, containers)
    _check_dependencies(containers)
    _check_here(given, OF_TASK, "")
    for each in containers:
        _check_here(each, OF_CONTAINER, "containerDefinitions.")
        _check_here(each.get("linuxParameters") or {}, {"capabilities", "initProcessEnabled"}, "linuxParameters.")


def check_overrides(
    task: Mapping[str, Any], overrides: Mapping[str, Any], containers: Sequence[Mapping[str, Any]]
) -> None:
    """Check RunTask's *overrides*: *task* has the size, *containers* the parameters that result from them.

    Raises ECSException, NotInSandbox.
    """
    _check_here(overrides, OF_OVERRIDES, "overrides.", "the overrides of a task")
    for each in overrides.get("containerOverrides") or []:
        _check_here(each, OF_CONTAINER_OVERRIDE, "containerOverrides.", "the overrides of a task")
    for role in filter(None, (overrides.get("executionRoleArn"), overrides.get("taskRoleArn"))):
        check_role(role)
    both = size(task)
    check_size(*both)
    container_rules.check_overrides(both, containers)


def size(given: Mapping[str, Any]) -> tuple[int, int]:
    """CPU units and MiB of a task, which may be written ``256`` or ``".25 vCPU"``, ``512`` or ``"0.5 GB"``."""
    for what in ("cpu", "memory"):
        if not given.get(what):
            raise errors.needs_at_task_level(what)
    return _number(given["cpu"], "vcpu", "cpu"), _number(given["memory"], "gb", "memory")


def check_size(cpu: int, memory: int) -> None:
    """Return if Fargate has tasks of this size; raises EcsClientException."""
    if memory not in SIZES.get(cpu, ()):
        raise errors.no_such_size(cpu, memory)


def check_role(role: str) -> None:
    """Return if *role* is the ARN of a role; raises EcsClientException."""
    if not ROLE.fullmatch(role):
        raise errors.invalid_role()


def architecture(platform: Mapping[str, str] | None) -> str:
    """The name that Go and images use for the processor of *platform* (runtimePlatform); ``amd64`` by default."""
    return ARCHITECTURES.get((platform or {}).get("cpuArchitecture", "X86_64"), "amd64")


def shares(cpu: int, memory: int, containers: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """CPU units and MiB of each container; together they never have more than their task.

    Fargate limits the task, an engine limits each container. Containers without their own size share the rest
    equally.
    """
    return list(
        zip(
            _split(cpu, [each.get("cpu") or 0 for each in containers]),
            _split(memory, [each.get("memory") or 0 for each in containers]),
            strict=True,
        )
    )


def in_order(containers: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The containers sorted so that each follows those that it depends on; raises ECSException for a cycle."""
    waiting, done = list(containers), list[Mapping[str, Any]]()
    while waiting:
        names = {each["name"] for each in done}
        ready = next((each for each in waiting if set(_dependencies(each)) <= names), None)
        if ready is None:
            raise errors.unknown_dependency(next(iter(set(_dependencies(waiting[0])) - names)))
        waiting.remove(ready)
        done.append(ready)
    return done


def _check_task(given: Mapping[str, Any]) -> None:
    if given.get("networkMode") not in (None, "awsvpc"):
        raise errors.only_awsvpc()
    if given.get("ipcMode"):
        raise errors.unsupported("ipcMode")
    if given.get("placementConstraints"):
        raise errors.unsupported("constraints")
    for volume in given.get("volumes") or []:
        if (volume.get("host") or {}).get("sourcePath"):
            raise errors.unsupported("sourcePath")
        if volume.get("dockerVolumeConfiguration"):
            raise errors.unsupported("dockerVolumeConfiguration")
    if (given.get("runtimePlatform") or {}).get("operatingSystemFamily", "LINUX") != "LINUX":
        raise NotInSandbox("A task that runs Windows")


def _check_container(given: Mapping[str, Any]) -> None:
    for what in NOT_ON_FARGATE:
        if given.get(what):
            raise errors.unsupported(what)
    if given.get("dockerSecurityOptions"):
        raise errors.unsupported("dockerSecurityOptions")
    linux = given.get("linuxParameters") or {}
    for what in NOT_IN_LINUX:
        if linux.get(what):
            raise errors.unsupported(what)
    added = set((linux.get("capabilities") or {}).get("add") or []) - {"SYS_PTRACE"}
    if added:
        raise errors.unsupported(f"adding the capabilities {', '.join(sorted(added))}")
    driver = (given.get("logConfiguration") or {}).get("logDriver", "awslogs")
    if driver != "awslogs":
        raise NotInSandbox(f"The log driver {driver}")


def _check_roles(given: Mapping[str, Any], containers: Iterable[Mapping[str, Any]]) -> None:
    for role in filter(None, (given.get("executionRoleArn"), given.get("taskRoleArn"))):
        check_role(role)
    if given.get("executionRoleArn"):
        return
    for each in containers:
        if registry_account(str(each.get("image") or "")):
            raise errors.needs_execution_role()
        if each.get("logConfiguration"):
            raise errors.needs_role_for_logs()


def _check_dependencies(containers: Sequence[Mapping[str, Any]]) -> None:
    names = [each["name"] for each in containers if each.get("name")]
    for name in names:
        if names.count(name) > 1:
            raise errors.duplicate_name(name)
    if containers and not any(each.get("essential", True) for each in containers):
        raise errors.not_essential()
    for each in containers:
        for other in each.get("dependsOn") or []:
            if other["condition"] not in CONDITIONS:
                raise NotInSandbox(f"The condition {other['condition']} of dependsOn")
    if len(names) == len(containers):
        in_order(containers)


def _check_here(given: Mapping[str, Any], known: set[str], where: str, whole: str = "a task definition") -> None:
    for name in sorted(set(given) - known):
        if given[name]:
            raise NotInSandbox(f"'{where}{name}' of {whole}")


def _dependencies(container: Mapping[str, Any]) -> Iterator[str]:
    for each in container.get("dependsOn") or []:
        yield each["containerName"]


def _number(given: Any, unit: str, what: str) -> int:
    text = str(given).strip().lower()
    try:
        if text.endswith(unit):
            return round(float(text.removesuffix(unit)) * 1024)
        return int(text)
    except (ValueError, OverflowError):
        raise errors.InvalidParameterException(f"Invalid '{what}' setting for task.") from None


def _split(whole: int, named: Sequence[int]) -> list[int]:
    silent = named.count(0)
    rest = (whole - sum(named)) // silent if silent else 0
    return [each or max(rest, 1) for each in named]
