"""Answers to requests that cannot be read, or fail unforeseen: a registry's under ``/v2/``, an AWS API's elsewhere."""

import json
from pathlib import Path

from werkzeug.wrappers import Response

from ecr_sandbox.aws.errors import internal, storage_full
from ecr_sandbox.aws.responses import refuse
from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.limits import Problem
from ecr_sandbox.http.middleware import Request
from ecr_sandbox.registry import responses
from ecr_sandbox.registry.errors import BODY_BROKEN, BODY_TOO_LARGE, PATH_BROKEN, disk_failed
from ecr_sandbox.state import disk

REGISTRY_ERRORS = {
    Problem.BODY_TOO_LARGE: BODY_TOO_LARGE,
    Problem.BODY_BROKEN: BODY_BROKEN,
    Problem.PATH_BROKEN: PATH_BROKEN,
}


def refuse_request(request: Request, problem: Problem) -> Response:
    """The answer to a request whose body or path is refused by ``http/limits.py``."""
    error = REGISTRY_ERRORS[problem]
    if is_registry_path(request.path):
        return responses.refuse(error)
    too_large = problem is Problem.BODY_TOO_LARGE
    code = "RequestEntityTooLargeException" if too_large else "SerializationException"
    return refuse(request, ApiError(code, code, error.message, error.status, error.status))


def refuse_unexpected(folder: Path, request: Request, error: Exception) -> Response:
    """The answer to a request that failed with *error*; *folder* is the state's."""
    if is_registry_path(request.path):
        return responses.refuse(disk_failed(folder, error))
    return refuse(request, storage_full() if disk.is_full(folder, error) else internal())


def malformed(path: bytes, message: str) -> tuple[bytes, str]:
    """Body and content type of the answer to a request that ``http/server.py`` cannot read; *path* may be empty."""
    if path.startswith(b"/v2"):
        return json.dumps({"errors": [{"code": "UNSUPPORTED", "message": message}]}).encode(), "application/json"
    error = {"__type": "MalformedHttpRequestException", "message": message}
    return json.dumps(error).encode(), "application/x-amz-json-1.1"


def is_registry_path(path: str) -> bool:
    """Whether *path* belongs to the OCI distribution protocol."""
    return path == "/v2" or path.startswith("/v2/")
