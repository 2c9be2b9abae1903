"""ECS's errors, each with its source: refusals of RegisterTaskDefinition, RunTask and services, and stopped reasons.

Sources of the stopped reasons: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/:
``stopped-task-error-codes.html``, ``task_cannot_pull_image.html``, ``resource-initialization-error.html``.
"""

from moto.ecs.exceptions import EcsClientException, ECSException, InvalidParameterException

USER_INITIATED = "UserInitiated"
FAILED_TO_START = "TaskFailedToStart"
ESSENTIAL_EXITED = "EssentialContainerExited"
BY_SCHEDULER = "ServiceSchedulerInitiated"
# The closest code of ECS: the task's host was terminated.
HOST_GONE = "TerminationNotice"

ESSENTIAL_CONTAINER_EXITED = "Essential container in task exited"
STOPPED_BY_USER = "Task stopped by user"
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
# Not ECS's: on AWS the hosts are always on.
SANDBOX_WAS_STOPPED = "The sandbox was stopped, and with it the containers of its tasks."


class ClusterContainsTasks(ECSException):
    """The code and the sentence are the API reference's, DeleteCluster."""

    def __init__(self) -> None:
        super().__init__("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")


class ClusterContainsServices(ECSException):
    """The code and the sentence are the API reference's, DeleteCluster."""

    def __init__(self) -> None:
        super().__init__("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.")


class ServiceNotActive(ECSException):
    """The code and the sentence are the API reference's, UpdateService."""

    def __init__(self) -> None:
        super().__init__("ServiceNotActiveException", "Service was not ACTIVE.")


def no_service_linked_role() -> InvalidParameterException:
    """See ``first_use.py``."""
    return InvalidParameterException(
        "Unable to assume the service linked role. Please verify that the ECS service linked role exists."
    )


def no_such_size(cpu: int, memory: int) -> EcsClientException:
    """https://github.com/aws-games/cloud-game-development-toolkit/issues/737 (2025-09-16)."""
    return EcsClientException(
        f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. "
        "See the Amazon ECS documentation for the valid values."
    )


def needs_at_task_level(what: str) -> EcsClientException:
    """https://github.com/mongodb/terraform-aws-ecs-task-definition/issues/38."""
    return EcsClientException(f"Fargate requires that '{what}' be defined at the task level.")


def needs_execution_role() -> EcsClientException:
    """https://github.com/nathanpeck/aws-cloudformation-fargate/issues/1."""
    return EcsClientException("Fargate requires task definition to have execution role ARN to support ECR images.")


def needs_role_for_logs() -> EcsClientException:
    """The same as many logs show it for the ``awslogs`` driver."""
    return EcsClientException(
        "Fargate requires task definition to have execution role ARN to support log driver awslogs."
    )


def unsupported(what: str) -> EcsClientException:
    """Seen in CloudFormation's events for devices, privileged, sharedMemorySize, sourcePath and others."""
    return EcsClientException(f"Fargate compatible task definitions do not support {what}")


def only_awsvpc() -> EcsClientException:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html; many logs."""
    return EcsClientException("Fargate only supports network mode \u2018awsvpc\u2019.")


def invalid_role() -> EcsClientException:
    """RegisterTaskDefinition with a role that is not a role's ARN; in many logs."""
    return EcsClientException("Role is not valid")


def above_the_task(what: str, name: str) -> EcsClientException:
    """https://github.com/pulumi/pulumi-awsx/issues/1220 (2024-02-13), RegisterTaskDefinition."""
    return EcsClientException(f"The '{what}' setting for container '{name}' is greater than for the task.")


def sum_above_the_task(what: str, override: bool = False) -> ECSException:
    """https://github.com/aws/aws-cdk/issues/1553 (2019-01-15), for cpu. Its use for an override is our assumption."""
    message = f"The sum of all container '{what}' values cannot be greater than the value of the task '{what}'."
    return InvalidParameterException(message) if override else EcsClientException(message)


def override_above_the_task(what: str, name: str) -> InvalidParameterException:
    """https://github.com/artilleryio/artillery/issues/591 (2018-12-07), RunTask with ``containerOverrides``."""
    return InvalidParameterException(f"'{what}' setting for container '{name}' is greater than for task.")


def empty(what: str) -> EcsClientException:
    """``Container.name``: https://github.com/awsdocs/aws-cloudformation-user-guide/pull/612 (2020-03-04)."""
    return EcsClientException(f"{what} should not be null or empty.")


