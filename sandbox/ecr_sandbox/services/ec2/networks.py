"""What moto's EC2 does differently here. Loaded by the first call of EC2.

moto gives instances public addresses that belong to somebody, and the endpoints of AWS. Here an instance has an
address that is reserved for documentation (RFC 5737), and an endpoint is the sandbox. moto's 1,300 machine images are
not loaded: nothing here boots one, and 0.9 MB would be compared at each change.
"""

import os
import random

import moto.ec2.models.elastic_network_interfaces
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from ecr_sandbox.http import addresses


def install() -> None:
    """Change moto's data; call it before moto's first answer for ``ec2``."""
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
    for region in RegionsAndZonesBackend.regions:
        region.endpoint = addresses.current.api_url("ec2", region.name).partition("//")[2]
    moto.ec2.models.elastic_network_interfaces.random_public_ip = _documentation_address


def _documentation_address() -> str:
    return f"203.0.113.{random.randint(1, 254)}"
