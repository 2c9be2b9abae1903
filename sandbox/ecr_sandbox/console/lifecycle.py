"""The lifecycle policy of a repository: its rules, a test of other rules, and apply."""

import json
import time
from collections.abc import Mapping
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
ACTIONS = {"expire": "Expire", "transition": "Archive"}
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
    if page.is_post and form.get("action") in ("create", "remove") and _change(page, repository):
        return page.redirect(here, "The lifecycle policy was saved. It acts within 24 hours.")
    return _render(page, repository, None)


def _change(page: Page, repository: str) -> bool:
    """*Create rule* or *Delete* of one rule: put the policy with it or without it; whether that succeeded."""
    form = page.request.form
    rules = _kept(page, repository)
    if form["action"] == "create":
        rules.append(_rule(form))
    else:
        rules = [each for each in rules if str(each["rulePriority"]) != form.get("rule")]
    if not rules:
        return page.attempt("ecr", "DeleteLifecyclePolicy", repositoryName=repository)
    text = json.dumps({"rules": rules})
    return page.attempt("ecr", "PutLifecyclePolicy", repositoryName=repository, lifecyclePolicyText=text)


def _rule(form: Mapping[str, str]) -> dict[str, Any]:
    """The rule that the form describes."""
    status, criterion = form.get("image_status", "any"), form.get("criterion", "imageCountMoreThan")
    selection: dict[str, Any] = {"tagStatus": status if status in ("any", "untagged") else "tagged"}
    if selection["tagStatus"] == "tagged":
        selection[status] = lines(form.get("tags", ""))
    selection |= {"countType": criterion, "countNumber": _number(form.get("number", ""))}
    if criterion != "imageCountMoreThan":
        selection["countUnit"] = "days"
    action: dict[str, Any] = {"type": "expire"}
    if form.get("rule_action") == "transition":
        action = {"type": "transition", "targetStorageClass": "archive"}
    if criterion == "sinceImageTransitioned":
        selection["storageClass"] = "archive"
    description = form.get("description", "").strip()
    rule: dict[str, Any] = {"rulePriority": _number(form.get("priority", ""))}
    return {**rule, **({"description": description} if description else {}), "selection": selection, "action": action}


def _number(text: str) -> int | str:
    """*text* as a number; ECR explains what is wrong with another text."""
    return int(text) if text.strip().isdecimal() else text


def _kept(page: Page, repository: str) -> list[dict[str, Any]]:
    text = page.optional("ecr", "GetLifecyclePolicy", repositoryName=repository).get("lifecyclePolicyText", "")
    return list(json.loads(text)["rules"]) if text else []


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


def _render(page: Page, repository: str, result: dict[str, Any] | None) -> Response:
    rules = sorted(_kept(page, repository), key=lambda rule: rule["rulePriority"])
    return page.render(
        "lifecycle_policy.html",
        repository=repository,
        rules=rules,
        next_priority=max((rule["rulePriority"] for rule in rules), default=0) + 1,
        entered=page.request.form.get("policy", "") or (json.dumps({"rules": rules}) if rules else EXAMPLE),
        result=result,
        here=_here(page, repository),
        form=page.request.form,
        choices={"image_status": words.IMAGE_STATUS, "criterion": words.CRITERIA, "action": ACTIONS},
    )


def _here(page: Page, repository: str) -> str:
    return page.url(f"/ecr/repositories/private/{repository}/_/lifecycle-policy")
