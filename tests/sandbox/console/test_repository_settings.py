"""A repository's permissions, lifecycle policy and settings."""

import json
import os

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
    assert "Status: Complete . 1 image would expire." in tested
    assert "aws ecr start-lifecycle-policy-preview" in tested
    assert "No rules." in tested
    assert len(pusher.images(repository)) == 3
    applied = text(console.post(page, action="apply", policy=rules(2)))
    assert "The lifecycle policy was applied." in applied
    assert "Keep some Any - Image count: 2 images Expire" in applied
    sandbox.client().get_lifecycle_policy(repositoryName=repository)
    assert "No rules." in text(console.post(page, action="delete"))


RULE = {
    "priority": "1",
    "image_status": "tagPatternList",
    "tags": "v*",
    "criterion": "imageCountMoreThan",
    "number": "10",
    "rule_action": "expire",
}


def test_a_lifecycle_policy_grows_rule_by_rule(console, sandbox, repository):
    page, ecr = path(repository, "lifecycle-policy"), sandbox.client()
    assert "10 images Expire" in text(console.post(page, action="create", description="Keep releases", **RULE))
    archive = {**RULE, "priority": "2", "image_status": "any", "criterion": "sinceImagePulled", "number": "60"}
    console.post(page, action="create", **{**archive, "rule_action": "transition"})
    archived = {**RULE, "priority": "3", "image_status": "any", "criterion": "sinceImageTransitioned", "number": "365"}
    shown = text(console.post(page, action="create", **archived))
    assert "2 - Any - Days since last recorded pull time: 60 days Archive" in shown
    first, second, third = kept(ecr, repository)
    assert first["description"] == "Keep releases"
    assert first["selection"]["tagPatternList"] == ["v*"] and first["action"] == {"type": "expire"}
    assert second["action"] == {"type": "transition", "targetStorageClass": "archive"}
    assert third["selection"]["storageClass"] == "archive" and third["selection"]["countUnit"] == "days"
    for number in ("1", "2"):
        console.post(page, action="remove", rule=number)
    assert kept(ecr, repository) == [third]
    assert "No rules." in text(console.post(page, action="remove", rule="3"))


def kept(ecr, repository: str) -> list[dict]:
    return json.loads(ecr.get_lifecycle_policy(repositoryName=repository)["lifecyclePolicyText"])["rules"]


def test_a_rule_that_ecr_refuses_stays_in_the_form(console, repository):
    page = path(repository, "lifecycle-policy")
    shown = console.post(page, 400, action="create", **{**RULE, "number": "many"})
    assert "InvalidParameterException" in text(shown) and 'value="many"' in shown
    assert "No rules." in text(shown)


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
