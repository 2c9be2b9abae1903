"""Unexpected errors: SDKs retry what may pass, not what fails every time; and nothing is changed."""

import errno

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.aws.containment import contained
from ecr_sandbox.iam.evaluate import Principal
from ecr_sandbox.iam.requests import Call
from tests.sandbox.raw_calls import send

CALL = Call(Principal("arn", "1" * 12, frozenset(), ()), "sqs", "SendMessage", "us-east-1", "1" * 12, {})


def raised(raise_it) -> Exception:
    try:
        raise_it()
    except Exception as error:
        return error
    raise AssertionError


def in_moto() -> None:
    from moto.core.utils import iso_8601_datetime_without_milliseconds

    iso_8601_datetime_without_milliseconds("no time")  # type: ignore[arg-type]


def here() -> None:
    raise KeyError("x")


def no_space() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def broken_disk() -> None:
    raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize(
    "fault, status, says",
    [
        (in_moto, 400, "sqs:SendMessage with these parameters is not part of this sandbox. It works on AWS."),
        (here, 500, "The request processing has failed because of an unknown error, exception or failure."),
        (no_space, 500, "The disk that holds the sandbox is full."),
        (broken_disk, 500, "The sandbox could not do this: [Errno 5] Input/output error"),
    ],
)
def test_what_may_pass_is_an_error_that_sdks_retry(tmp_path, capfd, fault, status, says):
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/CommonErrors.html, InternalFailure: status 500."""
    error = contained(raised(fault), CALL, tmp_path)
    assert (error.status, error.query_status) == (status, status)
    assert error.message.startswith(says)
    assert fault is no_space or "sqs:SendMessage failed at" in capfd.readouterr().err


def test_an_error_in_moto_changes_nothing(sandbox):
    """moto adds the first repository's tag before it fails at the second, which has no key."""
    sm = sandbox.client("secretsmanager")
    sm.create_secret(Name="kept", SecretString="s")
    answer = send(sandbox.port, "secretsmanager", "TagResource", {"SecretId": "kept", "Tags": [{"Key": "a"}, {}]})
    assert answer.status == 400
    assert answer.error[0] == "UnsupportedOperationException"
    assert not sm.describe_secret(SecretId="kept").get("Tags")


@pytest.mark.parametrize(
    "service, operation, given, code, message",
    [
        ("iam", "ListUsers", {"MaxItems": "abc"}, "MalformedInput", "STRING_VALUE can not be converted to an Integer"),
        ("sts", "GetSessionToken", {"DurationSeconds": "abc"}, "MalformedInput", "STRING_VALUE can not be converted"),
        (
            "sts",
            "GetSessionToken",
            {"DurationSeconds": 1},
            "ValidationError",
            "1 validation error detected: Value '1' at 'durationSeconds' failed to satisfy constraint: "
            "Member must have value greater than or equal to 900",
        ),
        (
            "iam",
            "CreateUser",
            {},
            "ValidationError",
            "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not",
        ),
        ("ec2", "DeleteVpc", {}, "MissingParameter", "The request must contain the parameter VpcId"),
        ("ec2", "DescribeVpcs", {"MaxResults": 1}, "InvalidParameterValue", "Value (1) for parameter MaxResults"),
        ("sqs", "SendMessage", {}, "MissingParameter", "The request must contain the parameter QueueUrl"),
        (
            "ce",
            "GetCostAndUsage",
            {"TimePeriod": {"Start": "2026-11-01", "End": "2026-11-02"}, "Granularity": "WEEKLY", "Metrics": []},
            "ValidationException",
            "1 validation error detected: Value 'WEEKLY' at 'granularity' failed to satisfy constraint: "
            "Member must satisfy enum value set: [DAILY, MONTHLY, HOURLY]",
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            {"SecretId": ""},
            "ValidationException",
            "1 validation error detected: Value '' at 'secretId' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
        (
            "logs",
            "CreateLogGroup",
            {"logGroupName": "a b"},
            "InvalidParameterException",
            "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+",
        ),
        (
            "events",
            "PutRule",
            {},
            "ValidationException",
            "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
        ),
        (
            "lambda",
            "GetFunction",
            {"FunctionName": "a b"},
            "ValidationException",
            "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must",
        ),
        ("lambda", "ListFunctions", {"MaxItems": "abc"}, "SerializationException", "STRING_VALUE can not be converted"),
        ("ecs", "RunTask", {"count": "x"}, "SerializationException", "STRING_VALUE can not be converted to an Integer"),
        ("ecr", "DescribeRepositories", {"maxResults": []}, "SerializationException", "Start of list found where not"),
    ],
)
def test_a_wrong_parameter_is_refused_in_the_form_of_its_service(sandbox, service, operation, given, code, message):
    """The sources are in ``aws/constraint_errors.py`` and ``aws/parameters.py``."""
    answer = send(sandbox.port, service, operation, given)
    assert answer.status == 400
    assert answer.error[0] == code
    assert answer.error[1].startswith(message)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-amz-json-1.0", "application/octet-stream"])
def test_lambda_reads_json_whatever_the_content_type_says(sandbox, kind):
    answer = send(sandbox.port, "lambda", "ListFunctions", {}, Content_Type=kind)
    assert (answer.status, answer.body) == (200, b'{"Functions": []}')
    answer = send(
        sandbox.port, "lambda", "CreateFunction", {"FunctionName": "f", "Code": {}, "Role": "x"}, Content_Type=kind
    )
    assert answer.error[0] == "ValidationException"


def test_a_session_of_abc_seconds_does_not_take_the_administrators_key_away(own_sandbox):
    own_sandbox.start()
    for _ in range(2):
        assert send(own_sandbox.port, "sts", "GetSessionToken", {"DurationSeconds": "abc"}).status == 400
    assert own_sandbox.client("sts").get_caller_identity()["Account"] == "123456789012"
    with pytest.raises(ClientError, match="cannot be found"):
        own_sandbox.client("iam").get_user(UserName="nobody")
