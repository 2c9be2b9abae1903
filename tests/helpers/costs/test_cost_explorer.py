"""Cost Explorer of an account that has not switched it on: one sentence."""

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox import SandboxError
from helpers import costs


def refuses(code, message):
    def call(**_):
        raise ClientError({"Error": {"Code": code, "Message": message}}, "GetCostAndUsage")

    return call


def test_the_answer_is_that_of_the_call():
    assert costs.ask(dict, Granularity="MONTHLY") == {"Granularity": "MONTHLY"}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("AccessDeniedException", "User not enabled for cost explorer access"),
        ("DataUnavailableException", "Data is not available. Please try to adjust the time period."),
    ],
)
def test_cost_explorer_that_is_switched_off_is_one_sentence(code, message):
    with pytest.raises(SandboxError, match=r"^Cost Explorer is switched off in this account"):
        costs.ask(refuses(code, message))


def test_another_refusal_stays_as_it_is():
    with pytest.raises(ClientError, match="not authorized to perform: ce:GetCostAndUsage"):
        costs.ask(refuses("AccessDeniedException", "You are not authorized to perform: ce:GetCostAndUsage"))
