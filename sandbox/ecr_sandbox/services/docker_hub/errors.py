"""Docker Hub's errors, each with its source; where the Hub's sentence is not known, it is ours.

What docker prints before the message (``denied:``, ``pull access denied for …``) is docker's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ecr_sandbox.registry.backend import RegistryErrors
from ecr_sandbox.registry.errors import (
    BLOB_UNKNOWN,
    MANIFEST_TOO_LARGE,
    UPLOAD_UNKNOWN,
    DigestMismatch,
    ImageError,
    LayersMissing,
    ReferencedImagesMissing,
    Refusal,
)

SERVICE = "registry.docker.io"

# --- the token endpoint: sent as {"details": …} ---------------------------------------------------------------------

# https://github.com/docker/hub-feedback/issues/902; docker prints it only when it finds it in a field "details"
WRONG_PASSWORD = "incorrect username or password"

# https://github.com/line/kubectl-kustomize/pull/12 (2023-06-03), and many public logs
INSUFFICIENT_SCOPES = "access token has insufficient scopes"

# https://github.com/sailor-sh/CK-X/issues/60 (2025-12-20)
TOKEN_EXPIRED = "personal access token is expired"

# The sentence is ours.
UNSUPPORTED_GRANT = "unsupported grant type"

# --- the registry -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Detailed(Refusal):
    """A refusal with the field *detail*, without which docker prints less."""

    detail: Any = None

    def body(self) -> dict[str, list[dict[str, Any]]]:
        return {"errors": [{"code": self.code, "message": self.message, "detail": self.detail}]}


def unauthorized(
    host: str, name: str = "", actions: Iterable[str] = (), error: str = "", kind: str = "repository"
) -> Refusal:
    """A token that grants *actions* on the *kind* *name* is needed; *error* says what is wrong with the given one.

    Header and body: https://github.com/docker-archive/docker-registry/issues/1071,
    https://github.com/containerd/containerd/issues/6492 (2022); of the catalog:
    https://github.com/genuinetools/reg/issues/86. The real realm is https://auth.docker.io/token.
    """
    actions = sorted(actions)
    challenge = f'Bearer realm="http://{host}/token",service="{SERVICE}"'
    if name:
        challenge += f',scope="{kind}:{name}:{",".join(actions)}"'
    if error:
        challenge += f',error="{error}"'
    detail = [{"Type": kind, "Class": "", "Name": name, "Action": action} for action in actions]
    return Detailed(
        401, "UNAUTHORIZED", "authentication required", {"Www-Authenticate": challenge}, detail if name else None
    )


def manifest_unknown(reference: str) -> Refusal:
    """The tag or digest does not exist, as the Hub answers for ``library/scratch``.

    With the detail docker prints "manifest for … not found: manifest unknown: manifest unknown", without it less.
    """
    what = "revision" if ":" in reference else "tag"
    return Detailed(404, "MANIFEST_UNKNOWN", "manifest unknown", detail=f"unknown {what}={reference}")


def too_many_pulls(user: str | None, token_id: str, headers: dict[str, str]) -> Refusal:
    """429. Anonymous: https://github.com/docker/hub-feedback/issues/2464 (2025-05-12); signed in: many public CI logs
    of 2025 and 2026. ``Retry-After`` is omitted, because it is not known whether the Hub sends it.
    """
    message = (
        f"You have reached your pull rate limit as '{user}': {token_id}. You may increase the limit by upgrading. "
        if user
        else "You have reached your unauthenticated pull rate limit. "
    )
    return Refusal(429, "TOOMANYREQUESTS", message + "https://www.docker.com/increase-rate-limit", headers)


def manifest_refused(error: ImageError) -> Refusal:
    """The answer to a push of a manifest that the registry does not store; distribution-spec, "Error Codes"."""
    match error:
        case LayersMissing() | ReferencedImagesMissing():
            return Refusal(404, "MANIFEST_BLOB_UNKNOWN", "manifest blob unknown to registry")
        case DigestMismatch():
            return Refusal(400, "DIGEST_INVALID", "provided digest did not match content")
    return Refusal(400, "MANIFEST_INVALID", "manifest invalid")


REGISTRY = RegistryErrors(
    image_unknown=Refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"),
    blob_unknown=BLOB_UNKNOWN,
    upload_unknown=UPLOAD_UNKNOWN,
    digest_mismatch=Refusal(400, "DIGEST_INVALID", "provided digest did not match uploaded content"),
    manifest_too_large=MANIFEST_TOO_LARGE,
    manifest_refused=manifest_refused,
)

# --- the web API: sent as {"message": …, "errinfo": {}} ---------------------------------------------------------------

# https://github.com/docker/hub-feedback/issues/2227 (2022-04-11); sent as {"detail": …}
INCORRECT_CREDENTIALS = "Incorrect authentication credentials"

# https://github.com/docker/hub-feedback/issues/2438 (2025-01-30)
FROM_ACCESS_TOKEN = "token issued from personal access token"

# The website's sentence in https://github.com/docker/hub-feedback/issues/1249 (2017) and …/1313 (2018); what the API
# answers today is not known. Status 400: https://github.com/docker/hub-feedback/issues/78.
NO_PRIVATE_LEFT = "No more private repositories available"

# The sentences are ours.
NOT_FOUND = "object not found"
NOT_ALLOWED = "access denied"
NO_TOKEN = "a valid token is needed: send 'Authorization: Bearer TOKEN' with a token of POST /v2/auth/token"
