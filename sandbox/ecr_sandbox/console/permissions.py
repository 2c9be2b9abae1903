"""The policy of a repository, and that of the registry: shown, edited, deleted."""

from typing import Any

from werkzeug.wrappers import Response

from . import images
from .page import Page

EXAMPLE = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AllowPull",
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
      "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    }
  ]
}"""
REGISTRY_EXAMPLE = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "AllowReplication",
      "Effect": "Allow",
      "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
      "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
      "Resource": "arn:aws:ecr:us-east-1:123456789012:repository/*"
    }
  ]
}"""


def repository(page: Page, repository: str) -> Response:
    """The permissions of a repository: who else may pull or push."""
    images.described(page, repository)
    here = page.url(f"/ecr/repositories/private/{repository}/_/permissions")
    return _policy(
        page, here, ("SetRepositoryPolicy", "GetRepositoryPolicy", "DeleteRepositoryPolicy"), EXAMPLE, repository
    )


def registry(page: Page) -> Response:
    """The permissions of the registry: for replication and pull through cache."""
    here = page.url("/ecr/private-registry/permissions")
    return _policy(page, here, ("PutRegistryPolicy", "GetRegistryPolicy", "DeleteRegistryPolicy"), REGISTRY_EXAMPLE)


def _policy(page: Page, here: str, operations: tuple[str, str, str], example: str, repository: str = "") -> Response:
    """Put, get or delete a policy; *operations* are the three names."""
    put, get, delete = operations
    about: dict[str, Any] = {"repositoryName": repository} if repository else {}
    entered, action = page.request.form.get("policy", ""), page.request.form.get("action")
    if page.is_post and action == "delete" and page.attempt("ecr", delete, **about):
        return page.redirect(here, "The policy was deleted.")
    if page.is_post and action == "save" and page.attempt("ecr", put, **about, policyText=entered):
        return page.redirect(here, "The policy was saved.")
    kept = page.optional("ecr", get, **about).get("policyText", "")
    return page.render(
        "policy.html", repository=repository, kept=kept, entered=entered, example=page.local(example), here=here
    )
