"""The resource policies that moto's services store without reading them: a malformed one is refused.

``services/repository_policies.py`` checks those of ECR and ECR Public. Sources of the sentences: SQS:
https://github.com/hashicorp/terraform-provider-aws/pull/42209; Secrets Manager: user guide, "Attaching a permissions
policy to a secret"; CloudWatch Logs: https://github.com/hashicorp/terraform-provider-aws/issues/32260; EventBridge:
moto's, for text that is not JSON.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.wrappers import Response

from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Request
from ecr_sandbox.iam import policy, principal_names
from ecr_sandbox.iam.requests import call_of

# Where a call has a policy, by signing name and operation.
PARAMETERS: Mapping[tuple[str, str], Sequence[str]] = {
    ("sqs", "CreateQueue"): ("Attributes", "Policy"),
    ("sqs", "SetQueueAttributes"): ("Attributes", "Policy"),
    ("secretsmanager", "PutResourcePolicy"): ("ResourcePolicy",),
    ("logs", "PutResourcePolicy"): ("policyDocument",),
    ("logs", "PutDestinationPolicy"): ("accessPolicy",),
    ("events", "PutPermission"): ("Policy",),
}
# Code, sentence for a malformed policy, sentence for a principal that does not exist or has another form.
ERRORS = {
    "sqs": ("InvalidAttributeValue", *["Invalid value for the parameter Policy."] * 2),
    "secretsmanager": (
        "MalformedPolicyDocumentException",
        "This resource policy contains a syntax error.",
        "This resource policy contains an unsupported principal.",
    ),
    "logs": ("InvalidParameterException", *["Could not convert to persistable policy."] * 2),
    "events": ("ValidationException", *["This policy contains invalid Json"] * 2),
}


def check_resource_policy(request: Request, call_next: Handler) -> Response:
    """Middleware that raises ApiError for a call with a policy that is malformed, or without a principal."""
    call = call_of(request)
    path = PARAMETERS.get((call.service, call.operation))
    if path and (text := _at(request.parameters, path)):
        code, malformed, unsupported = ERRORS[call.service]
        try:
            statements = policy.document_statements(text)
            principal_names.check(text)
        except policy.Malformed:
            raise ApiError(code, code, malformed, query_status=400) from None
        except principal_names.InvalidPrincipal:
            raise ApiError(code, code, unsupported, query_status=400) from None
        if not all({"Principal", "NotPrincipal"} & set(each) for each in statements):
            raise ApiError(code, code, malformed, query_status=400)
    return call_next(request)


def _at(parameters: Any, path: Sequence[str]) -> str:
    for name in path:
        parameters = parameters.get(name) if isinstance(parameters, Mapping) else None
    return parameters if isinstance(parameters, str) else ""
