"""AWS's host names: which registry or API each one is.

Sources: https://docs.aws.amazon.com/general/latest/gr/ecr.html, with the names for FIPS and dual-stack; for the APIs,
the endpoint rules of botocore's models. The bucket of the layers: ECR user guide, "Amazon ECR interface VPC endpoints".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

PUBLIC_HOST = "public.ecr.aws"
BUCKET = "prod-{region}-starport-layer-bucket"
REGION = r"[a-z]{2}(?:-[a-z]+){1,2}-\d"
REGISTRY = re.compile(
    rf"(\d{{12}})\.(?:dkr\.ecr(?:-fips)?\.({REGION})\.amazonaws\.com(?:\.cn)?|dkr-ecr(?:-fips)?\.({REGION})\.on\.aws)"
)
LAYERS = re.compile(rf"prod-{REGION}-starport-layer-bucket\.s3\.(?:dualstack\.)?{REGION}\.amazonaws\.com(?:\.cn)?")
# The first part of an API's host, and whether the host has the Region.
REGIONAL = ("api.ecr", "ecs", "ec2", "events", "lambda", "logs", "monitoring", "secretsmanager", "sqs", "sts")
GLOBAL = (
    *("iam.amazonaws.com", "sts.amazonaws.com", "ce.us-east-1.amazonaws.com"),
    *("api.ecr-public.us-east-1.amazonaws.com", "api.ecr-public.us-west-2.amazonaws.com"),
    "organizations.us-east-1.amazonaws.com",
)
SERVICES = "|".join(("ecr", "ecr-public", "iam", "ce", "organizations", *REGIONAL[1:]))
API = re.compile(
    rf"(?:api\.)?(?:{SERVICES})(?:-fips)?(?:\.(?:{REGION}|(?:aws-)?global))?\.(?:amazonaws\.com(?:\.cn)?|api\.aws)"
)


@dataclass(frozen=True)
class Registry:
    """The private registry of an account in a Region."""

    account: str
    region: str


class Place(Enum):
    """What another name leads to."""

    API = auto()
    PUBLIC = auto()  # ECR Public's registry
    LAYERS = auto()  # the presigned URLs of layers


def place_of(host: str) -> Registry | Place | None:
    """What *host*, with or without a port, is at AWS; None for a name that the sandbox does not serve."""
    name = re.sub(r":\d{1,5}$", "", host.lower())
    if found := REGISTRY.fullmatch(name):
        return Registry(found[1], found[2] or found[3])
    if name == PUBLIC_HOST:
        return Place.PUBLIC
    if LAYERS.fullmatch(name):
        return Place.LAYERS
    return Place.API if API.fullmatch(name) else None


def registry_host(account: str, region: str) -> str:
    """The host of the private registry of *account* in *region*."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"


def layers_host(region: str) -> str:
    """The S3 host of the layers of the registries in *region*."""
    return f"{BUCKET.format(region=region)}.s3.{region}.amazonaws.com"


def names(accounts: Iterable[str], regions: Iterable[str]) -> list[str]:
    """The names that clients of these accounts and Regions use, for a hosts file, which has no wildcards."""
    regions = list(regions)
    hosts = [PUBLIC_HOST, *GLOBAL]
    for region in regions:
        hosts += [f"{service}.{region}.amazonaws.com" for service in REGIONAL]
        hosts.append(layers_host(region))
        hosts += [registry_host(account, region) for account in accounts]
    return list(dict.fromkeys(hosts))
