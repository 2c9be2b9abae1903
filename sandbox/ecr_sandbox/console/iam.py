"""IAM: users, user groups and roles, each with its policies, and why the last requests were refused."""

import re
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from werkzeug.wrappers import Response

from . import iam_changes
from .confirmation import Question, answer
from .iam_policies import EXAMPLE, is_offered
from .page import Page


class Words(NamedTuple):
    """Of one kind of principal: the folder of its pages, the list's title, the noun, and what its deletion deletes."""

    listed: str
    title: str
    noun: str
    hint: str
    goes_too: str


WORDS = {
    "User": Words("users", "Users", "user", "", "Its access keys and inline policies are deleted too."),
    "Group": Words(
        "groups",
        "User groups",
        "user group",
        "The users of a group get its policies.",
        "Its inline policies are deleted too. Its users stay.",
    ),
    "Role": Words("roles", "Roles", "role", "", "Its inline policies are deleted too."),
}
SERVICES = ("ecs-tasks.amazonaws.com", "ec2.amazonaws.com", "lambda.amazonaws.com", "events.amazonaws.com")
LACKS = re.compile(r"because no (.+) allows the")  # AWS's sentence names the kind of policy that does not allow it


def users(page: Page) -> Response:
    """The users, and a form for a new one."""
    return _list(page, "User")


def groups(page: Page) -> Response:
    """The user groups, and a form for a new one."""
    return _list(page, "Group")


def roles(page: Page) -> Response:
    """The roles, and a form for a new one, which an AWS service or an account may assume."""
    document = iam_changes.trust_policy(page.request.form.get("trusted", "").strip())
    return _list(page, "Role", AssumeRolePolicyDocument=document)


def _list(page: Page, kind: str, **more: str) -> Response:
    name, words = page.request.form.get("name", "").strip(), WORDS[kind]
    if page.is_post and page.attempt("iam", f"Create{kind}", **{f"{kind}Name": name}, **more):
        done = f"The {words.noun} {name} was created. It may do nothing yet."
        return page.redirect(page.url(f"/iam/{words.listed}/{name}"), done)
    rows = page.all("iam", f"List{kind}s", f"{kind}s")
    return page.render("principals.html", kind=kind, words=words, rows=rows, services=SERVICES)


def user(page: Page, name: str) -> Response:
    """One user: the policies, the boundary, groups and access keys."""
    if page.is_post and page.request.form.get("action") == "create-key":
        return _user(page, name, iam_changes.created_key(page, name))
    return _changed(page, "User", name) or _user(page, name)


def _user(page: Page, name: str, new_key: dict[str, Any] | None = None) -> Response:
    about = page.call("iam", "GetUser", UserName=name)["User"]
    keys = page.all("iam", "ListAccessKeys", "AccessKeyMetadata", UserName=name)
    member_of = page.all("iam", "ListGroupsForUser", "Groups", UserName=name)
    others = _others(page, "Group", member_of)
    return _principal(page, "User", about, keys=keys, new_key=new_key, members=member_of, others=others)


def group(page: Page, name: str) -> Response:
    """One user group: the policies and the users."""
    if changed := _changed(page, "Group", name):
        return changed
    about = page.call("iam", "GetGroup", GroupName=name)
    others = _others(page, "User", about["Users"])
    return _principal(page, "Group", about["Group"], keys=[], new_key=None, members=about["Users"], others=others)


def role(page: Page, name: str) -> Response:
    """One role: the trust policy, the policies and the boundary."""
    if changed := _changed(page, "Role", name):
        return changed
    about = page.call("iam", "GetRole", RoleName=name)["Role"]
    return _principal(page, "Role", about, keys=[], new_key=None, members=[], others=[])


def delete_user(page: Page, name: str) -> Response:
    """*Delete* a user, after its keys, groups and policies."""
    return _delete(page, "User", name)


def delete_group(page: Page, name: str) -> Response:
    """*Delete* a user group, after its users and policies."""
    return _delete(page, "Group", name)


def delete_role(page: Page, name: str) -> Response:
    """*Delete* a role, after its policies."""
    return _delete(page, "Role", name)


def access_denied(page: Page) -> Response:
    """Why the last requests were refused: the statement that denied it, or the policy that does not allow it."""
    rows = [(each, _lacking(each.sentence)) for each in page.sandbox.refusals(page.account)]
    return page.render("access_denied.html", refusals=rows)


def _lacking(sentence: str) -> str:
    """The kind of policy that does not allow the request; about a role, AWS does not say which."""
    found = LACKS.search(sentence)
    return found[1] if found else "trust policy"


def _changed(page: Page, kind: str, name: str) -> Response | None:
    """What follows a form that changed something; None if there was none, or it was refused."""
    done = iam_changes.change(page, kind, name) if page.is_post else ""
    return page.redirect(page.url(f"/iam/{WORDS[kind].listed}/{name}"), done) if done else None


def _delete(page: Page, kind: str, name: str) -> Response:
    """Ask for the name, and delete."""
    words = WORDS[kind]
    path, calls = f"/iam/{words.listed}", iam_changes.deletion(page, kind, name)
    sentence = f"Delete the {words.noun} {name} permanently? {words.goes_too} This can't be undone."
    question = Question(f"Delete {words.noun}", sentence, calls, f"{path}/{name}", word=name)
    return answer(page, question, f"The {words.noun} {name} was deleted.", then=path)


def _principal(page: Page, kind: str, about: dict[str, Any], **more: Any) -> Response:
    """The page of a user, a group or a role, with the attached and the inline policies."""
    who = {f"{kind}Name": about[f"{kind}Name"]}
    attached = page.all("iam", f"ListAttached{kind}Policies", "AttachedPolicies", **who)
    names = page.all("iam", f"List{kind}Policies", "PolicyNames", **who)
    inline = [page.call("iam", f"Get{kind}Policy", **who, PolicyName=each) for each in names]
    edited = {each["PolicyName"]: each["PolicyDocument"] for each in inline}.get(page.request.args.get("edit", ""))
    lists = {"attached": attached, "inline": inline, "choices": _attachable(page)}
    more |= {"words": WORDS[kind], "example": edited or page.local(EXAMPLE), "is_edited": bool(edited)}
    return page.render("principal.html", kind=kind, about=about, **lists, **more)


def _attachable(page: Page) -> list[dict[str, Any]]:
    """The policies that the form offers; none for a user who may not list them."""
    found = _optional_list(page, "ListPolicies", "Policies", Scope="All")
    return sorted((each for each in found if is_offered(each)), key=lambda each: each["PolicyName"])


def _others(page: Page, kind: str, members: list[dict[str, Any]]) -> list[str]:
    """The names of the groups or users that are not among *members*; none for a user who may not list them."""
    found = _optional_list(page, f"List{kind}s", f"{kind}s")
    known = {each[f"{kind}Name"] for each in members}
    return sorted(each[f"{kind}Name"] for each in found if each[f"{kind}Name"] not in known)


def _optional_list(page: Page, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
    try:
        return list(page.quiet_call("iam", operation, **parameters, MaxItems=1000)[key])
    except ClientError:
        return []
