"""The permissions boundary of the users that the course makes: it keeps them inside the course."""

import json
from typing import TYPE_CHECKING

from helpers import cleanup, settings

if TYPE_CHECKING:
    from helpers.lab import Lab

NAME = f"{settings.PREFIX}boundary"


def arn(lab: "Lab", in_second_account: bool = False) -> str:
    """The ARN of the boundary, for ``create_user(PermissionsBoundary=…)``; the policy is created if there is none.

    A user with it can do no more than this, whatever a lesson attaches: log in to the registry, and change what has a
    name of the course. LabError if somebody else has a policy of this name. A user of the second account needs the
    one of that account, which must exist.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    account, iam, kind = lab.account, lab.client("iam"), "policy"
    if in_second_account:
        session = lab.second_account()
        assert lab.second and session, "there is no second account"
        account, iam, kind = lab.second.account, session.client("iam"), "policy of the second account"
    cleanup.note(lab, [(kind, NAME)])
    found = f"arn:{lab.partition}:iam::{account}:policy/{NAME}"
    try:
        iam.get_policy(PolicyArn=found)
    except iam.exceptions.NoSuchEntityException:
        iam.create_policy(PolicyName=NAME, PolicyDocument=document(lab.partition), Tags=[settings.TAG])
    return found


def document(partition: str = "aws") -> str:
    """The text of the boundary: ECR and Lambda by the course's names, in every account and Region."""
    mine = {
        "ecr:*": f"ecr:*:*:repository/{settings.PREFIX}*",
        "lambda:*": f"lambda:*:*:function:{settings.PREFIX}*",
        "iam:PassRole": f"iam::*:role/{settings.PREFIX}*",
        "sts:AssumeRole": f"iam::*:role/{settings.PREFIX}*",
    }
    statements = [{"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}]
    statements += [
        {"Effect": "Allow", "Action": action, "Resource": f"arn:{partition}:{name}"} for action, name in mine.items()
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
