"""The ARNs of what an AWS account contains of the kinds that the course makes, as the learner may list them."""

from typing import Any, NamedTuple

from machine import account


class Listing(NamedTuple):
    """An operation that lists resources, and where its answer has their ARNs."""

    service: str
    operation: str
    arns: str
    parameters: dict[str, Any] = {}  # noqa: RUF012


EVERYWHERE = (
    Listing("iam", "list_users", "Users[].Arn"),
    Listing("iam", "list_roles", "Roles[].Arn"),
    Listing("iam", "list_policies", "Policies[].Arn", {"Scope": "Local"}),
    Listing("ecr-public", "describe_repositories", "repositories[].repositoryArn"),
)
IN_EACH_REGION = (
    Listing("ecr", "describe_repositories", "repositories[].repositoryArn"),
    Listing("ecs", "list_clusters", "clusterArns[]"),
    Listing("ecs", "list_task_definitions", "taskDefinitionArns[]", {"status": "ACTIVE"}),
    Listing("ecs", "list_task_definitions", "taskDefinitionArns[]", {"status": "INACTIVE"}),
    Listing("logs", "describe_log_groups", "logGroups[].arn"),
    Listing("lambda", "list_functions", "Functions[].FunctionArn"),
)


def listed() -> set[str]:
    """The ARNs of everything in the account of the environment's credentials, and its registries' scanning rules."""
    import boto3

    found = {arn for each in EVERYWHERE for arn in _listed(each, account.GLOBAL) if account.SERVICE_ROLES not in arn}
    for region in account.REGIONS:
        found |= {arn for each in IN_EACH_REGION for arn in _listed(each, region)}
        scanning = boto3.client("ecr", region).get_registry_scanning_configuration()["scanningConfiguration"]
        found.add(f"registry scanning in {region}: {scanning}")
    return found


def _listed(listing: Listing, region: str) -> list[str]:
    import boto3

    client = boto3.client(listing.service, region)
    return account.listed(client, listing.operation, listing.arns, **listing.parameters)
