"""The Authorization header of Signature Version 4: which key signed a request, for which service and Region.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import re
from typing import NamedTuple

from ecr_sandbox.http.middleware import Request

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([A-Za-z0-9-]+)/aws4_request, *"
    r"SignedHeaders=([a-z0-9;_-]+), *Signature=([0-9a-f]{64})"
)


class Scope(NamedTuple):
    """The parts of the header. *service* is the service's signing name, as in ``ecr`` or ``monitoring``."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: str
    signature: str


def scope_of(request: Request) -> Scope | None:
    """The parts of the header, or None if it does not have exactly this form."""
    found = AUTHORIZATION.fullmatch(request.headers.get("Authorization", "").strip())
    return Scope(*found.groups()) if found else None


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
