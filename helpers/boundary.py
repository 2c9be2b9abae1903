"""The permissions boundary of the users that the course makes: it keeps them inside the course."""

import json
from typing import TYPE_CHECKING

from helpers import cleanup, settings

if TYPE_CHECKING:
    from helpers.lab import Lab

NAME = f"{settings.PREFIX}boundary"


def arn(lab: "Lab") -> str:
    """The ARN of the boundary, for ``create_user(PermissionsBoundary=…)``; the policy is created if there is none.

    A user with it can do no more than this, whatever a lesson attaches: log in to the registry, and change what has a
    name of the course. LabError if somebody else has a policy of this name.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    iam = lab.client("iam")
    cleanup.note(lab, [("policy", NAME)])
    found = f"arn:{lab.partition}:iam::{lab.account}:policy/{NAME}"
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
