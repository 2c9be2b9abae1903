"""Error answers in the protocol of the request: JSON, XML or CBOR."""

import json
import uuid
import warnings
from xml.sax.saxutils import escape

from moto.core.exceptions import ServiceException
from werkzeug.wrappers import Response

from ecr_sandbox.auth.scope import service_of
from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Handler, Request

from .errors import INTERNAL
from .parameters import NOT_XML
from .protocols import CBOR, EC2, JSON, REST_JSON, content_type, model_of, protocol_of
from .service_called import service_called

MONITORING_NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/"  # the model of its newest protocol has none
NO_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"  # of a request that names no service
EC2_INTERNAL = "InternalError"

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
    protocol, status = protocol_of(request), int(getattr(error, "status", 400))
    if protocol == CBOR:
        from . import cbor  # few clients speak it

        return cbor.refuse(error, status)
    service = service_called(request) or service_of(request)
    kind = content_type(service, protocol)
    if protocol in (JSON, REST_JSON):
        return refuse_json(error, status, kind)
    code, query_status = getattr(error, "query_code", error.code), int(getattr(error, "query_status", 400))
    message = getattr(error, "query_message", error.message)
    body = _xml(protocol, service, code, message, query_status)
    return Response(body, status=query_status, content_type=kind)


def refuse_json(
    error: ApiError | ServiceException, status: int = 400, content_type: str = "application/x-amz-json-1.1"
) -> Response:
    """*error* in the JSON protocols. AWS leaves out a message that is empty."""
    body = json.dumps({"__type": error.code, **({"message": error.message} if error.message else {})})
    return Response(body, status=status, headers={"x-amzn-ErrorType": error.code}, content_type=content_type)


def _xml(protocol: str, service: str, code: str, message: str, status: int) -> str:
    """Sources: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization, and
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html,
    https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
    """
    if protocol == EC2 and code == INTERNAL:
        code = EC2_INTERNAL
    parts = f"<Code>{_text(code)}</Code><Message>{_text(message)}</Message>"
    request_id = uuid.uuid4()
    if protocol == EC2:
        return f"<Response><Errors><Error>{parts}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    if service == "s3":
        return f"<Error>{parts}<RequestId>{request_id}</RequestId></Error>"
    who = "Sender" if status < 500 else "Receiver"
    return (
        f'<ErrorResponse xmlns="{_namespace(service)}"><Error><Type>{who}</Type>{parts}</Error>'
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )


def _namespace(service: str) -> str:
    if service == "monitoring":
        return MONITORING_NAMESPACE
    model = model_of(service)
    return str(model.metadata.get("xmlNamespace") or NO_NAMESPACE) if model else NO_NAMESPACE


def _text(text: str) -> str:
    return escape(NOT_XML.sub("\ufffd", text))
