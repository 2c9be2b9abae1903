"""Addresses that work here: what AWS calls ``<account>.dkr.ecr.<region>.amazonaws.com`` is this port."""

from ..settings import ACCOUNT, REGION

_port = 0


def serve_at(port: int) -> None:
    """Say which port the sandbox listens on."""
    global _port
    _port = port


def endpoint() -> str:
    """The sandbox's URL."""
    return f"http://localhost:{_port}"


def registry_host(account: str, region: str) -> str:
    """The registry's name for ``docker``. Repositories of other regions show it too, but only the API reaches them."""
    return f"localhost:{_port}"


def is_registry_of(account: str, region: str) -> bool:
    """Whether the registry at this port is the one of *account* and *region*."""
    return (account, region) == (ACCOUNT, REGION)
