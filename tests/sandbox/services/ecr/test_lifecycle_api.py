"""Lifecycle policies through the API: put, previewed, and applied on schedule; in one sandbox for all tests."""

import calendar
import json
import signal
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.api import image, index, put, upload
from tests.sandbox.conftest import until

DAY = 24 * 60 * 60
EXPIRE, ARCHIVE = {"type": "expire"}, {"type": "transition", "targetStorageClass": "archive"}


def rule(priority=1, action=EXPIRE, **selection):
    return {
        "rulePriority": priority,
        "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 1, **selection},
        "action": action,
    }


def days(number, kind="sinceImagePushed", **more):
    return {"countType": kind, "countUnit": "days", "countNumber": number, **more}


def policy(*rules):
    return json.dumps({"rules": rules}, indent=1)  # ECR requires at least 100 characters


def refused(call, **parameters):
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


@pytest.fixture
def ecr(sandbox, repository):
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    return ecr


def here(ecr, repository):
    """Digests of the images in the repository."""
    return {
        each["imageDigest"]
        for each in ecr.describe_images(repositoryName=repository, filter={"imageStatus": "ANY"})["imageDetails"]
    }


def previewed(ecr, repository, **more):
    """The preview after it is complete."""

    def complete():
        answer = ecr.get_lifecycle_policy_preview(repositoryName=repository, **more)
        assert answer["status"] in ("IN_PROGRESS", "COMPLETE")
        return answer if answer["status"] == "COMPLETE" else None

    return until(complete)


def evaluated(ecr, repository, since):
    """Wait until the policy is evaluated after the Unix time *since*."""
    ask = {"repositoryName": repository}
    until(lambda: ecr.get_lifecycle_policy(**ask)["lastEvaluatedAt"].timestamp() >= int(since))


# --- the policy -------------------------------------------------------------------------------------------------------


@pytest.mark.operation("PutLifecyclePolicy", "GetLifecyclePolicy", "DeleteLifecyclePolicy")
def test_a_policy_is_put_returned_and_deleted(ecr, repository):
    """The text as in AWS CLI's example: awscli/examples/ecr/put-lifecycle-policy.rst in https://github.com/aws/aws-cli"""
    ask, given = {"repositoryName": repository}, policy({"description": "Löschen", **rule()})
    text = (
        '{"rules":[{"description":"Löschen","rulePriority":1,"selection":{"tagStatus":"untagged",'
        '"countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}'
    )
    for call in (ecr.get_lifecycle_policy, ecr.delete_lifecycle_policy):
        assert refused(call, **ask)[0] == "LifecyclePolicyNotFoundException"
    assert ecr.put_lifecycle_policy(**ask, lifecyclePolicyText=given)["lifecyclePolicyText"] == text
    for call in (ecr.get_lifecycle_policy, ecr.delete_lifecycle_policy):
        answer = call(**ask)
        assert answer["lifecyclePolicyText"] == text
        assert answer["lastEvaluatedAt"].timestamp() == 0  # as on AWS
    assert refused(ecr.get_lifecycle_policy, **ask)[0] == "LifecyclePolicyNotFoundException"


@pytest.mark.operation("PutLifecyclePolicy", "StartLifecyclePolicyPreview")
def test_an_invalid_policy_is_refused_by_put_and_by_preview(ecr, repository):
    text = policy(rule(1), rule(2))
    for call in (ecr.put_lifecycle_policy, ecr.start_lifecycle_policy_preview):
        assert refused(call, repositoryName=repository, lifecyclePolicyText=text) == (
            "InvalidParameterException",
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation "
            "failure: Only one rule can select Untagged images per storage class.'",
        )
    assert refused(ecr.get_lifecycle_policy, repositoryName=repository)[0] == "LifecyclePolicyNotFoundException"


@pytest.mark.operation("PutLifecyclePolicy")
@pytest.mark.parametrize("text", ["[" * 20_000, '{"rules": [' + "[" * 20_000, "x" * 100])
def test_a_lifecycle_policy_must_be_json(ecr, repository, text):
    code, _ = refused(ecr.put_lifecycle_policy, repositoryName=repository, lifecyclePolicyText=text)
    assert code == "InvalidParameterException"


