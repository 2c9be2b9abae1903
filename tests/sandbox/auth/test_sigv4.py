"""Signature Version 4: real clients with valid and invalid keys and clocks, and requests changed after signing."""

import hashlib
import html
import json
import re
from datetime import datetime, timedelta

import botocore.auth
import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from ecr_sandbox.auth.errors import ISO_8601
from ecr_sandbox.auth.sigv4 import AccessKeys, verify_signature
from ecr_sandbox.aws.service_called import QUERY_VERSIONS, TARGET_PREFIXES
from ecr_sandbox.errors import ApiError
from ecr_sandbox.http.middleware import Request, chain
from ecr_sandbox.iam.evaluate import Principal
from helpers import settings
from tests.sandbox.conftest import ADMINISTRATOR

TARGET = "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)
INVALID_TOKEN = "The security token included in the request is invalid."
CALLS = [("ecr", "describe_repositories"), ("sts", "get_caller_identity"), ("iam", "list_users")]


def refusal(call, **parameters) -> tuple[int, str, str]:
    """Status, code and message of a call that is refused."""
    with pytest.raises(ClientError) as refused:
        call(**parameters)
    answer = refused.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def code_of(service: str, json_code: str, query_code: str) -> tuple[int, str]:
    return (400, json_code) if service == "ecr" else (403, query_code)


@pytest.mark.parametrize("service, operation", CALLS)
def test_a_valid_key_is_accepted(sandbox, service, operation):
    assert getattr(sandbox.client(service), operation)()["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("service, operation", CALLS)
def test_an_unknown_key_is_refused(sandbox, service, operation):
    call = getattr(sandbox.client(service, key=("AKIANOSUCHKEYEXAMPLE", "secret")), operation)
    expected = code_of(service, "UnrecognizedClientException", "InvalidClientTokenId")
    assert refusal(call) == (*expected, INVALID_TOKEN)


@pytest.mark.parametrize("service, operation", CALLS)
def test_a_wrong_secret_is_refused(sandbox, service, operation):
    call = getattr(sandbox.client(service, key=(settings.ACCESS_KEY, "wrong")), operation)
    expected = code_of(service, "InvalidSignatureException", "SignatureDoesNotMatch")
    assert refusal(call) == (*expected, MISMATCH)


def test_a_key_is_good_until_it_is_inactive_or_deleted(sandbox):
    name, key = sandbox.make_user()
    iam, call = sandbox.client("iam"), sandbox.client("sts", key=key).get_caller_identity
    assert call()["Arn"].endswith(name)
    iam.update_access_key(UserName=name, AccessKeyId=key[0], Status="Inactive")
    assert refusal(call) == (403, "InvalidClientTokenId", INVALID_TOKEN)
    iam.update_access_key(UserName=name, AccessKeyId=key[0], Status="Active")
    assert call()["Arn"].endswith(name)
    iam.delete_access_key(UserName=name, AccessKeyId=key[0])
    assert refusal(call) == (403, "InvalidClientTokenId", INVALID_TOKEN)


@pytest.fixture
def set_clock(monkeypatch):
    """Set the time at which boto3 signs. Its signer in C, from the package awscrt, has a clock of its own."""
    monkeypatch.setitem(botocore.auth.AUTH_TYPE_MAPS, "v4", SigV4Auth)

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: moment)

    return set_to


@pytest.mark.parametrize("service, operation", CALLS)
@pytest.mark.parametrize("minutes", [-16, 16, -60 * 24])
def test_a_clock_more_than_15_minutes_off_is_refused(sandbox, set_clock, service, operation, minutes):
    wrong = datetime.utcnow() + timedelta(minutes=minutes)
    set_clock(wrong)
    *expected, message = refusal(getattr(sandbox.client(service), operation))
    assert tuple(expected) == code_of(service, "InvalidSignatureException", "SignatureDoesNotMatch")
    stamp = wrong.strftime("%Y%m%dT%H%M%SZ")
    if minutes < 0:
        assert message.startswith(f"Signature expired: {stamp} is now earlier than ")
        assert message.endswith("Z - 15 min.)")
    else:
        assert message.startswith(f"Signature not yet current: {stamp} is still later than ")
        assert message.endswith("Z + 15 min.)")


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_less_than_15_minutes_off_is_accepted(sandbox, set_clock, minutes):
    set_clock(datetime.utcnow() + timedelta(minutes=minutes))
    assert sandbox.client("sts").get_caller_identity()["Account"] == settings.ACCOUNT


def test_a_key_is_unknown_in_another_partition(sandbox):
    assert refusal(sandbox.client(region="cn-north-1").describe_repositories)[1] == "UnrecognizedClientException"


