"""The Regions of EC2, for moto: it asks botocore three times while it is imported, and each time botocore reads its
largest model. That was most of the time that the first call of ECS took.
"""

from functools import cache
from typing import Any

import boto3
from botocore.loaders import Loader
from botocore.regions import EndpointResolver

_get_available_regions = boto3.Session.get_available_regions


def install() -> None:
    """Answer from the list of endpoints alone; call it before moto's EC2 is imported."""
    boto3.Session.get_available_regions = _available


def _available(self: boto3.Session, service_name: str, partition_name: str = "aws", **options: Any) -> list[str]:
    if service_name != "ec2":  # the others have an endpoint under another name, which is in their model
        return _get_available_regions(self, service_name, partition_name, **options)
    return list(_endpoints().get_available_endpoints(service_name, partition_name, **options))


@cache
def _endpoints() -> Any:
    return EndpointResolver(Loader().load_data("endpoints"), uses_builtin_data=True)
