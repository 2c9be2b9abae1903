"""The rules for the names and the sizes of containers, in a task definition and in the overrides of RunTask.

They reach the Docker engine as names, labels, environment and limits. Sources: API reference, ContainerDefinition and
ContainerOverride; https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from . import errors

NAME = re.compile(r"[a-zA-Z0-9_-]+")  # of containers, families, clusters and services
IMAGE = re.compile(r"[a-zA-Z0-9_.:/#@-]+")
LONGEST = 255  # characters of a name
MOST_CONTAINERS = 10  # service quotas, "Containers per task definition"
LEAST_MEMORY = 6  # MiB: "you should not specify fewer than 6 MiB of memory for your containers"
MOST_STOP_TIMEOUT = 120  # seconds, on Fargate
PORTS = range(1, 65536)
VARIABLE = re.compile(r"[^=\x00]+")  # what a process can have as the name of a variable


def check_name(what: str, name: Any) -> None:
    """Check the name of a family, a container: *what*, as AWS's sentences begin. Raises EcsClientException."""
    if not name:
        raise errors.empty(what)
    if len(name) > LONGEST:
        raise errors.too_long(what, LONGEST)
    if not NAME.fullmatch(name):
        raise errors.invalid_characters(what)


def check_cluster(name: str) -> None:
    """Check the name of a cluster; raises InvalidParameterException."""
    _check_pattern("Cluster", r"^[a-zA-Z0-9\-_]{1,255}$", name)


def check_service(name: str) -> None:
    """Check the name of a service; raises InvalidParameterException. The rule is the API reference's."""
    _check_pattern("Service name", r"^[a-zA-Z0-9\-_]{1,255}$", name)


def check_started_by(text: str) -> None:
    """Check ``startedBy`` of RunTask; raises InvalidParameterException. The rule is the API reference's."""
    _check_pattern("startedBy", r"^[a-zA-Z0-9\-_/]{1,128}$", text)


def check_containers(containers: Sequence[Mapping[str, Any]]) -> None:
    """Check the containers of RegisterTaskDefinition; raises EcsClientException."""
    if not containers:
        raise errors.no_containers()
    if len(containers) > MOST_CONTAINERS:
        raise errors.too_many_containers()
    for each in containers:
        check_name("Container.name", each.get("name"))
        _check_image(each.get("image"))
        for message in _numbers(each):
            raise errors.invalid_container(each["name"], message)
        check_texts(each["name"], each)
    _check_ports(containers)


def check_overrides(task: tuple[int, int], merged: Sequence[Mapping[str, Any]]) -> None:
    """Check the containers of a task with RunTask's overrides against the size of the *task*: CPU units and MiB.

    Raises InvalidParameterException.
    """
    for each in merged:
        for message in _numbers(each):
            raise errors.invalid_override(each["name"], message)
        check_texts(each["name"], each)
    for what, most in zip(("cpu", "memory"), task, strict=True):
        for each in merged:
            if _size(each, what) > most:
                raise errors.override_above_the_task(what, each["name"])
        if sum(_size(each, what) for each in merged) > most:
            raise errors.sum_above_the_task(what, override=True)


def check_sizes(task: tuple[int, int], containers: Sequence[Mapping[str, Any]]) -> None:
    """Check the sizes of the containers of a definition against the *task*'s; raises EcsClientException."""
    for what, most in zip(("cpu", "memory"), task, strict=True):
        for each in containers:
            if _size(each, what) > most:
                raise errors.above_the_task(what, str(each.get("name")))
        if sum(_size(each, what) for each in containers) > most:
            raise errors.sum_above_the_task(what)


def check_texts(name: str, given: Mapping[str, Any]) -> None:
    """Check the texts that a process gets; raises EcsClientException."""
    for one in given.get("environment") or []:
        if not VARIABLE.fullmatch(one.get("name") or "") or "\0" in (one.get("value") or ""):
            raise errors.invalid_variable(name, one.get("name") or "")
    for what in ("command", "entryPoint"):
        if any("\0" in each for each in given.get(what) or []):
            raise errors.invalid_container(name, f"Invalid '{what}' setting")
    labels = given.get("dockerLabels") or {}
    if any("\0" in text for pair in labels.items() for text in pair) or "" in labels:
        raise errors.invalid_container(name, "Invalid 'dockerLabels' setting")
    for what in ("user", "workingDirectory"):
        if "\0" in (given.get(what) or ""):
            raise errors.invalid_container(name, f"Invalid '{what}' setting")


def _size(container: Mapping[str, Any], what: str) -> int:
    if what == "cpu":
        return container.get("cpu") or 0
    return container.get("memory") or container.get("memoryReservation") or 0


def _check_pattern(what: str, pattern: str, text: str) -> None:
    if not re.fullmatch(pattern, text):
        raise errors.must_match(what, pattern, text)


def _check_image(image: Any) -> None:
    if not image:
        raise errors.empty("Container.image")
    if len(image) > LONGEST:
        raise errors.too_long("Container.image", LONGEST)
    if not IMAGE.fullmatch(image):
        raise errors.invalid_characters("Container.image")


def _numbers(given: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the numbers of one container."""
    if (given.get("cpu") or 0) < 0:
        yield "Invalid 'cpu' setting"
    for what in ("memory", "memoryReservation"):
        if given.get(what) is not None and given[what] < LEAST_MEMORY:
            yield f"Invalid '{what}' setting"
    memory, reserved = given.get("memory"), given.get("memoryReservation")
    if memory is not None and reserved is not None and memory < reserved:
        yield "Invalid 'memoryReservation' setting"
    if given.get("stopTimeout") is not None and not 0 <= given["stopTimeout"] <= MOST_STOP_TIMEOUT:
        yield "Invalid 'stopTimeout' setting"
    for each in given.get("ulimits") or []:
        if not 0 <= each["softLimit"] <= each["hardLimit"]:
            yield "Invalid 'ulimits' setting"


def _check_ports(containers: Sequence[Mapping[str, Any]]) -> None:
    """In the network mode awsvpc the containers of a task share their ports."""
    used = set[tuple[str, int]]()
    for each in containers:
        for mapping in each.get("portMappings") or []:
            port, host = mapping.get("containerPort"), mapping.get("hostPort")
            if port not in PORTS:
                raise errors.invalid_container(each["name"], "Invalid 'containerPort' setting")
            if host is not None and host != port:
                raise errors.ports_differ()
            key = (str(mapping.get("protocol", "tcp")), port)
            if key in used:
                raise errors.port_twice(*key)
            used.add(key)
