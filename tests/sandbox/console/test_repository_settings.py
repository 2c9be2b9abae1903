"""A repository's permissions, lifecycle policy and settings."""

import html
import json
import os
import re

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.console.pages import text
from tests.sandbox.pusher import Pusher

POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}]}


def rules(number: int) -> str:
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": number}
    rule = {"rulePriority": 1, "description": "Keep some", "selection": selection, "action": {"type": "expire"}}
    return json.dumps({"rules": [rule]})


def path(repository: str, page: str) -> str:
    return f"/ecr/repositories/private/{repository}/_/{page}"


def test_permissions_are_saved_shown_and_deleted(console, sandbox, repository):
    page, ecr = path(repository, "permissions"), sandbox.client()
    assert "An example. Nothing is saved yet." in text(console.get(page))
    shown = text(console.post(page, action="save", policy=json.dumps(POLICY)))
    assert "The policy was saved." in shown
    assert "aws ecr set-repository-policy" in shown
    assert json.loads(ecr.get_repository_policy(repositoryName=repository)["policyText"]) == POLICY
    assert "The policy was deleted." in text(console.post(page, action="delete"))
    with pytest.raises(ClientError, match="RepositoryPolicyNotFoundException"):
        ecr.get_repository_policy(repositoryName=repository)


def test_a_policy_that_is_not_valid_stays_in_the_editor(console, repository):
    page = console.post(path(repository, "permissions"), 400, action="save", policy='{"Statement": oops')
    assert "InvalidParameterException" in text(page)
    assert "oops</textarea>" in page


def test_a_lifecycle_policy_is_tested_and_applied(console, sandbox, repository):
    pusher, page = Pusher(sandbox), path(repository, "lifecycle-policy")
    for tag in ("one", "two", "three"):
        pusher.push(repository, [os.urandom(100)], tag)
    assert "No rules." in text(console.get(page))
    tested = text(console.post(f"{page}/test", policy=rules(2)))
    assert "Status: Complete . 1 images would expire." in tested
    assert "aws ecr start-lifecycle-policy-preview" in tested
    assert "No rules." in tested
    assert len(pusher.images(repository)) == 3
    applied = text(console.post(page, action="apply", policy=rules(2)))
    assert "The lifecycle policy was applied." in applied
    assert "Keep some Any - Image count: 2 images Expire" in applied
    sandbox.client().get_lifecycle_policy(repositoryName=repository)
    assert "No rules." in text(console.post(page, action="delete"))


def test_a_rule_is_added_to_the_policy_in_the_editor(console, sandbox, repository):
    page = path(repository, "lifecycle-policy")
    untagged = {"tag_status": "untagged", "criterion": "sinceImagePushed", "count": "14", "rule_action": "expire"}
    first = added(console.post(page, action="add", policy="", rule_description="Old ones", **untagged))
    pulled = {
        "tag_status": "tagged-pattern",
        "rule_tags": "dev-*\ntest-*",
        "criterion": "sinceImagePulled",
        "count": "90",
    }
    both = added(console.post(page, action="add", policy=first, rule_action="transition", **pulled))
    assert "No rules." in text(console.get(page))
    console.post(page, action="apply", policy=both)
    kept = json.loads(sandbox.client().get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"])
    one, two = kept["rules"]
    assert one["selection"] == {
        "tagStatus": "untagged",
        "countType": "sinceImagePushed",
        "countUnit": "days",
        "countNumber": 14,
    }
    assert (one["rulePriority"], one["description"], one["action"]) == (1, "Old ones", {"type": "expire"})
    assert (two["rulePriority"], two["selection"]["tagPatternList"]) == (2, ["dev-*", "test-*"])
    assert two["action"] == {"type": "transition", "targetStorageClass": "archive"}
    assert "The policy in the editor is not valid." in text(console.post(page, 400, action="add", policy="oops"))


def added(page: str) -> str:
    """The policy in the editor."""
    [found] = re.findall(r'<textarea id="policy"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    return html.unescape(found)


def test_a_lifecycle_policy_that_is_not_valid(console, repository):
    page = path(repository, "lifecycle-policy")
    for target in (page, f"{page}/test"):
        shown = console.post(target, 400, action="apply", policy=rules(0))
        assert "InvalidParameterException" in text(shown)
        assert "&#34;countNumber&#34;: 0" in shown


def test_the_settings_of_a_repository(console, sandbox, repository):
    page, ecr = path(repository, "edit"), sandbox.client()
    shown = text(
        console.post(page, mutability="IMMUTABLE", filter=["latest", ""], scan_on_push="1", tags="team=blue\nold=1")
    )
    for operation in ("put-image-tag-mutability", "put-image-scanning-configuration", "tag-resource"):
        assert f"aws ecr {operation}" in shown
    [about] = ecr.describe_repositories(repositoryNames=[repository])["repositories"]
    assert about["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert about["imageScanningConfiguration"] == {"scanOnPush": True}
    page_now = console.get(page)
    assert 'value="latest"' in page_now and "team=blue\nold=1</textarea>" in page_now
    shown = text(console.post(page, mutability="MUTABLE", scan_on_push="1", tags="team=red"))
    assert "put-image-scanning-configuration" not in shown  # it did not change
    tags = ecr.list_tags_for_resource(resourceArn=about["repositoryArn"])["tags"]
    assert tags == [{"Key": "team", "Value": "red"}]
    [about] = ecr.describe_repositories(repositoryNames=[repository])["repositories"]
    assert about["imageTagMutability"] == "MUTABLE"


def test_a_setting_that_is_refused(console, sandbox, person, repository):
    person.may({"Action": ["ecr:DescribeRepositories", "ecr:ListTagsForResource"], "Resource": "*"})
    console.switch(person.arn)
    shown = text(console.post(path(repository, "edit"), 400, mutability="IMMUTABLE"))
    assert "is not authorized to perform: ecr:PutImageTagMutability" in shown
