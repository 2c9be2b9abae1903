"""The addresses in the sandbox's answers, in the place of AWS's and Docker's: ports of localhost, or AWS's own names.

With ports, ``<account>.dkr.ecr.<region>.amazonaws.com`` is the sandbox's main port for the default account and Region.
Every other account and Region has a port of its own, and so do ``public.ecr.aws`` and ``docker.io``.
"""

import re
from collections.abc import Callable, Mapping

from ecr_sandbox import settings

from . import aws_names

HUB, PUBLIC = "docker-hub", "ecr-public"


class LocalPorts:
    """Ports of localhost: the main *port*, *port_of* gives the port of a name, *ports* those in use by name."""

    def __init__(self, port: int, port_of: Callable[[str], int], ports: Callable[[], Mapping[str, int]] = dict):
        self._port, self._port_of, self._ports = port, port_of, ports

    def api_url(self, service: str, region: str) -> str:
        """The address of the AWS API of *service*; with ports it is one for every service, account and Region."""
        return self.own_url()

    def own_url(self) -> str:
        """Where this process reaches its own API, for every service, account and Region."""
        return f"http://localhost:{self._port}"

    def registry_host(self, account: str, region: str) -> str:
        """The private registry's host and port."""
        is_default = (account, region) == (settings.ACCOUNT, settings.REGION)
        return f"localhost:{self._port if is_default else self._port_of(f'{account} {region}')}"

    def registry_url(self, account: str, region: str) -> str:
        """The ``proxyEndpoint`` of GetAuthorizationToken."""
        return f"http://{self.registry_host(account, region)}"

    def layers_url(self, region: str, asked: str) -> str:
        """The base of layers' presigned URLs, as S3's on AWS. *asked* is the Host of the request that gets the URL.

        registry/presigned_urls.py explains the host.
        """
        return f"http://{re.sub(r':[0-9]+$', '', asked)}:{self._port}/{aws_names.BUCKET.format(region=region)}"

    def public_host(self) -> str:
        """ECR Public's host and port."""
        return f"localhost:{self._port_of(PUBLIC)}"

    def public_url(self) -> str:
        """Where this process reaches ECR Public."""
        return f"http://localhost:{self._port_of(PUBLIC)}"

    def hub_host(self) -> str:
        """The host and port of the Docker Hub stand-in."""
        return f"localhost:{self._port_of(HUB)}"

    def hub_url(self) -> str:
        """The base URL of the Docker Hub stand-in."""
        return f"http://{self.hub_host()}"

    def registry_at(self, port: int) -> tuple[str, str] | None:
        """Account and Region of the private registry at *port*, or None."""
        if port == self._port:
            return settings.ACCOUNT, settings.REGION
        name = next((name for name, served in self._ports().items() if served == port), "")
        account, _, region = name.partition(" ")
        return (account, region) if region else None


class AwsNames(LocalPorts):
    """AWS's own names, with HTTPS. Docker Hub's stand-in, and this process, still use ports of localhost."""

    def api_url(self, service: str, region: str) -> str:
        return f"https://{service}.{region}.amazonaws.com"

    def registry_host(self, account: str, region: str) -> str:
        return aws_names.registry_host(account, region)

    def registry_url(self, account: str, region: str) -> str:
        return f"https://{self.registry_host(account, region)}"

    def layers_url(self, region: str, asked: str) -> str:
        if re.match(r"(?:localhost|127\.0\.0\.1)(?::|$)", asked):  # the console, for one
            return super().layers_url(region, asked)
        return f"https://{aws_names.layers_host(region)}"

    def public_host(self) -> str:
        return aws_names.PUBLIC_HOST


current: LocalPorts


def use(chosen: LocalPorts) -> None:
    """Set the addresses in the answers from now on."""
    global current
    current = chosen
