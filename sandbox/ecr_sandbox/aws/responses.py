"""Error answers in the protocol of the request: JSON, XML (the query protocol) or CBOR."""

import json
import uuid
import warnings
from xml.sax.saxutils import escape

from moto.core.exceptions import ServiceException
from werkzeug.wrappers import Response

from ecr_sandbox.auth.scope import service_of
from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Request

from .call import QUERY_NAMESPACES, speaks_cbor, speaks_query
from .service_called import service_called

MONITORING_NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/"  # CloudWatch has other protocols too

# moto warns about codes that are AWS's common errors, because they are not in a service's model.
warnings.filterwarnings("ignore", category=UserWarning, module=r"moto\.core\.serialize")


def answer_errors(request: Request, call_next: Handler) -> Response:
    """Middleware that turns an error that was raised into the answer of the request's service."""
    try:
        return call_next(request)
    except (ApiError, ServiceException) as error:
        return refuse(request, error)


def refuse(request: Request, error: ApiError | ServiceException) -> Response:
    """*error* in the protocol of *request*."""
    status = int(getattr(error, "status", 400))
    if speaks_cbor(request):
        from . import cbor  # few clients speak it

        return cbor.refuse(error, status)
    if not speaks_query(request):
        return refuse_json(error, status)
    code, query_status = getattr(error, "query_code", error.code), int(getattr(error, "query_status", 400))
    message = getattr(error, "query_message", error.message)
    service = service_called(request) or service_of(request)
    if service == "ec2":
        return _refuse_ec2(code, message, query_status)
    namespace = {**QUERY_NAMESPACES, "monitoring": MONITORING_NAMESPACE}.get(service, QUERY_NAMESPACES["sts"])
    body = (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return Response(body, status=query_status, content_type="text/xml")


def refuse_json(error: ApiError | ServiceException, status: int = 400) -> Response:
    """*error* in the JSON protocol."""
    body = json.dumps({"__type": error.code, "message": error.message})
    headers = {"x-amzn-ErrorType": error.code}
    return Response(body, status=status, headers=headers, content_type="application/x-amz-json-1.1")


def _refuse_ec2(code: str, message: str, status: int) -> Response:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, "Example error response"."""
    body = (
        f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
        f"<RequestID>{uuid.uuid4()}</RequestID></Response>"
    )
    return Response(body, status=status, content_type="text/xml")
