"""Replication: a pushed image is copied to other Regions, and to another account if its policy allows it."""

import json
import signal
import time
from itertools import pairwise

import pytest
from botocore.exceptions import ClientError

from ecr_sandbox.services.ecr.replication.rules import Destination, covers, destinations
from helpers import settings
from tests.sandbox.api import image, index, manifest, put, upload
from tests.sandbox.conftest import PATIENCE, until

HERE, THERE = settings.REGION, "eu-central-1"
ME, OTHER = settings.ACCOUNT, settings.OTHER_ACCOUNT
OTHER_KEY = (settings.OTHER_ACCESS_KEY, settings.OTHER_SECRET_KEY)


# Rules


def rule(*regions, filters=(), account=ME, deletes=None):
    made = {"destinations": [{"region": region, "registryId": account} for region in regions]}
    if filters:
        made["repositoryFilters"] = [{"filter": each, "filterType": "PREFIX_MATCH"} for each in filters]
    if deletes is not None:
        made["deleteReplication"] = {"enabled": deletes}
    return made


@pytest.mark.parametrize(
    ("filters", "repository", "covered"),
    [
        ((), "app", True),
        (("prod",), "prod/app", True),
        (("prod",), "production", True),  # a filter is a prefix of the name, not a folder
        (("prod/",), "production", False),
        (("dev", "prod"), "prod", True),
        (("prod",), "my/prod", False),
    ],
)
def test_a_filter_is_a_prefix_of_the_name(filters, repository, covered):
    assert covers(rule("r", filters=filters), repository) is covered


def test_a_destination_of_several_rules_is_used_once():
    rules = [
        rule("a", "b"),
        rule("b", filters=("app",), deletes=True),
        rule("c", filters=("x",)),
        rule("a", account="2"),
    ]
    assert destinations(rules, "app") == [
        Destination(ME, "a"),
        Destination(ME, "b", deletes=True),
        Destination("2", "a"),
    ]
    assert destinations([], "app") == []


# Copies


@pytest.fixture
def replicate(sandbox):
    """Sets the replication rules and removes them afterwards."""

    def put_rules(*rules):
        return sandbox.client().put_replication_configuration(replicationConfiguration={"rules": list(rules)})

    yield put_rules
    put_rules()


