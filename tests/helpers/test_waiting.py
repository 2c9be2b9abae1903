"""Waiting until AWS applies a change: a limit, one line, and only for answers that such a change explains."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox import SandboxError
from helpers import waiting

AWS, SANDBOX = SimpleNamespace(target="aws"), SimpleNamespace(target="sandbox")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """A clock that only sleeping advances; the seconds that were slept."""
    slept: list[float] = []
    monkeypatch.setattr(waiting.time, "sleep", slept.append)
    monkeypatch.setattr(waiting.time, "monotonic", lambda: 1000 + sum(slept))
    return slept


def error(code, message=""):
    return ClientError({"Error": {"Code": code, "Message": message}}, "Call")


def attempts(*results):
    left = list(results)

    def attempt():
        result = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(result, Exception):
            raise result
        return result

    return attempt


@pytest.mark.parametrize("result", ["done", None, {}])
def test_what_works_immediately_prints_nothing(result, clock, capsys):
    assert waiting.wait_for(AWS, "the key works", attempts(result)) == result
    assert (clock, capsys.readouterr().out) == ([], "")


@pytest.mark.parametrize(
    "not_yet",
    [
        False,
        error("AccessDenied"),
        error("UnrecognizedClientException"),
        error("InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."),
        error("InvalidParameterException", "Unable to assume the service linked role. Please verify that it exists."),
        error("InvalidParameterException", "Invalid repository policy provided: Principal not found"),
    ],
)
def test_it_waits_and_says_so_once(not_yet, clock, capsys):
    assert waiting.wait_for(AWS, "the key works", attempts(not_yet, not_yet, "done")) == "done"
    assert capsys.readouterr().out == "… waiting until AWS applies this, at most 60 seconds: the key works\n"
    assert len(clock) == 2


DENIED = error("AccessDenied", "User: arn is not authorized to perform: ecr:PutImage on resource: *")


@pytest.mark.parametrize(
    ("last", "why", "fix"),
    [
        (False, "", "run the cell again"),
        (error("AccessDenied"), " (AccessDenied)", "run the cell again"),
        (
            DENIED,
            " (ecr:PutImage is not allowed)",
            "allow ecr:PutImage, or run the cell again if it is allowed",
        ),
    ],
)
def test_it_ends_at_the_limit(last, why, fix, clock):
    with pytest.raises(SandboxError) as late:
        waiting.wait_for(AWS, "the key works", attempts(last), seconds=10)
    assert late.value.wrong == f"AWS did not apply this within 10 seconds: the key works{why}."
    assert late.value.fix == fix
    assert sum(clock) == 10


def test_another_error_is_raised_immediately(clock):
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        waiting.wait_for(AWS, "the key works", attempts(error("RepositoryNotFoundException")))
    assert clock == []


def test_in_the_sandbox_there_is_one_attempt(clock, capsys):
    with pytest.raises(ClientError, match="AccessDenied"):
        waiting.wait_for(SANDBOX, "the key works", attempts(error("AccessDenied")))
    assert waiting.wait_for(SANDBOX, "the key works", attempts(False)) is False
    assert (clock, capsys.readouterr().out) == ([], "")
