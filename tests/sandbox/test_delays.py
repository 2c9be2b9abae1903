"""`--as-slow-as-aws` with a real process: IAM, ECS's first use, previews; and the log of IAM's decisions."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.delays import AS_AWS
from tests.sandbox.conftest import Sandbox

POLICY = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1},
            "action": {"type": "expire"},
        }
    ]
}


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    sandbox = Sandbox(folder)
    sandbox.decisions = folder / "decisions.jsonl"
    sandbox.start(["env", "ECR_SANDBOX_AS_SLOW_AS_AWS=1", f"ECR_SANDBOX_DECISIONS={sandbox.decisions}"])
    yield sandbox
    sandbox.stop()


def seconds_until(call) -> float:
    """How long *call* is refused."""
    begun = time.monotonic()
    while time.monotonic() < begun + 60:
        try:
            call()
            return time.monotonic() - begun
        except ClientError:
            time.sleep(0.2)
    raise AssertionError("it is refused for a minute")


def test_a_new_key_and_a_new_policy_are_refused_for_some_seconds(slow):
    iam = slow.client("iam")
    iam.create_user(UserName="new")
    made = iam.create_access_key(UserName="new")["AccessKey"]
    begun, ecr = time.monotonic(), slow.client(key=(made["AccessKeyId"], made["SecretAccessKey"]))
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        ecr.describe_repositories()
    allow = {"Effect": "Allow", "Action": "ecr:DescribeRepositories", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName="new", PolicyName="p", PolicyDocument=document)
    seconds_until(ecr.describe_repositories)
    assert time.monotonic() - begun > AS_AWS.iam_change - 1
    iam.delete_user_policy(UserName="new", PolicyName="p")
    ecr.describe_repositories()  # still allowed


def test_the_first_use_of_ecs_is_refused_once_and_makes_the_service_linked_role(slow):
    ecs = slow.client("ecs")
    with pytest.raises(ClientError, match="Unable to assume the service linked role"):
        ecs.create_cluster(clusterName="one")
    ecs.create_cluster(clusterName="one")
    assert slow.client("iam").get_role(RoleName="AWSServiceRoleForECS")["Role"]["Path"] == (
        "/aws-service-role/ecs.amazonaws.com/"
    )


def test_a_preview_is_in_progress_first(slow):
    ecr = slow.client()
    ecr.create_repository(repositoryName="previewed")
    text = json.dumps(POLICY)
    ecr.start_lifecycle_policy_preview(repositoryName="previewed", lifecyclePolicyText=text)
    assert ecr.get_lifecycle_policy_preview(repositoryName="previewed")["status"] == "IN_PROGRESS"
    ecr.get_waiter("lifecycle_policy_preview_complete").wait(repositoryName="previewed")


def test_every_decision_of_iam_is_in_the_log(slow):
    allow = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    key = slow.make_user({"Version": "2012-10-17", "Statement": [allow]}, "logged")[1]
    ecr = slow.client(key=key)
    seconds_until(ecr.get_authorization_token)
    with pytest.raises(ClientError, match="AccessDenied"):
        ecr.describe_images(repositoryName="xy")
    lines = [json.loads(line) for line in slow.decisions.read_text().splitlines()]
    mine = [each for each in lines if each["principal"].endswith("user/logged")]
    assert {(each["action"], each["resource"], each["allowed"]) for each in mine} == {
        ("ecr:GetAuthorizationToken", "*", True),
        ("ecr:DescribeImages", "arn:aws:ecr:us-east-1:123456789012:repository/xy", False),
    }
    assert slow.decisions.stat().st_mode & 0o077 == 0