def statuses(ecr, repository, **wanted):
    """The status of each destination of an image, after all copies have ended."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = ecr.describe_image_replication_status(repositoryName=repository, imageId=wanted)
        found = {(each["registryId"], each["region"]): each for each in answer["replicationStatuses"]}
        if all(each["status"] != "IN_PROGRESS" for each in found.values()):
            return found
        time.sleep(0.05)
    raise AssertionError(f"still in progress: {found}")


@pytest.mark.operation("PutReplicationConfiguration", "DescribeImageReplicationStatus")
def test_an_image_that_docker_pushes_can_be_pulled_in_the_other_region(sandbox, repository, replicate, make_image):
    ecr, there = sandbox.client(), sandbox.client(region=THERE)
    replicate(rule(THERE, filters=[repository]))
    name = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {name}")
    assert statuses(ecr, repository, imageTag="v1") == {
        (ME, THERE): {"registryId": ME, "region": THERE, "status": "COMPLETE"}
    }

    [uri] = [
        each["repositoryUri"] for each in there.describe_repositories(repositoryNames=[repository])["repositories"]
    ]
    password = "aws ecr get-login-password --region " + THERE
    sandbox.run(f"{password} | docker login --username AWS --password-stdin {uri.partition('/')[0]}")
    sandbox.run(f"docker rmi {name} && docker pull {uri}:v1 && docker rmi {uri}:v1")
    parameters = {"repositoryName": repository, "imageIds": [{"imageTag": "v1"}]}
    [here_detail], [there_detail] = (each.describe_images(**parameters)["imageDetails"] for each in (ecr, there))
    for what in ("imageDigest", "imageTags", "imageSizeInBytes", "imageManifestMediaType"):
        assert here_detail[what] == there_detail[what]


def test_only_later_pushes_that_match_the_filter_are_replicated(sandbox, repository, replicate):
    ecr, there = sandbox.client(), sandbox.client(region=THERE)
    other = f"other-{repository}"
    ecr.create_repository(repositoryName=other)
    for name in (repository, other):
        upload(ecr, name, b"{}")
    image(ecr, repository, "before", "before")
    replicate(rule(THERE, filters=[repository]))
    image(ecr, other, "other", "v1")
    image(ecr, repository, "after", "after")
    assert statuses(ecr, repository, imageTag="after")[ME, THERE]["status"] == "COMPLETE"
    assert statuses(ecr, repository, imageTag="before") == statuses(ecr, other, imageTag="v1") == {}
    assert [each["imageTag"] for each in there.list_images(repositoryName=repository)["imageIds"]] == ["after"]
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        there.list_images(repositoryName=other)


def test_an_index_is_replicated_with_its_images_and_a_moved_tag_follows(sandbox, repository, replicate):
    ecr, there = sandbox.client(), sandbox.client(region=THERE)
    replicate(rule(THERE, filters=[repository]))
    upload(ecr, repository, b"{}")
    children = [image(ecr, repository, name) for name in "ab"]
    digest = put(ecr, repository, index(*children), "all")
    put(ecr, repository, index(*children), "same")
    for tag in ("all", "same"):
        assert statuses(ecr, repository, imageTag=tag)[ME, THERE]["status"] == "COMPLETE"

    def arrived():
        return there.describe_images(repositoryName=repository, imageIds=[{"imageDigest": digest}])["imageDetails"]

    until(lambda: sorted(arrived()[0]["imageTags"]) == ["all", "same"])
    found = {each["imageDigest"] for each in there.list_images(repositoryName=repository)["imageIds"]}
    assert found == {*children, digest}


@pytest.mark.operation("PutRegistryPolicy")
def test_another_accounts_registry_policy_must_allow_replication(sandbox, repository, replicate):
    ecr, other = sandbox.client(), sandbox.client(key=OTHER_KEY)
    replicate(rule(HERE, filters=[repository], account=OTHER))
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1")
    failed = statuses(ecr, repository, imageTag="v1")[OTHER, HERE]
    assert (failed["status"], failed["failureCode"]) == ("FAILED", "AccessDenied")

    def agree(*actions):
        statement = {
            "Sid": "replication",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ME}:root"},
            "Action": list(actions),
            "Resource": f"arn:aws:ecr:{HERE}:{OTHER}:repository/*",
        }
        other.put_registry_policy(policyText=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    agree("ecr:ReplicateImage")
    image(ecr, repository, "two", "v2")
    assert statuses(ecr, repository, imageTag="v2")[OTHER, HERE]["status"] == "FAILED"  # the repository does not exist
    agree("ecr:ReplicateImage", "ecr:CreateRepository")
    image(ecr, repository, "three", "v3")
    assert statuses(ecr, repository, imageTag="v3")[OTHER, HERE]["status"] == "COMPLETE"
    assert [each["imageTag"] for each in other.list_images(repositoryName=repository)["imageIds"]] == ["v3"]
    other.delete_registry_policy()


@pytest.mark.operation("CreateRepositoryCreationTemplate")
def test_settings_are_not_replicated_and_a_template_in_the_destination_applies(sandbox, repository, replicate):
    ecr, there = sandbox.client(), sandbox.client(region=THERE)
    names = [f"{repository}/plain", f"{repository}/with/template"]
    there.create_repository_creation_template(
        prefix=f"{repository}/with",
        appliedFor=["REPLICATION"],
        imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest"}],
    )
    replicate(rule(THERE, filters=[repository]))
    for name in names:
        ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE", tags=[{"Key": "a", "Value": "b"}])
        upload(ecr, name, b"{}")
        image(ecr, name, name, "v1")
        assert statuses(ecr, name, imageTag="v1")[ME, THERE]["status"] == "COMPLETE"
    found = there.describe_repositories(repositoryNames=names)["repositories"]
    assert [each["imageTagMutability"] for each in found] == ["MUTABLE", "IMMUTABLE_WITH_EXCLUSION"]
    tags = [there.list_tags_for_resource(resourceArn=each["repositoryArn"])["tags"] for each in found]
    assert tags == [[], []]


def test_a_replicated_image_is_not_replicated_again(sandbox, repository, replicate):
    ecr, there, further = (sandbox.client(region=region) for region in (HERE, THERE, "ap-south-1"))
    replicate(rule(THERE, filters=[repository]))
    chain = {"rules": [rule("ap-south-1", filters=[repository])]}
    there.put_replication_configuration(replicationConfiguration=chain)
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1")
    assert statuses(ecr, repository, imageTag="v1")[ME, THERE]["status"] == "COMPLETE"
    assert statuses(there, repository, imageTag="v1") == {}
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        further.list_images(repositoryName=repository)


def test_an_immutable_tag_in_the_destination_is_not_moved(sandbox, repository, replicate):
    ecr, there = sandbox.client(), sandbox.client(region=THERE)
    there.create_repository(repositoryName=repository, imageTagMutability="IMMUTABLE")
    replicate(rule(THERE, filters=[repository]))
    upload(ecr, repository, b"{}")
    digests = []
    for name in ("one", "two"):
        digests.append(image(ecr, repository, name, "v1"))
        assert statuses(ecr, repository, imageTag="v1")[ME, THERE]["status"] == "COMPLETE"
    first, second = digests
    found = there.list_images(repositoryName=repository)["imageIds"]
    assert found == [{"imageDigest": first, "imageTag": "v1"}, {"imageDigest": second}]


@pytest.mark.operation("UpdateImageStorageClass")
def test_a_restored_image_is_replicated_and_restored_in_the_destination(sandbox, repository, replicate):
    ecr, there = sandbox.client(), sandbox.client(region=THERE)
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1")
    parameters = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}

    def back_and_forth():
        ecr.update_image_storage_class(**parameters, targetStorageClass="ARCHIVE")
        ecr.update_image_storage_class(**parameters, targetStorageClass="STANDARD")
        sandbox.forward(20 * 60)

    def status_there():
        ids = [{"imageTag": "v1"}]
        return there.describe_images(repositoryName=repository, imageIds=ids)["imageDetails"][0]["imageStatus"]

    replicate(rule(THERE, filters=[repository]))
    back_and_forth()
    until(lambda: statuses(ecr, repository, imageTag="v1"))
    assert (statuses(ecr, repository, imageTag="v1")[ME, THERE]["status"], status_there()) == ("COMPLETE", "ACTIVE")
    there.update_image_storage_class(**parameters, targetStorageClass="ARCHIVE")
    back_and_forth()
    until(lambda: status_there() == "ACTIVE")


@pytest.mark.operation("PutReplicationConfiguration", "BatchDeleteImage")
def test_deletions_are_replicated_if_the_rule_says_so(sandbox, repository, replicate):
    ecr, there = sandbox.client(), sandbox.client(region=THERE)
    upload(ecr, repository, b"{}")

    def there_are():
        found = there.list_images(repositoryName=repository)["imageIds"]
        return sorted(each.get("imageTag", "-") for each in found)

    replicate(rule(THERE, filters=[repository]))
    image(ecr, repository, "one", "kept")
    put(ecr, repository, manifest(annotations={"name": "two"}), "b")
    put(ecr, repository, manifest(annotations={"name": "two"}), "c")
    assert statuses(ecr, repository, imageTag="kept")  # the first image creates the repository
    until(lambda: there_are() == ["b", "c", "kept"])
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "kept"}])
    replicate(rule(THERE, filters=[repository], deletes=True))
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "b"}])
    until(lambda: there_are() == ["c", "kept"])
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "c"}])
    until(lambda: there_are() == ["kept"])


def test_an_acknowledged_push_is_replicated_after_a_kill(own_sandbox, make_image):
    """The image is copied before the kill or after the restart. None is lost."""
    sandbox = own_sandbox.start()
    sandbox.login()
    ecr = sandbox.client()
    ecr.create_repository(repositoryName="app")
    upload(ecr, "app", b"{}")
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule(THERE)]})
    for number in range(20):
        image(ecr, "app", f"image {number}", f"v{number}")
    sandbox.stop(signal.SIGKILL)
    sandbox.start()
    ecr, there = sandbox.client(), sandbox.client(region=THERE)
    for number in range(20):
        assert statuses(ecr, "app", imageTag=f"v{number}")[ME, THERE]["status"] == "COMPLETE"
    assert len(there.list_images(repositoryName="app")["imageIds"]) == 20
    [detail] = there.batch_get_image(repositoryName="app", imageIds=[{"imageTag": "v7"}])["images"]
    config = json.loads(detail["imageManifest"])["config"]["digest"]
    assert there.get_download_url_for_layer(repositoryName="app", layerDigest=config)["downloadUrl"]


def test_the_source_account_pays_for_replication_to_another_region(sandbox, repository, replicate):
    ecr = sandbox.client()
    layer = b"x" * 1_000_000
    upload(ecr, repository, b"{}")
    upload(ecr, repository, layer)
    replicate(rule(THERE, filters=[repository]))
    put(ecr, repository, manifest(layers=(layer,)), "v1")
    put(ecr, repository, manifest(layers=(layer,), annotations={"a": "b"}), "v2")  # transfers no new layers
    assert statuses(ecr, repository, imageTag="v2")[ME, THERE]["status"] == "COMPLETE"
    [used] = sandbox.client("ce").get_cost_and_usage(
        TimePeriod=sandbox.month(),
        Granularity="MONTHLY",
        Metrics=["UsageQuantity"],
        GroupBy=[{"Type": "DIMENSION", "Key": "USAGE_TYPE"}],
    )["ResultsByTime"]
    sent = {each["Keys"][0]: float(each["Metrics"]["UsageQuantity"]["Amount"]) for each in used["Groups"]}
    assert 1_000_000 <= sent["USE1-EUC1-AWS-Out-Bytes"] * 2**30 < 2_000_000


@pytest.mark.operation("PutReplicationConfiguration", "DescribeRegistry")
def test_rules_are_returned_and_invalid_rules_are_refused(sandbox, replicate):
    ecr = sandbox.client()
    rules = [rule(THERE, filters=["prod"]), rule("us-west-2", account=OTHER, deletes=True)]
    assert replicate(*rules)["replicationConfiguration"] == {"rules": rules}
    described = ecr.describe_registry()
    assert (described["registryId"], described["replicationConfiguration"]) == (ME, {"rules": rules})
    with pytest.raises(ClientError, match="Replication destination cannot be the same as the source registry"):
        replicate(rule(HERE))
    for region in ("mars-north-1", "cn-north-1"):
        with pytest.raises(ClientError, match=f"Invalid region '{region}'"):
            replicate(rule(region))
    regions = (THERE, "us-west-2", "ap-south-1")
    many = [rule(*regions, account=f"{number:012}") for number in range(9)]
    rules = [*many[:8], rule(THERE), rule(THERE, filters=["prod"])]
    replicate(*rules)
    with pytest.raises(ClientError, match="at most 25 unique destinations"):
        replicate(*many)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        replicate(*[rule(THERE)] * 26)
    assert ecr.describe_registry()["replicationConfiguration"] == {"rules": rules}


@pytest.mark.operation("DescribeImageReplicationStatus")
def test_the_status_of_a_missing_image(sandbox, repository):
    ecr = sandbox.client()
    with pytest.raises(ClientError, match="ImageNotFoundException"):
        ecr.describe_image_replication_status(repositoryName=repository, imageId={"imageTag": "v1"})
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        ecr.describe_image_replication_status(repositoryName="none", imageId={"imageTag": "v1"})
    with pytest.raises(ClientError, match="InvalidParameterException"):
        ecr.describe_image_replication_status(repositoryName=repository, imageId={})


# Backfills


def ended(ecr, number):
    """The description of a backfill after it has ended."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = ecr.describe_replication_backfill_results(replicationBackfillId=number)
        if found["status"] in ("COMPLETE", "FAILED", "STOPPED"):
            return found
        assert found.get("results", []) == []
        time.sleep(0.05)
    raise AssertionError(found)