@pytest.mark.operation("PutLifecyclePolicy")
def test_the_terminal_prints_ecrs_error(sandbox, repository):
    output = sandbox.refused(
        f"aws ecr put-lifecycle-policy --repository-name {repository} --lifecycle-policy-text "
        f"'{policy(rule(tagStatus='tagged'))}'"
    )
    assert output.strip().endswith(
        "An error occurred (InvalidParameterException) when calling the PutLifecyclePolicy operation: Invalid "
        "parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: "
        "Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED.'"
    )


# --- previews ---------------------------------------------------------------------------------------------------------


@pytest.mark.operation("StartLifecyclePolicyPreview", "GetLifecyclePolicyPreview")
def test_a_preview_shows_what_would_expire_and_changes_nothing(sandbox, ecr, repository):
    first, second = image(ecr, repository, "first", "v"), image(ecr, repository, "second", "v")
    third = image(ecr, repository, "third", "v")
    text = policy(rule())
    started = ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=text)
    assert (started["status"], started["lifecyclePolicyText"]) == ("IN_PROGRESS", text)
    answer = previewed(ecr, repository)
    [gone] = answer["previewResults"]
    assert (gone["imageDigest"], gone["appliedRulePriority"], gone["storageClass"]) == (first, 1, "STANDARD")
    assert gone["action"] == {"type": "EXPIRE"}
    assert gone["imagePushedAt"].timestamp() == pytest.approx(sandbox.now(), abs=120)
    assert "imageTags" not in gone
    assert answer["summary"] == {"expiringImageTotalCount": 1}
    assert (answer["lifecyclePolicyText"], answer["repositoryName"]) == (text, repository)
    assert here(ecr, repository) == {first, second, third}


@pytest.mark.operation("StartLifecyclePolicyPreview", "GetLifecyclePolicyPreview")
def test_a_preview_of_what_would_be_archived(ecr, repository):
    one, two = image(ecr, repository, "one", "v1"), image(ecr, repository, "two", "v2")
    text = policy(rule(7, ARCHIVE, tagStatus="any"))
    ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=text)
    answer = previewed(ecr, repository)
    [moved] = answer["previewResults"]
    assert (moved["imageDigest"], moved["imageTags"], moved["appliedRulePriority"]) == (one, ["v1"], 7)
    assert moved["action"] == {"type": "TRANSITION", "targetStorageClass": "ARCHIVE"}
    assert answer["summary"] == {
        "expiringImageTotalCount": 0,
        "transitioningImageTotalCounts": [{"targetStorageClass": "ARCHIVE", "imageTotalCount": 1}],
    }
    assert two


@pytest.mark.operation("StartLifecyclePolicyPreview", "GetLifecyclePolicyPreview")
def test_without_a_text_the_repositorys_policy_is_previewed(ecr, repository):
    ask = {"repositoryName": repository}
    assert refused(ecr.start_lifecycle_policy_preview, **ask)[0] == "LifecyclePolicyNotFoundException"
    assert refused(ecr.get_lifecycle_policy_preview, **ask) == (
        "LifecyclePolicyPreviewNotFoundException",
        f"Lifecycle policy preview does not exist for the repository with name '{repository}' in the registry with id "
        "'123456789012'",
    )
    ecr.put_lifecycle_policy(**ask, lifecyclePolicyText=policy(rule()))
    ecr.start_lifecycle_policy_preview(**ask)
    assert previewed(ecr, repository)["summary"] == {"expiringImageTotalCount": 0}


@pytest.mark.operation("GetLifecyclePolicyPreview")
def test_a_preview_is_paged_and_filtered(ecr, repository):
    digests = [image(ecr, repository, f"{n}", f"v{n}" if n % 2 else None) for n in range(7)]
    text = policy(rule(tagStatus="any", countNumber=1))
    ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=text)
    previewed(ecr, repository)
    pages = ecr.get_paginator("get_lifecycle_policy_preview").paginate(
        repositoryName=repository, PaginationConfig={"PageSize": 4}
    )
    pages = [[each["imageDigest"] for each in page["previewResults"]] for page in pages]
    assert pages == [digests[:4], digests[4:6]]  # oldest first, and the newest is kept

    def found(**more):
        answer = ecr.get_lifecycle_policy_preview(repositoryName=repository, **more)
        assert answer["summary"] == {"expiringImageTotalCount": 6}  # of all images, whatever the filter
        return [each["imageDigest"] for each in answer["previewResults"]]

    assert found(filter={"tagStatus": "TAGGED"}) == digests[1:6:2]
    assert found(filter={"tagStatus": "UNTAGGED"}) == digests[0:6:2]
    assert found(filter={"tagStatus": "ANY"}) == digests[:6]
    assert found(imageIds=[{"imageTag": "v3"}, {"imageDigest": digests[6]}]) == [digests[3]]
    assert found(imageIds=[{"imageTag": "v3", "imageDigest": digests[1]}]) == []
    ids = [{"imageTag": "v3"}]
    code, message = refused(ecr.get_lifecycle_policy_preview, repositoryName=repository, imageIds=ids, maxResults=1)
    assert (code, "maxResults" in message) == ("InvalidParameterException", True)


