"""Error responses in each of AWS's protocols; the middleware alone."""

import json

import pytest
from moto.core.exceptions import ServiceException
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from ecr_sandbox.auth import errors
from ecr_sandbox.aws.errors import NotInSandbox
from ecr_sandbox.aws.responses import answer_errors
from ecr_sandbox.errors import not_supported
from ecr_sandbox.http.middleware import Request, chain


def signed_for(service: str, **headers: str) -> Request:
    scope = f"AKIAEXAMPLE/20261101/us-east-1/{service}/aws4_request"
    header = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature={'0' * 64}"
    builder = EnvironBuilder("/", method="POST", headers={"Authorization": header, **headers})
    return Request(builder.get_environ())


def answer(error: Exception, request: Request) -> Response:
    def fail(request: Request) -> Response:
        raise error

    return chain([answer_errors], fail)(request)


def test_an_error_in_json():
    found = answer(errors.unknown_key(), signed_for("ecr"))
    assert (found.status_code, found.content_type) == (400, "application/x-amz-json-1.1")
    assert json.loads(found.get_data()) == {
        "__type": "UnrecognizedClientException",
        "message": "The security token included in the request is invalid.",
    }


@pytest.mark.parametrize(
    "service, beginning",
    [
        ("iam", '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'),
        ("sts", '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'),
        ("ec2", "<Response><Errors><Error>"),
    ],
)
def test_an_error_in_xml(service, beginning):
    found = answer(errors.unknown_key(), signed_for(service))
    assert (found.status_code, found.content_type) == (403, "text/xml")
    assert found.get_data(as_text=True).startswith(f"{beginning}<Code>InvalidClientTokenId</Code>")


def test_an_error_in_cbor():
    found = answer(errors.unknown_key(), signed_for("monitoring", **{"Smithy-Protocol": "rpc-v2-cbor"}))
    assert (found.status_code, found.content_type) == (400, "application/cbor")
    assert b"UnrecognizedClientException" in found.get_data()


def test_unsupported_features_have_the_same_error_in_every_layer():
    error, for_moto = not_supported("A logo"), NotInSandbox("A logo")
    assert isinstance(for_moto, ServiceException)
    assert (error.code, error.message) == (for_moto.code, for_moto.message)
    assert answer(error, signed_for("ecr")).get_data() == answer(for_moto, signed_for("ecr")).get_data()


def test_other_errors_are_not_caught():
    with pytest.raises(ZeroDivisionError):
        answer(ZeroDivisionError(), signed_for("ecr"))
