"""Addresses that work here, in the place of AWS's and Docker's.

``<account>.dkr.ecr.<region>.amazonaws.com`` is the sandbox's port for the course's own account and Region, and a port
of its own for every other; so are ``public.ecr.aws`` and ``docker.io``.
"""

from collections.abc import Callable, Mapping

from ecr_sandbox.settings import ACCOUNT, REGION

HUB, PUBLIC = "docker-hub", "ecr-public"

_port = 0
_port_of: Callable[[str], int]
_ports: Callable[[], Mapping[str, int]]


def serve_at(port: int, port_of: Callable[[str], int], ports: Callable[[], Mapping[str, int]] = dict) -> None:
    """Say which *port* the sandbox listens on, who knows the others by name, and which there are already."""
    global _port, _port_of, _ports
    _port, _port_of, _ports = port, port_of, ports


def registry_host(account: str, region: str) -> str:
    """The private registry's name for ``docker``."""
    return f"localhost:{_port if (account, region) == (ACCOUNT, REGION) else _port_of(f'{account} {region}')}"


def registry_url(account: str, region: str) -> str:
    """The ``proxyEndpoint`` of GetAuthorizationToken."""
    return f"http://{registry_host(account, region)}"


def layers_url() -> str:
    """Where links to layers lead; on AWS that is S3. Another host name than the registry's: see registry/links.py."""
    return f"http://127.0.0.1:{_port}"


def registry_at(port: int) -> tuple[str, str] | None:
    """Account and Region of the private registry at *port*, or None."""
    if port == _port:
        return ACCOUNT, REGION
    name = next((name for name, served in _ports().items() if served == port), "")
    account, _, region = name.partition(" ")
    return (account, region) if region else None


def hub_host() -> str:
    """The name of Docker Hub's stand-in for ``docker``."""
    return f"localhost:{_port_of(HUB)}"


def hub_url() -> str:
    """Where the stand-in for Docker Hub answers."""
    return f"http://localhost:{_port_of(HUB)}"


def public_host() -> str:
    """ECR Public's name for ``docker``."""
    return f"localhost:{_port_of(PUBLIC)}"
