"""Waits until AWS applies a change: it takes some seconds until a new key, policy or role works everywhere."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from helpers.errors import LabError, denied_action

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

    from helpers.lab import Lab

Result = TypeVar("Result")

SECONDS, PAUSE = 60, 2.0
AGAIN = "run the cell again"
# How AWS answers while a change is on its way ("Changes that I make are not always immediately visible", IAM guide).
NOT_YET = {
    "AccessDenied",
    "AccessDeniedException",
    "InvalidClientTokenId",  # STS and IAM, for a new access key
    "UnrecognizedClientException",  # ECR and ECS, for a new access key
    "NoSuchEntity",
    "NoSuchEntityException",
    "MalformedPolicyDocument",  # "Invalid principal in policy", for a new user or role
}
NOT_YET_MESSAGES = (
    "cannot be assumed",  # Lambda: "The role defined for the function cannot be assumed by Lambda."
    "assume the role",  # ECS: "ECS was unable to assume the role"
    "service linked role",  # ECS, when it is used for the first time in an account
    "Principal not found",  # ECR, for a new user or role in the policy of a repository
)


class NotApplied(LabError):
    """AWS did not apply a change in time."""


def wait_for(lab: "Lab", what: str, attempt: Callable[[], Result], seconds: float = SECONDS) -> Result:
    """The result of *attempt*, called until it neither returns False nor is refused as ``is_not_yet`` says.

    Prints one line if it has to wait. In the sandbox a change works immediately, so there is one attempt, and its
    error is raised. NotApplied after *seconds*; any other error is raised immediately.
    """
    from botocore.exceptions import ClientError

    start, refusal, fix, is_first = time.monotonic(), "", AGAIN, True
    while True:
        try:
            result = attempt()
            if result is not False or lab.target == "sandbox":
                return result
        except ClientError as error:
            if lab.target == "sandbox" or not is_not_yet(error):
                raise
            action = denied_action(error)
            refusal = f" ({action} is not allowed)" if action else f" ({error.response['Error']['Code']})"
            fix = f"allow {action}, or {AGAIN} if it is allowed" if action else AGAIN
        if time.monotonic() - start >= seconds:
            raise NotApplied(f"AWS did not apply this within {seconds:.0f} seconds: {what}{refusal}.", fix)
        if is_first:
            print(f"… waiting until AWS applies this, at most {seconds:.0f} seconds: {what}")
        is_first = False
        time.sleep(PAUSE)


def is_not_yet(error: "ClientError") -> bool:
    """Whether AWS may answer so because a change is not applied everywhere yet."""
    found = error.response["Error"]
    return found.get("Code") in NOT_YET or any(part in found.get("Message", "") for part in NOT_YET_MESSAGES)
