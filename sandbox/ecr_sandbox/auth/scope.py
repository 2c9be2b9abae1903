"""The Authorization header of Signature Version 4: which key signed a request, for which service and Region.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from typing import NamedTuple

from ecr_sandbox.http.middleware import Request

ALGORITHM = "AWS4-HMAC-SHA256"
PARAMETERS = ("Credential", "Signature", "SignedHeaders")


class Scope(NamedTuple):
    """The parts of the header. *service* is the service's signing name, as in ``ecr`` or ``monitoring``."""

    access_key: str
    date: str
    region: str
    service: str
    terminator: str
    signed_headers: str
    signature: str


def header_of(request: Request) -> str:
    """The Authorization header, or ``""``."""
    return request.headers.get("Authorization", "").strip()


def parameters(header: str) -> list[tuple[str, str, str]]:
    """The parameters of *header*: name, ``=`` (``""`` if it is missing) and value, in their order."""
    parts = header.partition(" ")[2].split(",")
    return [part.strip().partition("=") for part in parts if part.strip()]


def scope_of(request: Request) -> Scope | None:
    """The parts of the header, or None if it does not have exactly the three parameters and a credential of five."""
    header = header_of(request)
    given = parameters(header)
    values = {name: value for name, _, value in given}
    if not header.startswith(f"{ALGORITHM} ") or sorted(name for name, *_ in given) != sorted(PARAMETERS):
        return None
    match values["Credential"].split("/"):
        case [access_key, date, region, service, end]:
            return Scope(access_key, date, region, service, end, values["SignedHeaders"], values["Signature"])
    return None


def service_of(request: Request) -> str:
    """The service that the request is signed for, also by a presigned URL; ``""`` for an unsigned request."""
    if scope := scope_of(request):
        return scope.service
    parts = request.args.get("X-Amz-Credential", "").split("/")
    return parts[3] if len(parts) == 5 else ""


def region_of(request: Request) -> str:
    """The Region that the request is signed for, or ``""`` for an unsigned request."""
    scope = scope_of(request)
    return scope.region if scope else ""
