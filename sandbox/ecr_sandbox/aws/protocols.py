"""The protocol of a request: which one it is decides how it is read, and how an error is answered.

Source: https://smithy.io/2.0/aws/protocols/index.html, and botocore's models for the protocols that a service offers.
"""

import functools

from botocore.exceptions import UnknownServiceError
from moto.core.model import ServiceModel
from moto.core.utils import get_service_model

from ecr_sandbox.auth.scope import service_of
from ecr_sandbox.http.middleware import Request

from .service_called import service_called

MODEL_NAMES = {"monitoring": "cloudwatch"}  # signing name -> name in botocore and moto, where they differ

CBOR, JSON, QUERY, EC2, REST_JSON, REST_XML = "smithy-rpc-v2-cbor", "json", "query", "ec2", "rest-json", "rest-xml"
REST = (REST_JSON, REST_XML)
FORM = "application/x-www-form-urlencoded"
XML = "text/xml"  # of the query protocols


def model_name(service: str) -> str:
    """The name that botocore and moto have for the service with this signing name."""
    return MODEL_NAMES.get(service, service)


@functools.lru_cache(128)  # a client may name any service
def model_of(service: str) -> ServiceModel | None:
    """botocore's model of the service with this signing name, or None."""
    try:
        return get_service_model(model_name(service))
    except (UnknownServiceError, ValueError):
        return None


def offered(service: str) -> tuple[str, ...]:
    """The protocols of the service with this signing name; none if botocore does not know it."""
    model = model_of(service)
    return tuple(model.metadata.get("protocols") or [model.metadata["protocol"]]) if model else ()


def protocol_of(request: Request) -> str:
    """The protocol of *request*.

    Two services may share a signing name (SES has one in the query protocol, one in REST), so what the request says
    comes first. A request that says nothing is read as its service's protocol.
    """
    service = service_called(request) or service_of(request)
    known, form = offered(service), request.mimetype == FORM or "Action" in request.args
    if form and (EC2 in known or QUERY in known):
        return EC2 if EC2 in known else QUERY
    if "Smithy-Protocol" in request.headers:
        return CBOR
    if "X-Amz-Target" in request.headers:
        return JSON
    if form and not (known and known[0] in REST):
        return QUERY
    if known and (known[0] in REST or request.path == "/"):
        return known[0] if known[0] != CBOR else JSON
    return JSON if request.path == "/" else REST_JSON


def content_type(service: str, protocol: str) -> str:
    """The content type of requests and answers of *protocol*."""
    if protocol == JSON:
        model = model_of(service)
        return f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1') if model else '1.1'}"
    return {REST_JSON: "application/json", REST_XML: "application/xml", CBOR: "application/cbor"}.get(protocol, XML)
