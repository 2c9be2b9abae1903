"""The last recorded pull time: updated about once a day, and not by excluded principals."""

from unittest.mock import ANY

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.services.ecr.last_pull import is_due
from helpers import settings
from tests.sandbox.api import image, upload
from tests.sandbox.iam.permissions import allow, assume, make_role, policy, trust

DAY = 24 * 60 * 60
PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:GetAuthorizationToken")


@pytest.mark.parametrize(
    ("last", "now", "due"), [(None, 0, True), (9, 8 + DAY, False), (9, 9 + DAY, True), (9, 8, False)]
)
def test_when_a_pull_is_recorded(last, now, due):
    assert is_due(last, now) is due


def last_pull(sandbox, repository):
    [detail] = sandbox.client().describe_images(repositoryName=repository)["imageDetails"]
    return detail.get("lastRecordedPullTime")


@pytest.mark.operation("DescribeImages")
def test_a_pull_is_recorded_and_the_next_one_after_a_day(sandbox, repository, make_image):
    name = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {name} && docker rmi {name}")
    assert last_pull(sandbox, repository) is None
    sandbox.run(f"docker pull {name} && docker rmi {name}")
    first = last_pull(sandbox, repository)
    assert first

    def pull_again():  # docker does not request an image that it still has
        path = f"/v2/{repository}/manifests/v1"
        assert sandbox.http("GET", path, Authorization=sandbox.basic())[0] == 200

    sandbox.forward(DAY - 3600)
    pull_again()
    assert last_pull(sandbox, repository) == first
    sandbox.forward(3601)
    pull_again()
    assert (last_pull(sandbox, repository) - first).total_seconds() >= DAY


@pytest.mark.operation("BatchGetImage")
def test_batch_get_image_records_a_pull_and_describe_images_does_not(sandbox, repository):
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    image(ecr, repository, "app", "v1")
    headers = {"Authorization": sandbox.basic()}
    assert sandbox.http("HEAD", f"/v2/{repository}/manifests/v1", **headers)[0] == 200
    assert last_pull(sandbox, repository) is None
    ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert last_pull(sandbox, repository)


@pytest.mark.operation(
    "RegisterPullTimeUpdateExclusion", "ListPullTimeUpdateExclusions", "DeregisterPullTimeUpdateExclusion"
)
def test_pulls_of_an_excluded_role_are_not_recorded(sandbox, repository):
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    image(ecr, repository, "app", "v1")
    name = f"scanner-{repository}"
    role = make_role(sandbox, name, trust(f"arn:aws:iam::{settings.ACCOUNT}:root"), policy(allow(list(PULL))))
    made = ecr.register_pull_time_update_exclusion(principalArn=role)
    assert (made["principalArn"], made["createdAt"].tzinfo is not None) == (role, True)
    assert role in ecr.list_pull_time_update_exclusions()["pullTimeUpdateExclusions"]
    scanner = sandbox.client(key=assume(sandbox, role))
    parameters = {"repositoryName": repository, "imageIds": [{"imageTag": "v1"}]}
    assert scanner.batch_get_image(**parameters)["images"]
    assert last_pull(sandbox, repository) is None
    assert ecr.deregister_pull_time_update_exclusion(principalArn=role) == {
        "principalArn": role,
        "ResponseMetadata": ANY,
    }
    scanner.batch_get_image(**parameters)
    assert last_pull(sandbox, repository)


@pytest.mark.operation(
    "RegisterPullTimeUpdateExclusion", "ListPullTimeUpdateExclusions", "DeregisterPullTimeUpdateExclusion"
)
def test_invalid_exclusions_are_refused(sandbox):
    ecr = sandbox.client(region="eu-west-1")
    arns = [f"arn:aws:iam::{settings.ACCOUNT}:user/u{number:02}" for number in range(3)]
    for arn in arns:
        ecr.register_pull_time_update_exclusion(principalArn=arn)
    first = ecr.list_pull_time_update_exclusions(maxResults=2)
    rest = ecr.list_pull_time_update_exclusions(maxResults=2, nextToken=first["nextToken"])
    assert [*first["pullTimeUpdateExclusions"], *rest["pullTimeUpdateExclusions"]] == arns
    with pytest.raises(ClientError, match="ExclusionAlreadyExistsException"):
        ecr.register_pull_time_update_exclusion(principalArn=arns[0])
    with pytest.raises(ClientError, match="ExclusionNotFoundException"):
        sandbox.client().deregister_pull_time_update_exclusion(principalArn=arns[0])
    with pytest.raises(ClientError, match="InvalidParameterException"):
        ecr.register_pull_time_update_exclusion(principalArn=f"arn:aws:iam::{settings.ACCOUNT}:group/all")


def test_the_aws_commands_work(sandbox, repository):
    arn = f"--principal-arn arn:aws:iam::{settings.ACCOUNT}:role/{repository}"
    sandbox.run(f"aws ecr register-pull-time-update-exclusion {arn}")
    assert f"role/{repository}" in sandbox.run("aws ecr list-pull-time-update-exclusions")
    sandbox.run(f"aws ecr deregister-pull-time-update-exclusion {arn}")
    assert f"role/{repository}" not in sandbox.run("aws ecr list-pull-time-update-exclusions")
