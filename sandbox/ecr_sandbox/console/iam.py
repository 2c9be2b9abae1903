"""IAM: users, roles and policies, and why the last requests were refused."""

from typing import Any

from botocore.exceptions import ClientError
from werkzeug.wrappers import Response

from .confirmation import Call, Question, answer
from .page import Page

EXAMPLE = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "ecr:DescribeImages",
      "Resource": "arn:aws:ecr:us-east-1:123456789012:repository/demo-app-repo"
    }
  ]
}"""


def users(page: Page) -> Response:
    """The users, and a form for a new one."""
    name = page.request.form.get("name", "").strip()
    if page.is_post and page.attempt("iam", "CreateUser", UserName=name):
        return page.redirect(page.url(f"/iam/users/{name}"), f"The user {name} was created. It may do nothing yet.")
    return page.render("users.html", users=page.all("iam", "ListUsers", "Users"))


def user(page: Page, name: str) -> Response:
    """One user: the policies, groups and keys."""
    if page.is_post and (done := _change(page, "User", name)):
        return page.redirect(page.url(f"/iam/users/{name}"), done)
    about = page.call("iam", "GetUser", UserName=name)["User"]
    keys = page.all("iam", "ListAccessKeys", "AccessKeyMetadata", UserName=name)
    groups = page.all("iam", "ListGroupsForUser", "Groups", UserName=name)
    return _principal(page, "User", about, keys=keys, groups=groups)


def delete_user(page: Page, name: str) -> Response:
    """*Delete* a user, after its keys, groups and policies."""
    who = {"UserName": name}
    calls: list[Call] = []
    for each in page.quiet_call("iam", "ListAccessKeys", **who)["AccessKeyMetadata"]:
        calls.append(("iam", "DeleteAccessKey", {**who, "AccessKeyId": each["AccessKeyId"]}))
    for each in page.quiet_call("iam", "ListGroupsForUser", **who)["Groups"]:
        calls.append(("iam", "RemoveUserFromGroup", {**who, "GroupName": each["GroupName"]}))
    return _delete(page, "User", name, calls)


def roles(page: Page) -> Response:
    """The roles."""
    return page.render("roles.html", roles=page.all("iam", "ListRoles", "Roles"))


def role(page: Page, name: str) -> Response:
    """One role: the trust policy and the policies."""
    if page.is_post and (done := _change(page, "Role", name)):
        return page.redirect(page.url(f"/iam/roles/{name}"), done)
    return _principal(page, "Role", page.call("iam", "GetRole", RoleName=name)["Role"], keys=[], groups=[])


def delete_role(page: Page, name: str) -> Response:
    """*Delete* a role, after its policies."""
    return _delete(page, "Role", name, [])


def policies(page: Page) -> Response:
    """The policies of the account, and AWS's own that the sandbox has."""
    own = page.all("iam", "ListPolicies", "Policies", Scope="Local")
    of_aws = page.all("iam", "ListPolicies", "Policies", Scope="AWS")
    return page.render("policies.html", own=own, of_aws=[each for each in of_aws if _is_offered(each)])


def policy(page: Page, arn: str) -> Response:
    """One managed policy: the document of its default version."""
    about = page.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]
    version = page.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=about["DefaultVersionId"])["PolicyVersion"]
    return page.render("managed_policy.html", about=about, document=version["Document"])


def access_denied(page: Page) -> Response:
    """Why the last requests were refused: the statement that denied it, or the action that no policy allows."""
    return page.render("access_denied.html", refusals=page.sandbox.refusals(page.account))


def _change(page: Page, kind: str, name: str) -> str:
    """Attach, detach, save or delete a policy of a user or role, as the form says; what was done, or nothing."""
    form, who = page.request.form, {f"{kind}Name": name}
    if (arn := form.get("attach")) and page.attempt("iam", f"Attach{kind}Policy", **who, PolicyArn=arn):
        return f"Attached {arn}."
    if (arn := form.get("detach")) and page.attempt("iam", f"Detach{kind}Policy", **who, PolicyArn=arn):
        return f"Detached {arn}."
    if (policy := form.get("remove")) and page.attempt("iam", f"Delete{kind}Policy", **who, PolicyName=policy):
        return f"Deleted the inline policy {policy}."
    new = {"PolicyName": form.get("policy_name", "").strip(), "PolicyDocument": form.get("document", "")}
    if "document" in form and page.attempt("iam", f"Put{kind}Policy", **who, **new):
        return f"Saved the inline policy {new['PolicyName']}."
    return ""


def _delete(page: Page, kind: str, name: str, calls: list[Call]) -> Response:
    """Ask for the name, make *calls*, detach and delete the policies, and delete the user or role."""
    who, path = {f"{kind}Name": name}, f"/iam/{kind.lower()}s"
    for each in page.quiet_call("iam", f"ListAttached{kind}Policies", **who)["AttachedPolicies"]:
        calls.append(("iam", f"Detach{kind}Policy", {**who, "PolicyArn": each["PolicyArn"]}))
    for policy in page.quiet_call("iam", f"List{kind}Policies", **who)["PolicyNames"]:
        calls.append(("iam", f"Delete{kind}Policy", {**who, "PolicyName": policy}))
    calls.append(("iam", f"Delete{kind}", who))
    sentence = f"Delete {name} permanently? Its policies are detached, and its inline policies and keys are deleted."
    question = Question(f"Delete {kind.lower()}", sentence, calls, f"{path}/{name}", word=name)
    return answer(page, question, f"The {kind.lower()} {name} was deleted.", then=path)


def _principal(page: Page, kind: str, about: dict[str, Any], **more: Any) -> Response:
    """The page of a user or a role, with the attached and the inline policies."""
    who = {f"{kind}Name": about[f"{kind}Name"]}
    attached = page.all("iam", f"ListAttached{kind}Policies", "AttachedPolicies", **who)
    names = page.all("iam", f"List{kind}Policies", "PolicyNames", **who)
    inline = [page.call("iam", f"Get{kind}Policy", **who, PolicyName=each) for each in names]
    edited = {each["PolicyName"]: each["PolicyDocument"] for each in inline}.get(page.request.args.get("edit", ""))
    lists = {"attached": attached, "inline": inline, "choices": _attachable(page), "example": edited or EXAMPLE}
    return page.render("principal.html", kind=kind, about=about, is_edited=bool(edited), **lists, **more)


def _attachable(page: Page) -> list[dict[str, Any]]:
    """The policies that the form offers; none for a user who may not list them."""
    try:
        found = page.quiet_call("iam", "ListPolicies", Scope="All", MaxItems=1000)["Policies"]
    except ClientError:
        return []
    return sorted((each for each in found if _is_offered(each)), key=lambda each: each["PolicyName"])


def _is_offered(policy: dict[str, Any]) -> bool:
    """Whether a policy is the account's own, about registries, or in use: AWS has more than a thousand others."""
    is_own = not policy["Arn"].startswith("arn:aws:iam::aws:")
    return is_own or "Container" in policy["PolicyName"] or bool(policy["AttachmentCount"])
