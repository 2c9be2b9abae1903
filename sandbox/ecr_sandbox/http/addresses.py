"""Addresses that work on this machine, in the place of AWS's and Docker's.

``<account>.dkr.ecr.<region>.amazonaws.com`` is the sandbox's main port for the default account and Region. Every other
account and Region has a port of its own, and so do ``public.ecr.aws`` and ``docker.io``.
"""

import re
from collections.abc import Callable, Mapping

from ecr_sandbox.settings import ACCOUNT, REGION

HUB, PUBLIC = "docker-hub", "ecr-public"

_port = 0
_port_of: Callable[[str], int]
_ports: Callable[[], Mapping[str, int]]


def serve_at(port: int, port_of: Callable[[str], int], ports: Callable[[], Mapping[str, int]] = dict) -> None:
    """Set the sandbox's main *port*, the function that gives the port of a name, and the ports in use by name."""
    global _port, _port_of, _ports
    _port, _port_of, _ports = port, port_of, ports


def api_url() -> str:
    """The address of the AWS API, for every account and Region."""
    return f"http://localhost:{_port}"


def registry_host(account: str, region: str) -> str:
    """The private registry's host and port."""
    return f"localhost:{_port if (account, region) == (ACCOUNT, REGION) else _port_of(f'{account} {region}')}"


def registry_url(account: str, region: str) -> str:
    """The ``proxyEndpoint`` of GetAuthorizationToken."""
    return f"http://{registry_host(account, region)}"


def layers_url(asked: str) -> str:
    """The base of layers' presigned URLs, as S3's on AWS. *asked* is the Host of the request that gets the URL.

    registry/presigned_urls.py explains the host.
    """
    return f"http://{re.sub(r':[0-9]+$', '', asked)}:{_port}"


def registry_at(port: int) -> tuple[str, str] | None:
    """Account and Region of the private registry at *port*, or None."""
    if port == _port:
        return ACCOUNT, REGION
    name = next((name for name, served in _ports().items() if served == port), "")
    account, _, region = name.partition(" ")
    return (account, region) if region else None


def hub_host() -> str:
    """The host and port of the Docker Hub stand-in."""
    return f"localhost:{_port_of(HUB)}"


def hub_url() -> str:
    """The base URL of the Docker Hub stand-in."""
    return f"http://localhost:{_port_of(HUB)}"


def public_host() -> str:
    """ECR Public's host and port."""
    return f"localhost:{_port_of(PUBLIC)}"
