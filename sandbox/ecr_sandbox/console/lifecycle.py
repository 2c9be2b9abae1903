"""The lifecycle policy of a repository: its rules, a test of other rules, and apply."""

import json
import time
from typing import Any

from botocore.exceptions import ClientError
from werkzeug.wrappers import Response

from . import images, words
from .forms import lines
from .page import Page

EXAMPLE = """{
  "rules": [
    {
      "rulePriority": 1,
      "description": "Keep 5 images",
      "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5},
      "action": {"type": "expire"}
    }
  ]
}"""
PATIENCE = 5  # seconds for a preview


def show(page: Page, repository: str) -> Response:
    """The rules that apply, and the editor."""
    about = {"repositoryName": repository}
    here, form = _here(page, repository), page.request.form
    images.described(page, repository)
    if page.is_post and form.get("action") == "delete" and page.attempt("ecr", "DeleteLifecyclePolicy", **about):
        return page.redirect(here, "The lifecycle policy was deleted.")
    wanted = {**about, "lifecyclePolicyText": form.get("policy", "")}
    if page.is_post and form.get("action") == "apply" and page.attempt("ecr", "PutLifecyclePolicy", **wanted):
        return page.redirect(here, "The lifecycle policy was applied. It acts within 24 hours.")
    added = _with_rule(page) if page.is_post and form.get("action") == "add" else ""
    return _render(page, repository, None, added)


def _with_rule(page: Page) -> str:
    """The policy in the editor with the rule of the form, or nothing if the editor's text is no policy."""
    form = page.request.form
    try:
        rules = json.loads(form.get("policy") or "{}").get("rules", [])
        last = max((rule["rulePriority"] for rule in rules), default=0)
    except (ValueError, AttributeError, KeyError, TypeError):
        page.status, page.error = 400, {"code": "Not added", "message": "The policy in the editor is not valid."}
        return ""
    status, criterion = form.get("tag_status", "any"), form.get("criterion", "imageCountMoreThan")
    selection: dict[str, Any] = {"tagStatus": status.partition("-")[0], "countType": criterion}
    if tags := lines(form.get("rule_tags", "")):
        selection["tagPrefixList" if status == "tagged-prefix" else "tagPatternList"] = tags
    if criterion.startswith("since"):
        selection["countUnit"] = "days"
    selection["countNumber"] = form.get("count", 1, type=int)
    archive = {"type": "transition", "targetStorageClass": "archive"}
    action = archive if form.get("rule_action") == "transition" else {"type": "expire"}
    rule = {"rulePriority": last + 1, "description": form.get("rule_description", "").strip(), "selection": selection}
    return json.dumps({"rules": [*rules, {**rule, "action": action}]})


def test(page: Page, repository: str) -> Response:
    """*Save and run test*: which images the rules in the form would expire or archive. Nothing is deleted."""
    about = {"repositoryName": repository}
    images.described(page, repository)
    result = None
    if page.is_post and page.attempt(
        "ecr", "StartLifecyclePolicyPreview", **about, lifecyclePolicyText=page.request.form.get("policy", "")
    ):
        result = _preview(page, about)
    return _render(page, repository, result)


def _preview(page: Page, about: dict[str, str]) -> dict[str, Any] | None:
    """The result of the preview, which takes a moment; what there is of it after PATIENCE seconds."""
    end = time.monotonic() + PATIENCE
    try:
        result = page.call("ecr", "GetLifecyclePolicyPreview", **about)
        while result["status"] == "IN_PROGRESS" and time.monotonic() < end:
            time.sleep(0.1)
            result = page.client("ecr").get_lifecycle_policy_preview(**about)
    except ClientError as error:
        page.report(error)
        return None
    return result


def _render(page: Page, repository: str, result: dict[str, Any] | None, added: str = "") -> Response:
    kept = page.optional("ecr", "GetLifecyclePolicy", repositoryName=repository).get("lifecyclePolicyText", "")
    rules = json.loads(kept)["rules"] if kept else []
    entered = added or page.request.form.get("policy", "")
    return page.render(
        "lifecycle_policy.html",
        repository=repository,
        kept=kept,
        rules=sorted(rules, key=lambda rule: rule["rulePriority"]),
        entered=entered or kept or EXAMPLE,
        result=result,
        criteria=words.CRITERIA,
        here=_here(page, repository),
    )


def _here(page: Page, repository: str) -> str:
    return page.url(f"/ecr/repositories/private/{repository}/_/lifecycle-policy")
