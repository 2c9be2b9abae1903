"""The second account of notebook 03, in which a user pulls from the first one.

The sandbox simulates it. On AWS there is one only if the learner names a profile for it, and confirms it.
"""

import os
from typing import NamedTuple

from helpers import aws_account, settings
from helpers.errors import LabError

PROFILE = "ECR_TUTORIAL_OTHER_PROFILE"


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
        session = aws_account.session(profile, region)
        found = SecondAccount(profile, aws_account.identity(session)[0])
        if found.account == account:
            raise LabError(f"The profile {profile} is of the same account.", f"set {PROFILE} to one of another account")
        aws_account.confirm(found.account, region, session)
    except LabError as error:
        print(f"✗ second account: {error}")
        return None
    print(f"✔ second account: {found.account}, profile {profile}")
    return found