def too_long(what: str, most: int) -> EcsClientException:
    """``Container.image``: https://github.com/hashicorp/terraform-provider-aws/issues/22629 (2022-01-17)."""
    return EcsClientException(f"{what} should be {most} characters or less.")


def invalid_characters(what: str) -> EcsClientException:
    """``Container.name``: https://github.com/hashicorp/terraform-provider-aws/issues/5950 (2018-09-20); ``Family``:
    https://github.com/aws/amazon-ecs-cli/issues/37 (2015-11-05)."""
    return EcsClientException(f"{what} contains invalid characters.")


def must_match(what: str, pattern: str, name: str) -> InvalidParameterException:
    """``Cluster``: https://github.com/awslabs/amazon-ecs-nodejs-microservices/issues/18 (2021-09-03)."""
    return InvalidParameterException(f"{what} must match {pattern}, but was {name}")


def negative(what: str) -> InvalidParameterException:
    """CreateService, UpdateService; the sentence is ours."""
    return InvalidParameterException(f"{what} must not be negative.")


def no_containers() -> EcsClientException:
    """RegisterTaskDefinition without containers; in many logs."""
    return EcsClientException("Container list cannot be empty.")


def too_many_containers() -> EcsClientException:
    """https://github.com/aws/amazon-ecs-cli/issues/184 (2016-12-21)."""
    return EcsClientException("Too many containers.")


def invalid_container(name: str, message: str) -> EcsClientException:
    """``Invalid 'containerPort' setting``: https://github.com/aws/aws-cli/issues/7288 (2022-09-21). The same sentence
    for other parameters is our assumption."""
    return EcsClientException(f"{message} for container '{name}'.")


def invalid_override(name: str, message: str) -> InvalidParameterException:
    """``invalid_container`` for RunTask's ``containerOverrides``; our assumption."""
    return InvalidParameterException(f"{message} for container '{name}'.")


def invalid_variable(name: str, variable: str) -> EcsClientException:
    """A process cannot have such a variable; the sentence is ours."""
    return EcsClientException(f"Invalid 'environment' setting for container '{name}': the variable {variable!r}.")


def ports_differ() -> EcsClientException:
    """https://github.com/aws/amazon-ecs-cli/issues/1014 (2020-04-23)."""
    return EcsClientException(
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
    )


def port_twice(protocol: str, port: int) -> EcsClientException:
    """https://github.com/aws/amazon-ecs-agent/issues/1220 (2018-01-29)."""
    return EcsClientException(f"{protocol.upper()} host port '{port}' is mapped multiple times in task.")


def duplicate_name(name: str) -> EcsClientException:
    """Two containers of one name; the sentence is ours."""
    return EcsClientException(f"Container names must be unique: '{name}' is there twice.")


def not_essential() -> EcsClientException:
    """API reference, ContainerDefinition: "All tasks must have at least one essential container"."""
    return EcsClientException("Invalid setting for container. At least one container should be essential.")


def unknown_dependency(name: str) -> EcsClientException:
    """The rule is the API reference's, ContainerDependency; the sentence is ours."""
    return EcsClientException(
        f"Invalid 'dependsOn' setting: '{name}' is no other container of the task, or waits for it."
    )


def inactive_definition() -> EcsClientException:
    """RunTask of a definition that was deregistered; in many logs."""
    return EcsClientException("TaskDefinition is inactive")


def cannot_assume(role: str) -> EcsClientException:
    """RunTask, and the events of services: AWS re:Post, "ECS was unable to assume the role"."""
    return EcsClientException(cannot_assume_sentence(role))


def cannot_assume_sentence(role: str) -> str:
    """See ``cannot_assume``."""
    return (
        f"ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the role "
        "being passed has the proper trust relationship and permissions and that your IAM user has permissions to "
        "pass this role."
    )


def no_instances() -> InvalidParameterException:
    """RunTask without launch type FARGATE in a cluster without instances: API reference and many logs."""
    return InvalidParameterException("No Container Instances were found in your cluster.")


def needs_network() -> InvalidParameterException:
    """moto's sentence, and in many logs."""
    return InvalidParameterException("Network Configuration must be provided when networkMode 'awsvpc' is specified.")


def no_subnets() -> InvalidParameterException:
    """moto's sentence."""
    return InvalidParameterException("subnets can not be empty.")


