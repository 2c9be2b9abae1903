"""The responses of ECR's registry to a client without a valid password."""

from werkzeug.wrappers import Response

from ecr_sandbox.auth.basic import NoCredentials
from ecr_sandbox.auth.token import ExpiredToken
from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Request
from ecr_sandbox.registry.errors import denied
from ecr_sandbox.registry.responses import refuse
from ecr_sandbox.services.image_errors import TOKEN_EXPIRED, TOKEN_INVALID

from .errors import NOT_AUTHORIZED


def refuse_login(request: Request, error: Exception) -> Response:
    """The answer to *error*, which ``auth/basic.py`` found in *request*."""
    if isinstance(error, NoCredentials):
        challenge = f'Basic realm="{request.own_url}/",service="ecr.amazonaws.com"'
        headers = {"Www-Authenticate": challenge}
        return Response(NOT_AUTHORIZED, status=401, headers=headers, content_type="text/plain; charset=utf-8")
    if isinstance(error, ApiError):  # the key was deleted since, or is inactive
        return refuse(denied(error.message))
    return refuse(TOKEN_EXPIRED if isinstance(error, ExpiredToken) else TOKEN_INVALID)