@pytest.mark.operation(
    "StartReplicationBackfill",
    "DescribeReplicationBackfillResults",
    "ListReplicationBackfills",
    "StopReplicationBackfill",
)
def test_a_backfill_copies_images_older_than_the_rule(sandbox, repository, replicate):
    ecr, there = sandbox.client(), sandbox.client(region=THERE)
    upload(ecr, repository, b"{}")
    children = [image(ecr, repository, name, name) for name in "ab"]
    put(ecr, repository, index(*children), "all")
    to = {"region": THERE, "registryId": ME}
    with pytest.raises(ClientError, match="InvalidParameterException"):
        ecr.start_replication_backfill(destination=to)
    replicate(rule(THERE, filters=[repository]))
    started = ecr.start_replication_backfill(destination=to)
    assert (started["status"], started["destination"], started["registryId"]) == ("PREPARING", to, ME)
    done = ended(ecr, started["replicationBackfillId"])
    assert done["status"] == "COMPLETE"
    assert done["progress"] == {
        "totalReplicationCount": 3,
        "completedReplicationCount": 3,
        "failedReplicationCount": 0,
        "failureCodes": [],
    }
    assert {each["imageId"]["imageTag"]: each["status"] for each in done["results"]} == dict.fromkeys(
        ["a", "b", "all"], "COMPLETE"
    )
    assert sorted(each["imageTag"] for each in there.list_images(repositoryName=repository)["imageIds"]) == [
        "a",
        "all",
        "b",
    ]

    about = {"replicationBackfillId": started["replicationBackfillId"]}
    pages = [ecr.describe_replication_backfill_results(**about, maxResults=2)]
    pages.append(ecr.describe_replication_backfill_results(**about, maxResults=2, nextToken=pages[0]["nextToken"]))
    assert [len(page["results"]) for page in pages] == [2, 1]
    assert ecr.describe_replication_backfill_results(**about, resultStatusFilter="FAILED")["results"] == []
    [listed] = [each for each in ecr.list_replication_backfills()["backfills"] if about.items() <= each.items()]
    assert (listed["status"], listed["progress"]) == ("COMPLETE", done["progress"])
    with pytest.raises(ClientError, match="ReplicationBackfillInvalidStatusException"):
        ecr.stop_replication_backfill(**about)
    other = {"replicationBackfillId": "00000000-0000-0000-0000-000000000000"}
    for call in (ecr.stop_replication_backfill, ecr.describe_replication_backfill_results):
        with pytest.raises(ClientError, match="ReplicationBackfillNotFoundException"):
            call(**other)


