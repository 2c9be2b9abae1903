"""Door 3 of IAM and STS: is each name what botocore's own model of the service says it must be?

A name that XML cannot carry would break every list that it is in.
Source: https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, "ValidationError"
"""

import re

from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from . import aws, common_errors
from .doors import Handler, Request
from .validate import faults

NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def validate_query(request: Request, onward: Handler) -> Response:
    """Refuse a call of IAM or STS with a name that breaks the model."""
    if aws.service_of(request) not in aws.QUERY:
        return onward(request)
    fault = _fault(request)
    if fault is None:
        return onward(request)
    message = f"The specified value for {fault} is invalid."
    return aws.refuse(request, common_errors.CommonError("ValidationError", "ValidationError", message, 400, 400))


def _fault(request: Request) -> str | None:
    model, operation = get_service_model(aws.service_of(request)), aws.operation_of(request)
    if operation not in model.operation_names:
        return None
    shape = model.operation_model(operation).input_shape
    for name, value in request.form.items():
        known = shape.members.get(name) if shape else None
        if NOT_XML.search(value):
            return str(name)
        if known is not None and known.type_name == "string" and next(faults(known, value, name), None):
            return str(name)
    return None
