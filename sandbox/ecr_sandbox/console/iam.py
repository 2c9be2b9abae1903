"""IAM: users, roles and policies, and why the last requests were refused."""

from typing import Any

from werkzeug.wrappers import Response

from .page import Page


def users(page: Page) -> Response:
    """The users."""
    return page.render("users.html", users=page.all("iam", "ListUsers", "Users"))


def user(page: Page, name: str) -> Response:
    """One user: the policies, groups and keys."""
    about = page.call("iam", "GetUser", UserName=name)["User"]
    keys = page.all("iam", "ListAccessKeys", "AccessKeyMetadata", UserName=name)
    groups = page.all("iam", "ListGroupsForUser", "Groups", UserName=name)
    return page.render(
        "principal.html", kind="Users", about=about, keys=keys, groups=groups, **_policies(page, "User", name)
    )


def roles(page: Page) -> Response:
    """The roles."""
    return page.render("roles.html", roles=page.all("iam", "ListRoles", "Roles"))


def role(page: Page, name: str) -> Response:
    """One role: the trust policy and the policies."""
    about = page.call("iam", "GetRole", RoleName=name)["Role"]
    return page.render("principal.html", kind="Roles", about=about, keys=[], groups=[], **_policies(page, "Role", name))


def policies(page: Page) -> Response:
    """The policies of the account, and AWS's own that the sandbox has."""
    own = page.all("iam", "ListPolicies", "Policies", Scope="Local")
    of_aws = page.all("iam", "ListPolicies", "Policies", Scope="AWS")
    registry = [each for each in of_aws if "Container" in each["PolicyName"] or each["AttachmentCount"]]
    return page.render("policies.html", own=own, of_aws=registry)


def policy(page: Page, arn: str) -> Response:
    """One managed policy: the document of its default version."""
    about = page.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]
    version = page.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=about["DefaultVersionId"])["PolicyVersion"]
    return page.render("managed_policy.html", about=about, document=version["Document"])


def access_denied(page: Page) -> Response:
    """Why the last requests were refused: the statement that denied it, or the action that no policy allows."""
    return page.render("access_denied.html", refusals=page.sandbox.refusals(page.account))


def _policies(page: Page, kind: str, name: str) -> dict[str, Any]:
    """The attached and the inline policies of a user or a role."""
    who = {f"{kind}Name": name}
    attached = page.all("iam", f"ListAttached{kind}Policies", "AttachedPolicies", **who)
    names = page.all("iam", f"List{kind}Policies", "PolicyNames", **who)
    inline = [page.call("iam", f"Get{kind}Policy", **who, PolicyName=each) for each in names]
    return {"attached": attached, "inline": inline}
