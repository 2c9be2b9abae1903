"""Middleware 3 of IAM and STS: is each name what botocore's own model of the service says it must be?

A name that XML cannot carry would break every list that it is in.
Source: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, "ValidationError"
"""

import re

from ecr_sandbox.http.middleware import Handler, Request
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from . import dispatch, errors
from .validation import faults

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def validate_query(request: Request, call_next: Handler) -> Response:
    """Refuse a call of IAM or STS with a value that breaks the model."""
    if dispatch.service_of(request) not in dispatch.QUERY:
        return call_next(request)
    fault = _fault(request)
    if fault is None:
        return call_next(request)
    name, value, constraint = fault
    told = "" if NOT_XML.search(value) else f"'{value}' "
    constraint = re.sub("regular expression '(.*)'$", r"regular expression pattern: \1", constraint)
    message = (
        f"1 validation error detected: Value {told}at '{name[0].lower()}{name[1:]}' "
        f"failed to satisfy constraint: Member {constraint}"
    )
    return dispatch.refuse(request, errors.CommonError("ValidationError", "ValidationError", message, 400, 400))


def _fault(request: Request) -> tuple[str, str, str] | None:
    """The first parameter that is wrong: its name, its value and the constraint that it breaks."""
    model, operation = get_service_model(dispatch.service_of(request)), dispatch.operation_of(request)
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