def no_subnet(subnet: str) -> InvalidParameterException:
    """moto's sentence; it contains EC2's own error."""
    return InvalidParameterException(
        f"Error retrieving subnet information for [{subnet}]: The subnet ID '{subnet}' does not exist "
        "(ErrorCode: InvalidSubnetID.NotFound)"
    )


def not_for_fargate() -> InvalidParameterException:
    """https://github.com/oranmoshai/ecsServiceRestart/issues/2 (2017-12-11), of UpdateService."""
    return InvalidParameterException("Task definition does not support launch_type FARGATE.")


def no_such_container(name: str) -> InvalidParameterException:
    """An override of a container that is not in the definition; in many logs."""
    return InvalidParameterException(f"Override for container named {name} is not a container in the TaskDefinition.")


def too_many_cpus() -> EcsClientException:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/throttling.html and re:Post."""
    return EcsClientException("You've reached the limit on the number of vCPUs you can run concurrently")


def count_out_of_range() -> InvalidParameterException:
    """API reference, RunTask: "You can specify up to 10 tasks for each call"; the sentence is ours."""
    return InvalidParameterException("count must be from 1 to 10.")


def task_not_found() -> InvalidParameterException:
    """StopTask; in many logs."""
    return InvalidParameterException("The referenced task was not found.")


def service_exists() -> InvalidParameterException:
    """CreateService of a name that an active service has; in many logs."""
    return InvalidParameterException("Creation of service was not idempotent.")


def draining() -> InvalidParameterException:
    """CreateService of a name whose service is still draining; in many logs."""
    return InvalidParameterException("Unable to Start a service that is still Draining.")


def scaled_above_zero() -> InvalidParameterException:
    """DeleteService without ``force``; moto's sentence."""
    return InvalidParameterException("The service cannot be stopped while it is scaled above 0.")


def no_registry_auth(denied: str) -> str:
    """The task may not get a registry password; *denied* is IAM's sentence. In many public logs."""
    return (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
        "unable to retrieve ecr registry auth: service call has been retried 3 time(s): "
        f"AccessDeniedException: {denied}"
    )


def no_log_stream(why: str) -> str:
    """The log group does not exist, or the role may not write to it; in many public logs."""
    return (
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
        f"failed to create Cloudwatch log stream: {why} : exit status 1"
    )


def manifest_forbidden(image: str, host: str, reference: str) -> str:
    """https://github.com/aws/aws-cdk/issues/29876 (2024-06-11): the role may not BatchGetImage."""
    return (
        f"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: "
        f"pulling from host {host} failed with status code [manifests {reference}]: 403 Forbidden"
    )


def image_not_found(image: str) -> str:
    """https://github.com/aws/containers-roadmap/issues/2687 (2025-10-10)."""
    return (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        f"failed to resolve ref {image}: {image}: not found"
    )


def no_such_platform(platform: str) -> str:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html."""
    return (
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): "
        f"image Manifest does not contain descriptor matching platform '{platform}'"
    )


def layer_forbidden(url: str) -> str:
    """The same page, and containerd's httpreadseeker.go: the role may not GetDownloadUrlForLayer."""
    return (
        "CannotPullContainerError: ref pull has been retried 1 time(s): failed to copy: httpReadSeeker: "
        f"failed open: unexpected status code {url}: 403 Forbidden"
    )


def pull_failed(message: str) -> str:
    """Another error of a pull, with the engine's message."""
    return f"CannotPullContainerError: {message}"


def cannot_start(message: str) -> str:
    """The engine could not start the container; *message* is its message."""
    return f"CannotStartContainerError: {message}"


def exec_format(program: str) -> str:
    """The kernel refuses a program of another processor: https://github.com/aws-samples/amazon-bedrock-serverless-prompt-chaining/issues/213."""
    return f"exec {program}: exec format error"


def scaling(deployment: str) -> str:
    """Why a service stopped a task; in many logs."""
    return f"Scaling activity initiated by (deployment {deployment})"


def missing_log_options(names: list[str]) -> EcsClientException:
    """RegisterTaskDefinition with an incomplete log configuration; in many logs."""
    return EcsClientException(f"Log driver awslogs requires options: {', '.join(names)}")


def dependency_failed(name: str, code: int | None) -> str:
    """A container depends on the success of *name*, which failed; the sentence is ours."""
    return f"The container {name}, for whose success another waits, exited with code {code}."


def no_engine(why: str) -> str:
    """Not ECS's: Fargate always has hosts."""
    return f"The sandbox runs tasks in the local Docker engine. {why}"
