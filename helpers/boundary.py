"""The permissions boundary of the users and roles that the course makes: it keeps them inside the course."""

import json
from typing import TYPE_CHECKING, Any

from helpers import cleanup, names, settings
from helpers.errors import LabError, denied_action

if TYPE_CHECKING:
    from helpers.lab import Lab

NAME = f"{settings.PREFIX}boundary"
FILE = settings.PROJECT / "docs" / "aws-boundary.json"


def arn(lab: "Lab", in_second_account: bool = False) -> str:
    """The ARN of the boundary, for ``create_user(PermissionsBoundary=…)``; the policy is created if there is none.

    A user or a role with it can do no more than this, whatever a lesson attaches: log in to the registry, write logs,
    and change what has a name of the course. A policy of this name that a teacher made is used if it has the same text,
    and stays. LabError if the text differs, or if there is no such policy and AWS refuses to create one.
    A user of the second account needs the one of that account, which must exist.
    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    account, iam, kind = lab.account, lab.client("iam"), "policy"
    if in_second_account:
        session = lab.second_account()
        assert lab.second and session, "there is no second account"
        account, iam, kind = lab.second.account, session.client("iam"), "policy of the second account"
    found = f"arn:{lab.partition}:iam::{account}:policy/{NAME}"
    text = _text(iam, found)
    if text is None:
        cleanup.note(lab, [(kind, NAME)])
        _create(iam, document(lab.partition))
    elif text != json.loads(document(lab.partition)):
        raise LabError(
            f"The policy {NAME} is not this course's permissions boundary: it has another text.", names.ANOTHER_PREFIX
        )
    return found


def document(partition: str = "aws") -> str:
    """The text of the boundary: what has a name of the course, in every account and Region."""
    text = json.dumps(json.loads(FILE.read_text()))
    return text.replace(settings.DEFAULT_PREFIX, settings.PREFIX).replace("arn:aws:", f"arn:{partition}:")


def _text(iam: Any, policy: str) -> dict[str, Any] | None:
    """The document of the policy with this ARN; None if there is no such policy. LabError if AWS refuses to read it."""
    from botocore.exceptions import ClientError

    try:
        version = iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
        document: dict[str, Any] = iam.get_policy_version(PolicyArn=policy, VersionId=version)["PolicyVersion"]
        return document["Document"]
    except iam.exceptions.NoSuchEntityException:
        return None
    except ClientError as error:
        if not denied_action(error):
            raise
        raise LabError(
            f"You are not allowed to use IAM as these cells do: {denied_action(error)} is not allowed.",
            "run this notebook in the sandbox: make lab, without ECR_TUTORIAL_TARGET",
        ) from None


def _create(iam: Any, text: str) -> None:
    """Create the boundary; LabError if AWS refuses it."""
    from botocore.exceptions import ClientError

    try:
        iam.create_policy(PolicyName=NAME, PolicyDocument=text, Tags=[settings.TAG])
    except ClientError as error:
        if not denied_action(error):
            raise
        raise LabError(
            f"There is no policy {NAME}, and you are not allowed to create it: {denied_action(error)} is not allowed.",
            "ask who gave you the permissions; docs/teaching.md says how to create it",
        ) from None
