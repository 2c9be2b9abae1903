"""ECR Public's errors, each with its source; those it shares with ECR are in ``services/image_errors.py``."""

import re
from dataclasses import replace

from moto.core.exceptions import ServiceException

from ecr_sandbox.auth.errors import INVALID_REGION, wrong_scope
from ecr_sandbox.aws.errors import InvalidParameter
from ecr_sandbox.errors import ApiError
from ecr_sandbox.registry.errors import UNSUPPORTED, Refusal, unsupported

SERVICE = "public.ecr.aws"

# --- the API ----------------------------------------------------------------------------------------------------------


class UnsupportedCommandException(ServiceException):
    """https://github.com/codeship-library/aws-utilities/pull/117; the same of DescribeRepositories in the sources of
    https://github.com/hashicorp/terraform-provider-aws."""

    code = "UnsupportedCommandException"

    def __init__(self, operation: str):
        super().__init__(f"{operation} command is only supported in us-east-1.")


class RegistryNotFoundException(ServiceException):
    """The code is the service model's; the sentence is ours."""

    code = "RegistryNotFoundException"

    def __init__(self, registry: str):
        super().__init__(f"The registry with id '{registry}' does not exist")


def no_such_endpoint() -> ApiError:
    """What us-east-1 answers to a signature of another Region.

    On AWS other Regions have no endpoint, and the client says "Could not connect to the
    endpoint URL" (https://github.com/aws/aws-cli/issues/5917).
    """
    return wrong_scope([INVALID_REGION])


# --- the registry -----------------------------------------------------------------------------------------------------

# https://github.com/openreplay/openreplay/issues/4076, https://github.com/aws/aws-lambda-web-adapter/issues/429
TOO_MANY_PULLS = Refusal(429, "TOOMANYREQUESTS", "Rate exceeded")

# https://github.com/aws/aws-lambda-web-adapter/issues/595
TOO_MUCH_DATA = Refusal(429, "TOOMANYREQUESTS", "Data limit exceeded")

# https://github.com/CircleCI-Public/aws-ecr-orb/issues/227: an account number in place of the alias.
ALIAS = re.compile(r"[a-z][a-z0-9]+(?:[._-][a-z0-9]+)*")
ALIAS_INVALID = unsupported(
    InvalidParameter("registryAliasName", f"Member must satisfy regular expression pattern: {ALIAS.pattern}").message
)

# The status of tags/list before ECR Public had it: https://github.com/google/go-containerregistry/issues/1085. Code and
# sentence are ours.
NO_CATALOG = replace(UNSUPPORTED, status=404)


def not_authorized(url: str) -> Refusal:
    """The client has no token, or is anonymous and needs an account.

    Header: https://github.com/helm/helm/issues/12491. Body: https://github.com/jetstack/version-checker/issues/122;
    as docker prints it: https://github.com/docker/login-action/issues/38. The real realm is
    https://public.ecr.aws/token/.
    """
    challenge = f'Bearer realm="{url}/token/",service="{SERVICE}",scope="aws"'
    return Refusal(401, "DENIED", "Not Authorized", {"Www-Authenticate": challenge})
