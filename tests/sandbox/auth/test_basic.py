"""Basic authentication of a registry: the middleware alone, with generated passwords."""

import base64

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from ecr_sandbox.auth.basic import NoCredentials, authenticate
from ecr_sandbox.auth.errors import unknown_key
from ecr_sandbox.auth.token import LIFETIME, Caller, ExpiredToken, InvalidToken, Tokens
from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Request, chain
from ecr_sandbox.iam.evaluate import Principal

HERE = Caller("AKIAALICE", "123456789012", "us-east-1")
ELSEWHERE = Caller("AKIAALICE", "123456789012", "eu-west-1")
DELETED = Caller("AKIADELETED", "123456789012", "us-east-1")


def principal_of(access_key: str) -> Principal:
    if access_key == DELETED.access_key:
        raise unknown_key()
    return Principal(f"arn of {access_key}", HERE.account, frozenset(), ())


@pytest.fixture
def tokens(tmp_path) -> Tokens:
    return Tokens(tmp_path / "secret")


def answer(tokens: Tokens, header: str | None) -> str:
    """The principal's ARN, or the type of the error."""
    middleware = authenticate(tokens, "us-east-1", principal_of, lambda request, error: Response(type(error).__name__))
    handler = chain([middleware], lambda request: Response(request.principal.arn))
    headers = {"Authorization": header} if header else {}
    return handler(Request(EnvironBuilder("/v2/", headers=headers).get_environ())).get_data(as_text=True)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_a_valid_password_gives_its_principal(tokens):
    password, _ = tokens.mint(HERE)
    assert answer(tokens, basic("AWS", password)) == "arn of AKIAALICE"


@pytest.mark.parametrize("header", [None, "Bearer token", "nonsense"])
def test_a_request_without_basic_authentication_has_no_credentials(tokens, header):
    assert answer(tokens, header) == NoCredentials.__name__


@pytest.mark.parametrize(
    "user, caller, made, error",
    [
        ("root", HERE, None, InvalidToken),
        ("AWS", ELSEWHERE, None, InvalidToken),
        ("AWS", DELETED, None, ApiError),
        ("AWS", HERE, -LIFETIME - 1, ExpiredToken),
    ],
    ids=["another user name", "a password of another Region", "a key that was deleted", "an expired password"],
)
def test_refused_passwords(tokens, user, caller, made, error):
    _, now = tokens.mint(caller)
    password, _ = tokens.mint(caller, made and now - LIFETIME + made)
    assert answer(tokens, basic(user, password)) == error.__name__
