"""Addresses that work here, in the place of AWS's and Docker's.

``<account>.dkr.ecr.<region>.amazonaws.com`` is the sandbox's port for the course's own account and Region, and a port
of its own for every other; so are ``public.ecr.aws`` and ``docker.io``.
"""

from collections.abc import Callable

from ..settings import ACCOUNT, REGION

HUB, PUBLIC = "docker-hub", "ecr-public"

_port = 0
_port_of: Callable[[str], int]


def serve_at(port: int, port_of: Callable[[str], int]) -> None:
    """Say which *port* the sandbox listens on, and who knows the others by name."""
    global _port, _port_of
    _port, _port_of = port, port_of


def registry_host(account: str, region: str) -> str:
    """The private registry's name for ``docker``."""
    return f"localhost:{_port if (account, region) == (ACCOUNT, REGION) else _port_of(f'{account} {region}')}"


def registry_url(account: str, region: str) -> str:
    """The ``proxyEndpoint`` of GetAuthorizationToken."""
    return f"http://{registry_host(account, region)}"


def layers_url() -> str:
    """Where links to layers lead; on AWS that is S3. Another host name than the registry's: see registry/links.py."""
    return f"http://127.0.0.1:{_port}"


def hub_url() -> str:
    """Where the stand-in for Docker Hub answers."""
    return f"http://localhost:{_port_of(HUB)}"


def public_host() -> str:
    """ECR Public's name for ``docker``."""
    return f"localhost:{_port_of(PUBLIC)}"