@pytest.mark.operation("StartReplicationBackfill", "StopReplicationBackfill", "ListReplicationBackfills")
def test_a_backfill_runs_alone_can_be_stopped_and_is_listed_for_90_days(own_sandbox):
    sandbox = own_sandbox.start()
    ecr = sandbox.client()
    regions = ["eu-west-1", "eu-west-2"]
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule(*regions)]})
    ecr.create_repository(repositoryName="app")
    upload(ecr, "app", b"{}")
    for number in range(150):
        image(ecr, "app", str(number), f"v{number}")
    first, second = ({"region": region, "registryId": ME} for region in regions)
    started = ecr.start_replication_backfill(destination=first)
    with pytest.raises(ClientError, match="ReplicationBackfillInProgressException"):
        ecr.start_replication_backfill(destination=first)
    about = {"replicationBackfillId": started["replicationBackfillId"]}
    assert ecr.stop_replication_backfill(**about)["status"] in ("STOPPING", "STOPPED")
    stopped = ended(ecr, started["replicationBackfillId"])
    assert stopped["status"] == "STOPPED"
    assert stopped.get("progress", {"completedReplicationCount": 0})["completedReplicationCount"] < 150
    done = ended(ecr, ecr.start_replication_backfill(destination=second)["replicationBackfillId"])
    assert done["progress"]["completedReplicationCount"] == 150
    times = [each["startedAt"] for each in ecr.list_replication_backfills()["backfills"]]
    assert len(times) == 2
    assert all(newer >= older for newer, older in pairwise(times))
    sandbox.forward(90 * 24 * 3600 + 60)
    assert ecr.list_replication_backfills()["backfills"] == []


