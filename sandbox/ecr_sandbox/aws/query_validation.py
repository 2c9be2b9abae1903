"""Validation of IAM's and STS's parameters against botocore's own model of the service.

A name with a character that XML does not allow would break every list that contains it.
Source: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, "ValidationError"
"""

import re

from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from ecr_sandbox.auth.scope import service_of
from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Request

from .call import QUERY_NAMESPACES, operation_of
from .validation import faults

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def validate_query(request: Request, call_next: Handler) -> Response:
    """Middleware that refuses a call of IAM or STS with a value that the model does not allow; raises ApiError."""
    if service_of(request) not in QUERY_NAMESPACES:
        return call_next(request)
    fault = _fault(request)
    if fault is None:
        return call_next(request)
    name, value, constraint = fault
    quoted = "" if NOT_XML.search(value) else f"'{value}' "
    constraint = re.sub("regular expression '(.*)'$", r"regular expression pattern: \1", constraint)
    message = (
        f"1 validation error detected: Value {quoted}at '{name[0].lower()}{name[1:]}' "
        f"failed to satisfy constraint: Member {constraint}"
    )
    raise ApiError("ValidationError", "ValidationError", message, query_status=400)


def _fault(request: Request) -> tuple[str, str, str] | None:
    """The first parameter that is not valid: its name, its value and the constraint."""
    model, operation = get_service_model(service_of(request)), operation_of(request)
    if operation not in model.operation_names:
        return None
    shape = model.operation_model(operation).input_shape
    for name, value in request.form.items():
        known = shape.members.get(name) if shape else None
        if NOT_XML.search(value):
            return name, value, "must consist of characters that XML has"
        if known is not None and known.type_name == "string":
            for _, constraint in faults(known, value, name):
                return name, value, constraint
    return None