def test_an_unknown_region_is_refused(sandbox):
    assert refusal(sandbox.client(region="us-east-9").describe_repositories) == (
        400,
        "InvalidSignatureException",
        "Credential should be scoped to a valid region. ",
    )


@pytest.mark.parametrize("region", ["eu-central-1", "ap-southeast-2", "us-west-2"])
def test_one_endpoint_serves_every_region(sandbox, region):
    assert sandbox.client(region=region).describe_repositories()["repositories"] == []


def test_the_aws_cli_prints_the_same_error(sandbox):
    wrong_key = f"AWS_ACCESS_KEY_ID={settings.ACCESS_KEY} AWS_SECRET_ACCESS_KEY=wrong"
    assert "(InvalidSignatureException) when calling the GetAuthorizationToken operation" in sandbox.refused(
        f"{wrong_key} aws ecr get-login-password"
    )


# Requests that no client sends.


def signed(url: str, body: str = "{}", key=ADMINISTRATOR, service: str = "ecr", **extra: str) -> dict[str, str]:
    """The headers of a request with a valid signature."""
    headers = {"X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1", **extra}
    request = AWSRequest("POST", f"{url}/", data=body, headers=headers)
    SigV4Auth(Credentials(*key), service, settings.REGION).add_auth(request)
    return dict(request.headers.items())


def post(sandbox, headers: dict[str, str], body: str = "{}", path: str = "/") -> tuple[int, dict]:
    status, _, answer = sandbox.http("POST", path, body.encode(), **headers)
    return status, json.loads(answer)


def test_a_request_signed_without_a_client_is_accepted(sandbox):
    assert post(sandbox, signed(sandbox.url))[0] == 200


def test_a_changed_header_or_body_is_refused(sandbox):
    good = signed(sandbox.url, '{"maxResults": 1}')
    assert post(sandbox, good, '{"maxResults": 2}')[1]["__type"] == "InvalidSignatureException"
    other = {**good, "X-Amz-Target": TARGET.replace("Describe", "Delete")}
    assert post(sandbox, other, '{"maxResults": 1}')[1]["message"] == MISMATCH


def test_a_body_that_differs_from_its_hash_header_is_refused(sandbox):
    headers = signed(sandbox.url, **{"X-Amz-Content-SHA256": hashlib.sha256(b"{}").hexdigest()})
    assert post(sandbox, headers)[0] == 200
    assert post(sandbox, headers, '{"maxResults": 2}')[1]["__type"] == "InvalidSignatureException"


def test_an_unsigned_operation_header_is_refused(sandbox):
    headers = signed(sandbox.url)
    request = AWSRequest("POST", f"{sandbox.url}/", data="{}", headers={"Content-Type": headers["Content-Type"]})
    SigV4Auth(Credentials(*ADMINISTRATOR), "ecr", settings.REGION).add_auth(request)
    unsigned = {**dict(request.headers.items()), "X-Amz-Target": TARGET}
    assert post(sandbox, unsigned)[1]["__type"] == "InvalidSignatureException"


