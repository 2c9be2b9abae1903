"""The second account of notebook 03, in which a user pulls from the first one.

The sandbox simulates it. On AWS there is one only if the learner names a profile for it, and confirms it.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from helpers import aws_account, settings
from helpers.errors import LabError

if TYPE_CHECKING:
    import boto3

PROFILE, CONFIRM = "ECR_TUTORIAL_OTHER_PROFILE", "ECR_TUTORIAL_OTHER_CONFIRM"


class SecondAccount(NamedTuple):
    """A profile of the AWS configuration, and the account that its credentials belong to."""

    profile: str
    account: str


IN_SANDBOX = SecondAccount(settings.OTHER_PROFILE, settings.OTHER_ACCOUNT)


def on_aws(account: str, region: str) -> SecondAccount | None:
    """The account of the profile that ``ECR_TUTORIAL_OTHER_PROFILE`` names, once it is confirmed; None without one.

    What is wrong with it is printed and ends nothing else: only a few cells of notebook 03 need it. *account* is the
    first account.
    """
    profile = os.environ.get(PROFILE)
    if not profile:
        return None
    try:
        its = session(profile, region)
        found = SecondAccount(profile, aws_account.identity(its)[0])
        if found.account == account:
            raise LabError(f"The profile {profile} is of the same account.", f"set {PROFILE} to one of another account")
        _confirm(found.account, region, its)
    except LabError as error:
        print(f"✗ second account: {error}")
        return None
    print(f"✔ second account: {found.account}, profile {profile}")
    return found


def session(profile: str, region: str) -> "boto3.Session":
    """A boto3 session of this profile; LabError if there is no such profile."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        return boto3.Session(profile_name=profile, region_name=region)
    except BotoCoreError:
        fix = f"set {PROFILE} to a name that aws configure list-profiles prints"
        raise LabError(f"There is no AWS profile {profile}.", fix) from None


def _confirm(account: str, region: str, session: "boto3.Session") -> None:
    given = os.environ.get(CONFIRM)
    if given == account:
        return
    if given or os.environ.get("ECR_TUTORIAL_CONFIRM"):  # no terminal to ask in
        raise LabError(f"Account {account} is not confirmed.", f"set {CONFIRM}={account}")
    aws_account.confirm(account, region, session)
