"""What the forms of a user, a user group or a role change: one call of IAM for each button, several to delete."""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from .confirmation import Call
from .page import Page

# The name of a button or field -> the operation, the parameter that its value is, and what was done.
CHANGES = {
    "attach": ("Attach{kind}Policy", "PolicyArn", "Attached {}."),
    "detach": ("Detach{kind}Policy", "PolicyArn", "Detached {}."),
    "remove": ("Delete{kind}Policy", "PolicyName", "Deleted the inline policy {}."),
    "boundary": ("Put{kind}PermissionsBoundary", "PermissionsBoundary", "The permissions boundary is {}."),
    "trust": ("UpdateAssumeRolePolicy", "PolicyDocument", "The trust policy was saved."),
    "add_group": ("AddUserToGroup", "GroupName", "Added to {}."),
    "remove_group": ("RemoveUserFromGroup", "GroupName", "Removed from {}."),
    "add_user": ("AddUserToGroup", "UserName", "Added {}."),
    "remove_user": ("RemoveUserFromGroup", "UserName", "Removed {}."),
    "delete_key": ("DeleteAccessKey", "AccessKeyId", "Deleted the access key {}."),
}
KEY_STATES = {"activate": "Active", "deactivate": "Inactive"}


def change(page: Page, kind: str, name: str) -> str:
    """Do what the form says to the *kind* (``User``) *name*; what was done, or nothing if it was refused."""
    form, who = page.request.form, {f"{kind}Name": name}
    for field, (operation, parameter, done) in CHANGES.items():
        if value := form.get(field):
            called = page.attempt("iam", operation.format(kind=kind), **who, **{parameter: value})
            return done.format(value) if called else ""
    for field, state in KEY_STATES.items():
        if key := form.get(field):
            called = page.attempt("iam", "UpdateAccessKey", **who, AccessKeyId=key, Status=state)
            return f"The access key {key} is {state.lower()}." if called else ""
    if form.get("action") == "remove-boundary":
        called = page.attempt("iam", f"Delete{kind}PermissionsBoundary", **who)
        return "The permissions boundary was removed." if called else ""
    new = {"PolicyName": form.get("policy_name", "").strip(), "PolicyDocument": form.get("document", "")}
    if "document" in form and page.attempt("iam", f"Put{kind}Policy", **who, **new):
        return f"Saved the inline policy {new['PolicyName']}."
    return ""


def created_key(page: Page, name: str) -> dict[str, Any] | None:
    """A new access key of the user *name*. Its secret is in this answer only; None if it was refused."""
    try:
        return dict(page.call("iam", "CreateAccessKey", UserName=name)["AccessKey"])
    except ClientError as error:
        page.report(error)
        return None


def trust_policy(trusted: str) -> str:
    """The trust policy of a role that an AWS service (``ecs-tasks.amazonaws.com``) or an account may assume."""
    principal = {"AWS" if trusted.isdigit() or trusted.startswith("arn:") else "Service": trusted}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


def deletion(page: Page, kind: str, name: str) -> list[Call]:
    """The calls that delete the *kind* (``User``) *name*, and before it what IAM wants removed first.

    The AWS console does the same.
    """
    who = {f"{kind}Name": name}
    first = [("iam", operation, {**who, **more}) for operation, more in _first(page, kind, who)]
    return [*first, ("iam", f"Delete{kind}", who)]


def _first(page: Page, kind: str, who: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """The calls that must precede the deletion: what has policies, keys or members is in use."""
    for each in page.quiet_call("iam", f"ListAttached{kind}Policies", **who)["AttachedPolicies"]:
        yield f"Detach{kind}Policy", {"PolicyArn": each["PolicyArn"]}
    for policy in page.quiet_call("iam", f"List{kind}Policies", **who)["PolicyNames"]:
        yield f"Delete{kind}Policy", {"PolicyName": policy}
    if kind == "User":
        for each in page.quiet_call("iam", "ListAccessKeys", **who)["AccessKeyMetadata"]:
            yield "DeleteAccessKey", {"AccessKeyId": each["AccessKeyId"]}
        for each in page.quiet_call("iam", "ListGroupsForUser", **who)["Groups"]:
            yield "RemoveUserFromGroup", {"GroupName": each["GroupName"]}
    if kind == "Group":
        for each in page.quiet_call("iam", "GetGroup", **who)["Users"]:
            yield "RemoveUserFromGroup", {"UserName": each["UserName"]}
