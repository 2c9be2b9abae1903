"""What AWS accounts contain of the kinds that the course makes, with every property that their owner could lose.

The rehearsal compares it before and after. It is read by administrators of the accounts: a learner may not list it all.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from machine.project import settings

ACCOUNT, REGION = "210987654321", "eu-west-3"  # of the rehearsal's learner
REGIONS = (REGION, "us-east-1", "eu-west-1", "us-west-2")  # and those that lessons name
GLOBAL = "us-east-1"  # where IAM and ECR Public answer for all Regions
SERVICE_ROLES = ":role/aws-service-role/"  # AWS makes them at the first use of a service, and they stay
KEYS = {
    ACCOUNT: (settings.ACCESS_KEY, settings.SECRET_KEY),
    settings.OTHER_ACCOUNT: (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY),
}
VOLATILE = ("ResponseMetadata", "events", "deployments")  # a service's events and deployments change without a call

Properties = dict[str, Any]


def contents(everywhere: bool = True) -> dict[str, Properties]:
    """``{"210987654321 eu-west-3 repository demo-app-repo": {"tags": …, "images": …, …}, …}`` of both accounts.

    Unless *everywhere*, only of the learner's account and Region.
    """
    found: dict[str, Properties] = {}
    for account in KEYS if everywhere else [ACCOUNT]:
        for kind, name, properties in _everywhere(account):
            found[f"{account} {kind} {name}"] = _steady(properties)
        for region in REGIONS if everywhere else [REGION]:
            for kind, name, properties in _in_region(account, region):
                found[f"{account} {region} {kind} {name}"] = _steady(properties)
    return found


def client(account: str, service: str, region: str = GLOBAL) -> Any:
    """A boto3 client of an administrator of this account, as the variables are now that boto3 reads."""
    read = tuple(os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "HOME"))
    return _client(account, service, region, read)


@cache
def _session(account: str, read: tuple[str | None, ...]) -> Any:
    import boto3

    return boto3.Session(*KEYS[account])


@cache  # to make one takes longer than most calls
def _client(account: str, service: str, region: str, read: tuple[str | None, ...]) -> Any:
    return _session(account, read).client(service, region)


def listed(client: Any, operation: str, path: str, **parameters: Any) -> list[Any]:
    """All pages of a list: what *path*, a JMESPath expression, finds in them."""
    return list(client.get_paginator(operation).paginate(**parameters).search(path))


def _everywhere(account: str) -> Iterator[tuple[str, str, Properties]]:
    yield from _iam(client(account, "iam"))
    public = client(account, "ecr-public")
    for name, properties in _repositories(public):
        catalog = public.get_repository_catalog_data(repositoryName=name)
        yield "public repository", name, properties | {"catalog data": catalog}


def _in_region(account: str, region: str) -> Iterator[tuple[str, str, Properties]]:
    ecr = client(account, "ecr", region)
    yield "settings of the registry", "", _registry(ecr)
    for name, properties in _repositories(ecr):
        lifecycle = _if_any(ecr.get_lifecycle_policy, "lifecyclePolicyText", repositoryName=name)
        yield "repository", name, properties | {"lifecycle policy": lifecycle}
    yield from _ecs(client(account, "ecs", region))
    logs = client(account, "logs", region)
    for group in listed(logs, "describe_log_groups", "logGroups[]"):
        name = group["logGroupName"]
        streams = listed(logs, "describe_log_streams", "logStreams[].logStreamName", logGroupName=name)
        tags = logs.list_tags_for_resource(resourceArn=group["arn"].removesuffix(":*"))["tags"]
        yield "log group", name, {"description": group, "streams": streams, "tags": tags}
    functions = client(account, "lambda", region)
    for each in listed(functions, "list_functions", "Functions[]"):
        name = each["FunctionName"]
        found = functions.get_function(FunctionName=name)
        yield "function", name, {"description": each, "tags": found.get("Tags"), "image": found["Code"]["ImageUri"]}


def _iam(iam: Any) -> Iterator[tuple[str, str, Properties]]:
    """Users, groups, roles and policies, each with its tags, boundary, policies and keys."""
    lists = {"user": "UserDetailList", "group": "GroupDetailList", "role": "RoleDetailList", "policy": "Policies"}
    kinds = ["User", "Group", "Role", "LocalManagedPolicy"]  # without AWS's managed policies
    pages = list(iam.get_paginator("get_account_authorization_details").paginate(Filter=kinds))
    for kind, key in lists.items():
        for each in (found for page in pages for found in page.get(key, ())):
            if SERVICE_ROLES in each["Arn"]:
                continue
            properties, name = {"description": each}, each["Arn"].rpartition("/")[2]
            if kind == "user":
                properties["keys"] = listed(iam, "list_access_keys", "AccessKeyMetadata[]", UserName=name)
            elif kind == "policy":
                properties["tags"] = iam.list_policy_tags(PolicyArn=each["Arn"])["Tags"]
            yield kind, name, properties


def _repositories(ecr: Any) -> Iterator[tuple[str, Properties]]:
    """Private or public repositories."""
    for each in listed(ecr, "describe_repositories", "repositories[]"):
        name = each["repositoryName"]
        images = listed(ecr, "describe_images", "imageDetails[]", repositoryName=name)
        for image in images:
            image.get("imageTags", []).sort()
        yield (
            name,
            {
                "description": each,
                "tags": ecr.list_tags_for_resource(resourceArn=each["repositoryArn"])["tags"],
                "policy": _if_any(ecr.get_repository_policy, "policyText", repositoryName=name),
                "images": sorted(images, key=lambda image: image["imageDigest"]),
            },
        )


def _registry(ecr: Any) -> Properties:
    return {
        "scanning": ecr.get_registry_scanning_configuration()["scanningConfiguration"],
        "replication": ecr.describe_registry()["replicationConfiguration"],
        "policy": _if_any(ecr.get_registry_policy, "policyText"),
        "pull through cache rules": listed(ecr, "describe_pull_through_cache_rules", "pullThroughCacheRules[]"),
        "account settings": [ecr.get_account_setting(name=name)["value"] for name in ("BASIC_SCAN_TYPE_VERSION",)],
    }


def _ecs(ecs: Any) -> Iterator[tuple[str, str, Properties]]:
    for arn in listed(ecs, "list_clusters", "clusterArns[]"):
        [cluster] = ecs.describe_clusters(clusters=[arn], include=["TAGS", "SETTINGS", "CONFIGURATIONS"])["clusters"]
        yield "cluster", cluster["clusterName"], {"description": cluster}
        for service in listed(ecs, "list_services", "serviceArns[]", cluster=arn):
            [found] = ecs.describe_services(cluster=arn, services=[service], include=["TAGS"])["services"]
            yield "service", found["serviceArn"].partition("service/")[2], {"description": found}
    for status in ("ACTIVE", "INACTIVE"):
        for arn in listed(ecs, "list_task_definitions", "taskDefinitionArns[]", status=status):
            found = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
            yield "task definition", arn.rpartition("/")[2], {"description": found}


def _if_any(operation: Callable[..., Mapping[str, Any]], key: str, **parameters: Any) -> Any:
    """The answer's *key*; None if AWS has no such policy."""
    from botocore.exceptions import ClientError

    try:
        return operation(**parameters)[key]
    except ClientError as error:
        if not error.response["Error"]["Code"].endswith("NotFoundException"):
            raise
        return None


def _steady(found: Any) -> Any:
    """*found* without what changes though nobody changes the resource."""
    if isinstance(found, dict):
        return {key: _steady(value) for key, value in found.items() if key not in VOLATILE}
    return [_steady(each) for each in found] if isinstance(found, list) else found
