"""The polling intervals for tasks on Fargate."""

from types import SimpleNamespace

from helpers import fargate


def test_the_sandbox_is_polled_more_often_than_aws():
    here, there = fargate.patience(SimpleNamespace(target="sandbox")), fargate.patience(SimpleNamespace(target="aws"))
    assert here["Delay"] < 1 < there["Delay"]
    assert [each["Delay"] * each["MaxAttempts"] for each in (here, there)] == [600, 600]  # ten minutes