@pytest.mark.operation("StartLifecyclePolicyPreview")
def test_the_documented_commands_at_a_terminal(sandbox, ecr, repository, tmp_path):
    for name in ("one", "two", "three"):
        image(ecr, repository, name, "latest")
    (tmp_path / "policy.json").write_text(policy(rule()))
    about = f"--repository-name {repository}"
    started = sandbox.run(
        f"aws ecr start-lifecycle-policy-preview {about} --lifecycle-policy-text file://{tmp_path}/policy.json"
        f" && aws ecr wait lifecycle-policy-preview-complete {about}"
        f" && aws ecr get-lifecycle-policy-preview {about} --query summary.expiringImageTotalCount"
    )
    assert started.strip().endswith("}\n1")
    done = sandbox.run(f"aws ecr put-lifecycle-policy {about} --lifecycle-policy-text file://{tmp_path}/policy.json")
    assert json.loads(done)["repositoryName"] == repository


# --- scheduled runs ---------------------------------------------------------------------------------------------------


@pytest.mark.operation("PutLifecyclePolicy")
def test_images_expire_within_a_day_as_previewed(sandbox, ecr, repository):
    for name in ("first", "second", "third", "now"):
        image(ecr, repository, name, "latest")
    everything = here(ecr, repository)
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=policy(rule(countNumber=2)))
    ecr.start_lifecycle_policy_preview(repositoryName=repository)
    would = {each["imageDigest"] for each in previewed(ecr, repository)["previewResults"]}
    assert len(would) == 1
    assert here(ecr, repository) == everything
    evaluated(ecr, repository, sandbox.forward(1.01 * DAY))
    assert here(ecr, repository) == everything - would


@pytest.mark.operation("PutLifecyclePolicy")
def test_images_expire_by_age(sandbox, ecr, repository):
    old = image(ecr, repository, "old", "latest")
    image(ecr, repository, "new", "latest")
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=policy(rule(**days(7))))
    evaluated(ecr, repository, sandbox.forward(6.5 * DAY))
    assert old in here(ecr, repository)
    evaluated(ecr, repository, sandbox.forward(1 * DAY))
    assert old not in here(ecr, repository)
    assert len(here(ecr, repository)) == 1


@pytest.mark.operation("PutLifecyclePolicy")
def test_an_index_expires_before_its_images(sandbox, ecr, repository):
    child = image(ecr, repository, "amd64")
    put(ecr, repository, index(child), "latest")
    kept = image(ecr, repository, "new", "latest")
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=policy(rule(**days(1))))
    ecr.start_lifecycle_policy_preview(repositoryName=repository)
    previewed(ecr, repository)
    sandbox.forward(3 * DAY)  # time for two runs
    until(lambda: here(ecr, repository) == {kept})


@pytest.mark.operation("PutLifecyclePolicy")
def test_images_without_pulls_are_archived_and_then_expire(sandbox, ecr, repository):
    used, unused = image(ecr, repository, "used", "used"), image(ecr, repository, "unused", "unused")
    text = policy(
        rule(1, ARCHIVE, tagStatus="any", **days(30, "sinceImagePulled")),
        rule(2, tagStatus="any", **days(90, "sinceImageTransitioned", storageClass="archive")),
    )
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=text)

    def status(name):
        [found] = ecr.describe_images(repositoryName=repository, imageIds=[{"imageTag": name}])["imageDetails"]
        return found["imageStatus"]

    sandbox.forward(29 * DAY)
    sandbox.http("GET", f"/v2/{repository}/manifests/used", Authorization=sandbox.basic())
    evaluated(ecr, repository, sandbox.forward(2 * DAY))
    until(lambda: status("unused") == "ARCHIVED")
    assert status("used") == "ACTIVE"
    sandbox.forward(92 * DAY)
    until(lambda: unused not in here(ecr, repository))
    assert used in here(ecr, repository)


