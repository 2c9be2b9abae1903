"""IAM: the managed policies of the account and of AWS, and the versions of one."""

from typing import Any

from werkzeug.wrappers import Response

from .confirmation import Question, answer
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
OF_AWS = "arn:aws:iam::aws:"


def policies(page: Page) -> Response:
    """The policies of the account, AWS's own that the sandbox has, and a form for a new one."""
    name, document = page.request.form.get("name", "").strip(), page.request.form.get("document", "")
    if page.is_post and page.attempt("iam", "CreatePolicy", PolicyName=name, PolicyDocument=document):
        return page.redirect(page.url("/iam/policies"), f"The policy {name} was created. Attach it to a user or role.")
    own = page.all("iam", "ListPolicies", "Policies", Scope="Local")
    of_aws = page.all("iam", "ListPolicies", "Policies", Scope="AWS")
    offered = [each for each in of_aws if is_offered(each)]
    return page.render("policies.html", own=own, of_aws=offered, document=document or page.local(EXAMPLE))


def policy(page: Page, arn: str) -> Response:
    """One managed policy: its default version, who has it, and for a policy of the account a form to change it."""
    form, here = page.request.form, page.url(f"/iam/policies/{arn}")
    new = {"PolicyDocument": form.get("document", ""), "SetAsDefault": True}
    if page.is_post and page.attempt("iam", "CreatePolicyVersion", PolicyArn=arn, **new):
        return page.redirect(here, "The policy was saved as a new version.")
    about = page.call("iam", "GetPolicy", PolicyArn=arn)["Policy"]
    version = page.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId=about["DefaultVersionId"])["PolicyVersion"]
    holders = page.optional("iam", "ListEntitiesForPolicy", PolicyArn=arn)
    lists = (("Group", "groups"), ("User", "users"), ("Role", "roles"))
    attached = [(listed, each[f"{kind}Name"]) for kind, listed in lists for each in holders.get(f"Policy{kind}s", [])]
    return page.render(
        "managed_policy.html",
        about=about,
        document=version["Document"],
        entered=form.get("document", ""),
        attached=attached,
        is_own=not arn.startswith(OF_AWS),
    )


def delete(page: Page) -> Response:
    """Ask for the name, and delete the policy after its other versions. IAM refuses it while the policy is attached."""
    arn = page.request.values.get("arn", "")
    name, here = arn.rpartition("/")[2], f"/iam/policies/{arn}"
    versions = page.quiet_call("iam", "ListPolicyVersions", PolicyArn=arn)["Versions"]
    others = [{"PolicyArn": arn, "VersionId": each["VersionId"]} for each in versions if not each["IsDefaultVersion"]]
    calls = [*(("iam", "DeletePolicyVersion", each) for each in others), ("iam", "DeletePolicy", {"PolicyArn": arn})]
    sentence = f"Delete the policy {name} permanently? All its versions are deleted. This can't be undone."
    question = Question("Delete policy", sentence, calls, here, {"arn": [arn]}, word=name)
    return answer(page, question, f"The policy {name} was deleted.", then="/iam/policies")


def is_offered(policy: dict[str, Any]) -> bool:
    """Whether a policy is the account's own, about registries, or in use: AWS has more than a thousand others."""
    is_own = not policy["Arn"].startswith(OF_AWS)
    return is_own or "Container" in policy["PolicyName"] or bool(policy["AttachmentCount"])
