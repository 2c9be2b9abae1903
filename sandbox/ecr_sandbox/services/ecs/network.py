"""The network of a task: ``awsvpcConfiguration``.

There is no VPC here: only the form of the subnets' and security groups' ids is checked.
"""

import re
from collections.abc import Mapping
from typing import Any

from . import errors

SUBNET = re.compile(r"subnet-[0-9a-z]{8,17}")


def checked(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """*given* (networkConfiguration) with its defaults; raises ECSException."""
    if not given or not given.get("awsvpcConfiguration"):
        raise errors.needs_network()
    vpc = given["awsvpcConfiguration"]
    if not vpc.get("subnets"):
        raise errors.no_subnets()
    for subnet in vpc["subnets"]:
        if not SUBNET.fullmatch(subnet):
            raise errors.no_subnet(subnet)
    return {"securityGroups": [], "assignPublicIp": "DISABLED", **vpc}
