"""What things are called in an account and Region: the registry, the partition of ARNs, and the cells' variables."""

import os
from urllib.parse import urlsplit

from ecr_sandbox import prepend_path, registry_names
from helpers import settings

# By the beginning of a Region's name: another Region of its partition, and one for learners who work in that.
OTHER_REGIONS = {
    "cn-": ("cn-northwest-1", "cn-north-1"),
    "us-gov-": ("us-gov-west-1", "us-gov-east-1"),
    "": ("eu-west-1", "eu-central-1"),
}


def registry(account: str, region: str) -> str:
    """The address of an account's private registry in a Region, named like boto3's endpoint there.

    With AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT (or the same in the profile) both have other names.
    Source: the names that amazon-ecr-credential-helper accepts (ecr-login/api/client.go), and "Making requests to
    Amazon ECR registries" in the ECR user guide.
    """
    import boto3
    from botocore.config import Config

    own = Config(ignore_configured_endpoint_urls=True)
    host = urlsplit(boto3.client("ecr", region_name=region, config=own).meta.endpoint_url).netloc
    if ".api." in host:  # dual-stack: ecr.eu-west-3.api.aws
        return f"{account}.dkr-{host.replace('.api.', '.on.')}"
    return f"{account}.dkr.{host.removeprefix('api.')}"


def partition(region: str) -> str:
    """The second part of every ARN of this Region: ``aws``, ``aws-cn``, ``aws-us-gov``…"""
    import boto3

    return boto3.Session().get_partition_for_region(region)


def other_region(region: str) -> str:
    """Another Region of the same partition, in which lessons and exercises look for what is elsewhere."""
    first, second = next(pair for start, pair in OTHER_REGIONS.items() if region.startswith(start))
    return first if region != first else second


def variables(account: str, region: str) -> dict[str, str]:
    """The variables to set on AWS: the names that cells use, the Region, and the course's CLI first on PATH.

    boto3 reads AWS_DEFAULT_REGION only, and the AWS CLI prefers AWS_REGION: with both they cannot differ.
    """
    path = prepend_path(os.environ.get("PATH", os.defpath), settings.aws_cli().parent)
    names = cell_names(registry(account, region), account, "public.ecr.aws", region)
    return {**names, "AWS_REGION": region, "AWS_DEFAULT_REGION": region, "PATH": path}


def cell_names(registry: str, account: str, public_registry: str, region: str = settings.REGION) -> dict[str, str]:
    """The names that cells use, the same for the sandbox and for AWS."""
    return {
        **registry_names(registry, account, public_registry),
        "REPOSITORY_NAME": settings.REPOSITORY,
        "REPOSITORY_URI": f"{registry}/{settings.REPOSITORY}",
        "OTHER_REGION": other_region(region),
    }
