"""The tests run, the account is cleaned up and compared, and the exit code says what was wrong."""

import sys

import pytest

from machine import run_on_aws


@pytest.fixture
def run(monkeypatch):
    """Call it with the exit codes of pytest and of the clean-up, and the account's contents after them."""

    def call(codes: list[int], after: set[str]) -> tuple[int, list[list[str]]]:
        contents, code, ran = iter([{"a repository", "a role"}, after]), iter(codes), []
        monkeypatch.setattr(run_on_aws.arns, "listed", lambda: next(contents))
        monkeypatch.setattr(run_on_aws.subprocess, "call", lambda argv: ran.append([*argv]) or next(code))
        return run_on_aws.main(["--nbval", "notebooks"]), ran

    return call


def test_everything_passes_and_the_account_is_as_before(run, capfd):
    code, ran = run([0, 0], {"a repository", "a role"})
    assert code == 0
    assert ran == [[sys.executable, "-m", "pytest", "--nbval", "notebooks"], [*run_on_aws.CLEAN_UP]]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("codes", "expected"), [([2, 0], 2), ([0, 3], 3), ([2, 3], 2)])
def test_after_a_failure_the_clean_up_runs_and_the_first_code_is_returned(run, codes, expected):
    code, ran = run(codes, {"a repository", "a role"})
    assert (code, len(ran)) == (expected, 2)


def test_what_is_left_and_what_is_missing_is_named(run, capfd):
    assert run([0, 0], {"a role", "a task definition"})[0] == 1
    assert capfd.readouterr().err.splitlines() == [
        "The course left in the account: a task definition",
        "The course deleted from the account: a repository",
    ]
