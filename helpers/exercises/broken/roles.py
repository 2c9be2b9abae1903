"""An execution role for broken exercises."""

import contextlib
import json
from collections.abc import Iterable

from helpers import boundary, cleanup, names, settings
from helpers.cleanup import iam as cleanup_iam
from helpers.lab import Lab

from .. import permissions

TASKS = "ecs-tasks.amazonaws.com"


def allow(actions: Iterable[str], resource: str) -> dict:
    """A statement that allows these actions on one resource."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def pull(resource: str) -> list[dict]:
    """The statements that a pull needs, of one repository."""
    return [allow([permissions.PASSWORD], "*"), allow(sorted(permissions.PULL), resource)]


def new(lab: Lab, name: str, statements: Iterable[dict], trusted: str = TASKS) -> str:
    """A role with these statements, which the service *trusted* may assume; its ARN.

    A role of this name is deleted before. LabError if this tutorial did not make it.
    """
    iam = lab.client("iam")
    delete(lab, name)
    cleanup.note(lab, [("role", name)])
    trust = {"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=_document([trust]),
        PermissionsBoundary=boundary.arn(lab),
        Tags=[settings.TAG],
    )
    iam.put_role_policy(RoleName=name, PolicyName="pull", PolicyDocument=_document(statements))
    return made["Role"]["Arn"]


def delete(lab: Lab, name: str) -> None:
    """Delete this role if there is one. LabError if this tutorial did not make it."""
    iam = lab.client("iam")
    with contextlib.suppress(iam.exceptions.NoSuchEntityException):
        if settings.TAG not in iam.list_role_tags(RoleName=name)["Tags"]:
            raise names.taken(f"role {name}")
        cleanup_iam.delete_role(iam, name)


def _document(statements: Iterable[dict]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
