"""A call that AWS denies is shown as two lines; other errors keep their traceback."""

import pytest
from botocore.exceptions import ClientError
from IPython.core.interactiveshell import InteractiveShell

from helpers import refusals

DENIED = "User: arn:aws:iam::123456789012:user/tom is not authorized to perform: iam:CreateUser on resource: x"


@pytest.fixture
def shell():
    """An IPython of this test, with the course's way to show errors."""
    refusals.register()
    yield InteractiveShell()
    del ClientError._render_traceback_


def shown(shell, message: str, capsys) -> str:
    """What IPython prints for a cell that raises boto3's error with this message."""
    shell.user_ns["error"] = ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "CreateUser")
    shell.run_cell("raise error")
    return capsys.readouterr().out


def test_a_denied_call_is_shown_without_a_traceback(shell, capsys):
    said = shown(shell, DENIED, capsys)
    assert said.splitlines() == [
        f"An error occurred (AccessDenied) when calling the CreateUser operation: {DENIED}",
        "Fix: allow iam:CreateUser to who called it. docs/aws-policy.json has everything that you need.",
    ]


def test_another_error_has_its_traceback(shell, capsys):
    assert "Traceback (most recent call last)" in shown(shell, "The user exists.", capsys)