# In each protocol: how the request is signed and sent, and whether its errors are XML.
JSON = {"service": "ecr", "body": "{}", "X-Amz-Target": TARGET, "Content-Type": "application/x-amz-json-1.1"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
IAM = {"service": "iam", "body": "Action=ListUsers&Version=2010-05-08", **FORM}
STS = {"service": "sts", "body": "Action=GetCallerIdentity&Version=2011-06-15", **FORM}
EC2 = {"service": "ec2", "body": "Action=DescribeVpcs&Version=2016-11-15", **FORM}
ECS = {**JSON, "service": "ecs", "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListClusters"}


def sent(sandbox, protocol: dict[str, str], change=lambda headers: None, **other: str) -> tuple[int, str, str]:
    """Status, code and message of a request of *protocol* that *change* altered; *other* is another signature."""
    service, body = (other.get(each, protocol[each]) for each in ("service", "body"))
    named = {name: value for name, value in protocol.items() if "-" in name}
    request = AWSRequest("POST", f"{sandbox.url}/", data=body, headers=named)
    SigV4Auth(Credentials(*ADMINISTRATOR), service, other.get("region", settings.REGION)).add_auth(request)
    headers = dict(request.headers.items())
    change(headers)
    status, _, answer = sandbox.http("POST", other.get("path", "/"), body.encode(), **headers)
    if not answer.startswith(b"<"):
        error = json.loads(answer)
        return status, error.get("__type", ""), error.get("message", "")
    found = re.search(r"<Code>(.*)</Code>\s*<Message>(.*)</Message>", answer.decode())
    return status, *map(html.unescape, found.groups() if found else ("", ""))


def replaced(old: str, new: str):
    """Replace what matches *old* in the Authorization header."""

    def change(headers: dict[str, str]) -> None:
        headers["Authorization"], times = re.subn(old, new, headers["Authorization"])
        assert times

    return change


def without(*names: str):
    return lambda headers: [headers.pop(name) for name in names]


def with_header(**more: str):
    return lambda headers: headers.update({name.replace("_", "-"): value for name, value in more.items()})


INCOMPLETE, INVALID = ("IncompleteSignature", 400), ("SignatureDoesNotMatch", 403)
ISO = f"Date must be in ISO-8601 'basic format'. Got '201'. See http://{ISO_8601}"
FIVE = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d'"
NO_DATE = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
NO_PAIR = "'x' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 x'."
# The sources are in auth/errors.py.
ALTERED = [
    (without("Authorization"), ("MissingAuthenticationToken", 403), None),
    (with_header(Authorization="Basic QVdTOng="), ("MissingAuthenticationToken", 403), None),
    (with_header(Authorization="AWS4-HMAC-SHA25 x"), INCOMPLETE, "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA25'."),
    (with_header(Authorization="AWS4-HMAC-SHA256 x"), INCOMPLETE, NO_PAIR),
    (without("X-Amz-Date"), INCOMPLETE, f"{NO_DATE} Authorization=AWS4-HMAC-SHA256"),
    (with_header(X_Amz_Date="201"), INCOMPLETE, ISO),
    (with_header(Authorization="AWS4-HMAC-SHA256 Signature=x"), INCOMPLETE,
     "Authorization header requires 'Credential' parameter. Authorization header requires 'SignedHeaders' parameter. "
     "Authorization=AWS4-HMAC-SHA256"),
    (replaced("Credential=[^,]*", "Credential=a/b/c/d"), INCOMPLETE, FIVE),
    (replaced("host;", ""), INVALID, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."),
    (replaced("SignedHeaders=[^,]*", "SignedHeaders="), INVALID,
     "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."),
    (replaced("x-amz-date", "x-amz"), INVALID, "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."),
    (replaced("aws4_request", "aws5_request"), INVALID,
     "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. "),
    (replaced("Signature=.", "Signature=é"), INVALID, MISMATCH),
    (replaced("SignedHeaders=", "SignedHeaders=content-length;"), INVALID, MISMATCH),
    (replaced("Signature=", "Signature=0"), INVALID, MISMATCH),
    (with_header(X_Amz_Security_Token="x"), INVALID,
     "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization."),
]  # fmt: skip


@pytest.mark.parametrize("protocol", [JSON, ECS, IAM, STS, EC2], ids=lambda each: each["service"])
def test_an_altered_request_is_refused(sandbox, protocol):
    for change, (code, status), message in ALTERED:
        in_json = {"SignatureDoesNotMatch": "InvalidSignature"}.get(code, code)
        missing = (
            "Missing Authentication Token"
            if "X-Amz-Target" in protocol
            else ("Request is missing Authentication Token")
        )
        expected = (400, f"{in_json}Exception") if "X-Amz-Target" in protocol else (status, code)
        assert sent(sandbox, protocol, change) == (*expected, message or missing)


@pytest.mark.parametrize("protocol", [JSON, ECS, IAM, STS, EC2], ids=lambda each: each["service"])
def test_a_signature_for_another_service_or_region_is_refused(sandbox, protocol):
    expected = (400, "InvalidSignatureException") if "X-Amz-Target" in protocol else (403, "SignatureDoesNotMatch")
    service = f"Credential should be scoped to correct service: '{protocol['service']}'. "
    region = "Credential should be scoped to a valid region. "
    for other in ("s3", "ecr-public", "cloudformation"):
        assert sent(sandbox, protocol, service=other) == (*expected, service)
    assert sent(sandbox, protocol, region="us-east-9") == (*expected, region)
    assert sent(sandbox, protocol, service="s3", region="us-east-9") == (*expected, region + service)


@pytest.mark.parametrize("protocol", [JSON, IAM], ids=lambda each: each["service"])
def test_a_presigned_request_is_not_supported_and_names_what_is_missing(sandbox, protocol):
    """The sentences are those of dynalite's index.js."""
    query = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    both = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    assert sent(sandbox, protocol, path=query)[2] == both
    rest = ("X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date")
    message = " ".join(f"AWS query-string parameters must include '{name}'." for name in rest)
    unsigned = without("Authorization")
    assert sent(sandbox, protocol, unsigned, path=query)[2] == f"{message} Re-examine the query-string parameters."
    whole = query + "".join(f"&{name}=x" for name in rest)
    assert "A presigned request is not part of this sandbox" in sent(sandbox, protocol, unsigned, path=whole)[2]


def test_the_services_that_requests_name_are_those_of_botocores_models():
    session = botocore.session.Session()
    models = {session.get_service_model(name) for name in session.get_available_services()}
    named = {model.metadata.get("targetPrefix"): model.signing_name for model in models}
    assert {prefix: named[prefix] for prefix in TARGET_PREFIXES} == TARGET_PREFIXES
    versions = {(model.api_version, model.signing_name) for model in models}
    assert set(QUERY_VERSIONS.items()) <= versions


def test_the_parameters_of_the_header_can_be_in_any_order(sandbox):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html gives none."""
    headers = signed(sandbox.url)
    algorithm, _, rest = headers["Authorization"].partition(" ")
    headers["Authorization"] = f"{algorithm} {','.join(reversed(rest.split(', ')))}"
    assert post(sandbox, headers)[0] == 200


@pytest.mark.parametrize("part", ["Signature", "SignedHeaders", "Credential"])
def test_an_incomplete_signature_is_refused(sandbox, part):
    headers = signed(sandbox.url)
    headers["Authorization"] = headers["Authorization"].replace(f"{part}=", "X=")
    status, answer = post(sandbox, headers)
    assert (status, answer["__type"]) == (400, "IncompleteSignatureException")
    assert answer["message"].startswith(f"Authorization header requires '{part}' parameter.")


def test_a_signature_of_another_day_is_refused(sandbox):
    headers = signed(sandbox.url)
    headers["Authorization"] = headers["Authorization"].replace(headers["X-Amz-Date"][:8], "20150830")
    assert post(sandbox, headers)[1]["message"].startswith("Date in Credential scope does not match YYYYMMDD")


def test_an_unsupported_service_is_refused(sandbox):
    assert "The service 'kinesis' is not part of this sandbox" in refusal(sandbox.client("kinesis").list_streams)[2]


def test_only_the_signature_gives_account_and_region(sandbox):
    """moto alone would take account or Region from these headers."""
    user, key = sandbox.make_user({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "ecr:*", "Resource": "arn:aws:ecr:us-east-1:*"}]})  # fmt: skip
    body = json.dumps({"repositoryName": f"of-{user}"})
    create = TARGET.replace("DescribeRepositories", "CreateRepository")
    account = {"X-Moto-Account-Id": settings.OTHER_ACCOUNT}
    unsigned = {"User-Agent": "x region/eu-west-1"}
    headers = {**signed(sandbox.url, body, key, **{"X-Amz-Target": create}), **account, **unsigned}
    [repository] = post(sandbox, headers, body)[1].values()
    assert repository["repositoryArn"] == f"arn:aws:ecr:us-east-1:{settings.ACCOUNT}:repository/of-{user}"
    headers["Authorization"] += f", AWS={settings.OTHER_ACCESS_KEY}/"
    assert post(sandbox, headers, body)[1]["__type"] == "IncompleteSignatureException"


def test_a_query_string_is_refused(sandbox):
    headers = signed(sandbox.url)
    status, answer = post(sandbox, headers, path="/?region=.eu-west-1.amazonaws.com")
    assert (status, answer["__type"]) == (400, "UnsupportedOperationException")


# The middleware alone, which is fast enough for many requests; every key has the administrator's secret.

KEYS = AccessKeys(
    secret_of=lambda key: (settings.SECRET_KEY, None),
    principal_of=lambda key: Principal(f"arn of {key}", settings.ACCOUNT, frozenset(), ()),
)
VERIFIED = chain([verify_signature(lambda request, scope: None, KEYS)], lambda seen: Response(seen.principal.arn))


def verify(headers: dict[str, str], body: bytes) -> str | None:
    """The principal's ARN, or None for a request that is refused."""
    built = EnvironBuilder("/", "http://localhost:5050", method="POST", headers=headers, data=body)
    try:
        return VERIFIED(Request(built.get_environ())).get_data(as_text=True)
    except ApiError:
        return None


@given(st.text())
def test_any_signed_body_is_accepted(body):
    assert verify(signed("http://localhost:5050", body), body.encode()) == f"arn of {settings.ACCESS_KEY}"


@given(st.text(), st.text())
def test_another_body_is_refused(body, other):
    accepted = verify(signed("http://localhost:5050", body), other.encode())
    assert (accepted is not None) == (body == other)


@given(st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_another_signature_is_refused(place, digit):
    headers = signed("http://localhost:5050")
    start, given_signature = headers["Authorization"][:-64], headers["Authorization"][-64:]
    other = given_signature[:place] + digit + given_signature[place + 1 :]
    accepted = verify({**headers, "Authorization": start + other}, b"{}")
    assert (accepted is not None) == (other == given_signature)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200))
def test_any_other_authorization_header_is_refused(junk):
    assert verify({**signed("http://localhost:5050"), "Authorization": junk}, b"{}") is None