@pytest.mark.operation("StartReplicationBackfill")
def test_archived_images_are_not_replicated(sandbox, repository, replicate):
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    image(ecr, repository, "old", "v1")
    ecr.update_image_storage_class(repositoryName=repository, imageId={"imageTag": "v1"}, targetStorageClass="ARCHIVE")
    replicate(rule("eu-west-2", filters=[repository]))
    started = ecr.start_replication_backfill(destination={"region": "eu-west-2", "registryId": ME})
    [result] = ended(ecr, started["replicationBackfillId"])["results"]
    assert (result["status"], result["failureCode"]) == ("FAILED", "ImageArchived")


@pytest.mark.operation("DescribeReplicationBackfillResults")
def test_a_backfill_lists_the_images_it_could_not_copy(sandbox, repository, replicate):
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    put(ecr, repository, index(image(ecr, repository, "child")), "all")
    replicate(rule("us-west-1", filters=[repository], account=OTHER))
    started = ecr.start_replication_backfill(destination={"region": "us-west-1", "registryId": OTHER})
    done = ended(ecr, started["replicationBackfillId"])
    assert done["progress"]["failureCodes"] == ["AccessDenied"]
    assert {each["failureCode"] for each in done["results"]} == {"AccessDenied"}
    [sub] = [each["subImageFailureCodes"] for each in done["results"] if "imageTag" in each["imageId"]]
    assert sub == ["AccessDenied"]


def test_the_aws_commands_work(sandbox, repository, replicate):
    rules = json.dumps({"rules": [rule(THERE, filters=[repository])]})
    sandbox.run(f"aws ecr put-replication-configuration --replication-configuration '{rules}'")
    assert THERE in sandbox.run("aws ecr describe-registry")
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1")
    statuses(ecr, repository, imageTag="v1")
    about = f"--repository-name {repository} --image-id imageTag=v1"
    assert '"COMPLETE"' in sandbox.run(f"aws ecr describe-image-replication-status {about}")
