"""The ARNs of what an AWS account contains of the kinds that the course makes, as the learner may list them."""

from typing import Any, NamedTuple

REGIONS = ("eu-west-3", "us-east-1", "eu-west-1", "us-west-2")  # the rehearsal's, and those that lessons name
SERVICE_ROLES = ":role/aws-service-role/"  # AWS makes them at the first use of a service, and they stay


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

    found = {arn for each in EVERYWHERE for arn in _listed(each, "us-east-1") if SERVICE_ROLES not in arn}
    for region in REGIONS:
        found |= {arn for each in IN_EACH_REGION for arn in _listed(each, region)}
        scanning = boto3.client("ecr", region).get_registry_scanning_configuration()["scanningConfiguration"]
        found.add(f"registry scanning in {region}: {scanning}")
    return found


def _listed(listing: Listing, region: str) -> list[str]:
    import boto3

    pages = boto3.client(listing.service, region).get_paginator(listing.operation).paginate(**listing.parameters)
    return list(pages.search(listing.arns))