@pytest.mark.operation("DeleteLifecyclePolicy")
def test_a_deleted_policy_expires_nothing(sandbox, ecr, repository):
    for name in ("one", "two", "three"):
        image(ecr, repository, name, "latest")
    everything = here(ecr, repository)
    ecr.put_lifecycle_policy(repositoryName=repository, lifecyclePolicyText=policy(rule()))
    ecr.delete_lifecycle_policy(repositoryName=repository)
    other = f"{repository}-2"  # its policy is applied after the deleted one would be
    ecr.create_repository(repositoryName=other)
    ecr.put_lifecycle_policy(repositoryName=other, lifecyclePolicyText=policy(rule()))
    evaluated(ecr, other, sandbox.forward(2 * DAY))
    assert here(ecr, repository) == everything


@pytest.mark.operation("StartLifecyclePolicyPreview")
def test_a_recreated_repository_has_no_old_preview(ecr, repository):
    ecr.start_lifecycle_policy_preview(repositoryName=repository, lifecyclePolicyText=policy(rule()))
    previewed(ecr, repository)
    ecr.delete_repository(repositoryName=repository, force=True)
    ecr.create_repository(repositoryName=repository)
    code, _ = refused(ecr.get_lifecycle_policy_preview, repositoryName=repository)
    assert code == "LifecyclePolicyPreviewNotFoundException"


@pytest.mark.operation("PutLifecyclePolicy")
def test_expired_images_are_no_longer_billed(sandbox, ecr):
    name, size = "billed", 1_000_000
    ecr.create_repository(repositoryName=name, tags=[{"Key": "made-by", "Value": "lifecycle-test"}])
    upload(ecr, name, b"{}")
    for content in (b"old" * size, b"new" * size):
        upload(ecr, name, content)
        image(ecr, name, content[:3].decode(), "latest", layers=(content,))
    ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=policy(rule(**days(4))))

    def the_day_before(later):
        """Move the clock *later* days ahead. The bytes stored on the last whole day before, by Cost Explorer."""
        now = sandbox.forward(later * DAY)
        today, before = (datetime.fromtimestamp(at, UTC).date() for at in (now, now - DAY))
        [day] = sandbox.client("ce").get_cost_and_usage(
            TimePeriod={"Start": str(before), "End": str(today)},
            Granularity="DAILY",
            Metrics=["UsageQuantity"],
            Filter={"Tags": {"Key": "made-by", "Values": ["lifecycle-test"]}},
        )["ResultsByTime"]
        gb_months = float(day["Total"]["UsageQuantity"]["Amount"])
        return round(gb_months * 2**30 * calendar.monthrange(before.year, before.month)[1])

    # The last whole day can have ended nearly a day ago. After 2.1 days it began after the change it has to show.
    assert the_day_before(2.1) == pytest.approx(6 * size, rel=0.01)
    evaluated(ecr, name, sandbox.forward(2.1 * DAY))
    assert the_day_before(2.1) == pytest.approx(3 * size, rel=0.01)


@pytest.mark.operation("PutLifecyclePolicy")
def test_a_policy_survives_a_kill_and_is_applied(own_sandbox):
    own_sandbox.start()
    ecr, name = own_sandbox.client(), "killed"
    ecr.create_repository(repositoryName=name)
    upload(ecr, name, b"{}")
    image(ecr, name, "old", "latest")
    new = image(ecr, name, "new", "latest")
    ecr.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=policy(rule(**days(1))))
    ecr.start_lifecycle_policy_preview(repositoryName=name)
    own_sandbox.stop(signal.SIGKILL)
    own_sandbox.start()
    ecr = own_sandbox.client()
    assert previewed(ecr, name)["status"] == "COMPLETE"
    own_sandbox.forward(1.5 * DAY)
    own_sandbox.stop(signal.SIGKILL)  # perhaps during the run
    own_sandbox.start()
    ecr = own_sandbox.client()
    until(lambda: here(ecr, name) == {new})
