"""Where the name of an image leads: a private registry of the sandbox, ECR Public, Docker Hub, or out of reach.

Names as AWS writes them, ``<account>.dkr.ecr.<region>.amazonaws.com/app:v1``, and as the sandbox does,
``localhost:5050/app:v1``, mean the same. Source of the rest: distribution's ``reference`` package.
"""

import re
from dataclasses import dataclass

from ecr_sandbox.http import addresses, aws_names

LOCAL = re.compile(r"(?:localhost|127\.0\.0\.1):(\d+)")
PUBLIC, HUB = "public.ecr.aws", "docker.io"


@dataclass(frozen=True)
class ImageName:
    """The parts of an image's name: *host* is as written, or Docker Hub's; *tag* is ``latest`` if nothing was said."""

    host: str
    path: str
    tag: str | None
    digest: str | None

    @property
    def reference(self) -> str:
        """What comes after ``/manifests/``."""
        return self.digest or str(self.tag)


def parse(name: str) -> ImageName:
    """The parts of *name*."""
    name, _, digest = name.partition("@")
    first, slash, rest = name.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    host, path = (first, rest) if is_host else (HUB, name if slash else f"library/{name}")
    head, colon, tail = path.rpartition(":")
    path, tag = (head, tail) if colon else (path, None)
    return ImageName(host, path, tag or (None if digest else "latest"), digest or None)


def registry_account(name: str) -> tuple[str, str] | None:
    """Account and Region of the private registry that *name* leads to, or None."""
    host = parse(name).host
    match aws_names.place_of(host):
        case aws_names.Registry(account, region):
            return account, region
    found = LOCAL.fullmatch(host)
    return addresses.current.registry_at(int(found[1])) if found else None


def elsewhere(name: str) -> str | None:
    """What the engine calls an image of the stand-ins of ECR Public and Docker Hub; None for any other."""
    parts = parse(name)
    public, hub = addresses.current.public_host, addresses.current.hub_host
    host = {PUBLIC: public, HUB: hub, "index.docker.io": hub}.get(parts.host)
    ours = (public(), hub())
    where = host() if host else parts.host if parts.host in ours else None
    if where is None:
        return None
    return f"{where}/{parts.path}" + (f"@{parts.digest}" if parts.digest else f":{parts.tag}")
