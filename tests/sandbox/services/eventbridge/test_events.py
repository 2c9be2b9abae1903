"""Events of ECR: in AWS's format, delivered by EventBridge rules, none lost, and no cost without a rule."""

import json
import signal
import time
import uuid

import psutil
import pytest

from ecr_sandbox.registry.events import Cached, Deleted, Inspected, Pushed, Replicated, Scanned, StorageClassChanged
from ecr_sandbox.services.eventbridge.content import content
from ecr_sandbox.services.eventbridge.details import event
from helpers import settings
from tests.sandbox.api import image, upload
from tests.sandbox.conftest import PATIENCE

HERE, ACCOUNT = settings.REGION, settings.ACCOUNT
WHERE = ("123456789012", "us-west-2", "my-repository-name", "sha256:7f5b")
ARN = "arn:aws:ecr:us-west-2:123456789012:repository/my-repository-name"
IMAGE = {"repository-name": "my-repository-name", "image-digest": "sha256:7f5b"}
OCI, CONFIG = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.config.v1+json"


@pytest.mark.parametrize(
    ("change", "kind", "resources", "detail"),
    [
        (
            Pushed(*WHERE, "latest"),
            "ECR Image Action",
            [],
            {"result": "SUCCESS", **IMAGE, "action-type": "PUSH", "image-tag": "latest"},
        ),
        (Pushed(*WHERE, None), "ECR Image Action", [], {"result": "SUCCESS", **IMAGE, "action-type": "PUSH"}),
        (
            Deleted(*WHERE, "latest"),
            "ECR Image Action",
            [],
            {"result": "SUCCESS", **IMAGE, "action-type": "DELETE", "image-tag": "latest"},
        ),
        (
            StorageClassChanged(*WHERE, None, "ARCHIVE", OCI, CONFIG, None, False),
            "ECR Image Action",
            [],
            {
                "action-type": "UPDATE_STORAGE_CLASS",
                "target-storage-class": "ARCHIVE",
                **IMAGE,
                "result": "SUCCESS",
                "manifest-media-type": OCI,
                "artifact-media-type": CONFIG,
            },
        ),
        (
            StorageClassChanged(*WHERE, None, "STANDARD", OCI, "text/sbom+json", 1760123582, True),
            "ECR Referrer Action",
            [],
            {
                "action-type": "UPDATE_STORAGE_CLASS",
                "target-storage-class": "STANDARD",
                **IMAGE,
                "result": "SUCCESS",
                "manifest-media-type": OCI,
                "artifact-media-type": "text/sbom+json",
                "last-activated-at": "2025-10-10T19:13:02.000Z",
            },
        ),
        (
            Replicated(*WHERE, "3.17.2", "123456789012", "eu-west-1", True),
            "ECR Replication Action",
            [ARN],
            {
                "result": "SUCCESS",
                **IMAGE,
                "source-account": "123456789012",
                "action-type": "REPLICATE",
                "source-region": "eu-west-1",
                "image-tag": "3.17.2",
            },
        ),
        (
            Cached(*WHERE, "3.17.2", "docker-hub", "registry-1.docker.io", None),
            "ECR Pull Through Cache Action",
            [ARN],
            {
                "rule-version": "1",
                "sync-status": "SUCCESS",
                "ecr-repository-prefix": "docker-hub",
                **IMAGE,
                "upstream-registry-url": "registry-1.docker.io",
                "image-tag": "3.17.2",
            },
        ),
        (
            Cached(
                *WHERE[:3], "", "3.17.2", "docker-hub", "registry-1.docker.io", ("UpstreamUnavailable", "it is away")
            ),
            "ECR Pull Through Cache Action",
            [ARN],
            {
                "rule-version": "1",
                "sync-status": "FAILED",
                "ecr-repository-prefix": "docker-hub",
                "repository-name": "my-repository-name",
                "upstream-registry-url": "registry-1.docker.io",
                "image-tag": "3.17.2",
                "failure-code": "UpstreamUnavailable",
                "failure-reason": "it is away",
            },
        ),
        (
            Scanned(*WHERE, None, ("v1",), "COMPLETE", {"CRITICAL": 10, "HIGH": 0, "MEDIUM": 9}),
            "ECR Image Scan",
            [ARN],
            {
                "scan-status": "COMPLETE",
                **IMAGE,
                "finding-severity-counts": {"CRITICAL": 10, "MEDIUM": 9},
                "image-tags": ["v1"],
            },
        ),
    ],
)
def test_an_event_has_the_format_of_awss_documentation(change, kind, resources, detail):
    assert event(change, "13cde686", 1573869274.9) == {
        "version": "0",
        "id": "13cde686",
        "detail-type": kind,
        "source": "aws.ecr",
        "account": "123456789012",
        "time": "2019-11-16T01:54:34Z",
        "region": "us-west-2",
        "resources": resources,
        "detail": detail,
    }


def test_an_enhanced_scan_sends_an_event_of_inspector():
    found = event(Inspected(*WHERE, None, ("v1",), "ACTIVE", {"HIGH": 1, "MEDIUM": 6}, True), "961d7f4a", 0)
    assert (found["source"], found["detail-type"], found["resources"]) == ("aws.inspector2", "Inspector2 Scan", [ARN])
    assert found["detail"] == {
        "scan-status": "INITIAL_SCAN_COMPLETE",
        "repository-name": ARN,
        "finding-severity-counts": {"HIGH": 1, "MEDIUM": 6, "TOTAL": 7},
        "image-digest": "sha256:7f5b",
        "image-tags": ["v1"],
    }


PUSH = event(Pushed(*WHERE, "v1"), "1", 0)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ({}, json.dumps(PUSH)),
        ({"Input": '{"a": 1}'}, '{"a": 1}'),
        ({"InputPath": "$.detail.image-tag"}, '"v1"'),
        ({"InputPath": "$.detail"}, json.dumps(PUSH["detail"])),
        ({"InputPath": "$"}, json.dumps(PUSH)),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"tag": "$.detail.image-tag", "all": "$.detail"},
                    "InputTemplate": '{"said": "<tag> is new", "tag": <tag>, "by": "<aws.events.rule-name>", "x": <y>}',
                }
            },
            '{"said": "v1 is new", "tag": "v1", "by": "rule", "x": <y>}',
        ),
    ],
)
def test_a_target_gets_its_configured_input(target, text):
    assert content(target, PUSH, "rule", "arn") == text


class Listener:
    """A queue that EventBridge sends to, with its own rule."""

    def __init__(self, sandbox, pattern, region=HERE, allowed=True, **target):
        self.sqs = sandbox.client("sqs", region=region)
        self.events = sandbox.client("events", region=region)
        self.name = f"test-{uuid.uuid4().hex[:8]}"
        self.queue = self.sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self.arn = f"arn:aws:sqs:{region}:{ACCOUNT}:{self.name}"
        self.rule = self.events.put_rule(Name=self.name, EventPattern=json.dumps(pattern))["RuleArn"]
        self.events.put_targets(Rule=self.name, Targets=[{"Id": "queue", "Arn": self.arn, **target}])
        if allowed:
            self.allow()

    def allow(self):
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.rule}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": policy})

    def texts(self, number):
        """Wait for *number* messages and return all that arrived."""
        found, end = self._received(), time.monotonic() + PATIENCE
        while len(found) < number and time.monotonic() < end:
            time.sleep(0.05)
            found += self._received()
        assert len(found) == number, found
        return found

    def _received(self):
        answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [each["Body"] for each in answer.get("Messages", [])]

    def received(self, number):
        return [json.loads(text) for text in self.texts(number)]


def about(repository):
    return {"source": ["aws.ecr"], "detail": {"repository-name": [repository]}}


def test_a_docker_push_and_a_deletion_send_events_to_a_queue(sandbox, repository, make_image):
    listener = Listener(sandbox, about(repository))
    name = make_image(f"{sandbox.registry}/{repository}:v1")
    sandbox.run(f"docker push {name}")
    [pushed] = listener.received(1)
    [detail] = sandbox.client().describe_images(repositoryName=repository)["imageDetails"]
    assert pushed["detail-type"] == "ECR Image Action"
    assert (pushed["account"], pushed["region"], pushed["resources"]) == (ACCOUNT, HERE, [])
    assert pushed["detail"] == {
        "result": "SUCCESS",
        "repository-name": repository,
        "image-digest": detail["imageDigest"],
        "action-type": "PUSH",
        "image-tag": "v1",
    }
    sandbox.client().batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    [deleted] = listener.received(1)
    assert (deleted["detail"]["action-type"], deleted["detail"]["image-tag"]) == ("DELETE", "v1")
    assert deleted["id"] != pushed["id"]


def test_only_events_that_an_enabled_rule_matches_arrive(sandbox, repository):
    ecr = sandbox.client()
    deletions = {**about(repository), "detail": {"repository-name": [repository], "action-type": ["DELETE"]}}
    all_of_it, only_deletions = Listener(sandbox, about(repository)), Listener(sandbox, deletions)
    disabled = Listener(sandbox, about(repository))
    disabled.events.disable_rule(Name=disabled.name)
    elsewhere = Listener(sandbox, about(repository), region="eu-west-1")
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1")
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": "v1"}])
    assert len(all_of_it.received(2)) == 2
    assert [each["detail"]["action-type"] for each in only_deletions.received(1)] == ["DELETE"]
    assert disabled.received(0) == elsewhere.received(0) == []


def test_a_queue_that_does_not_allow_it_gets_nothing(sandbox, repository):
    ecr = sandbox.client()
    closed, opened = Listener(sandbox, about(repository), allowed=False), Listener(sandbox, about(repository))
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1")
    assert opened.received(1)
    assert closed.received(0) == []
    closed.allow()
    image(ecr, repository, "two", "v2")
    [second] = closed.received(1)
    assert second["detail"]["image-tag"] == "v2"


def test_a_target_can_be_a_log_group_and_transform_its_input(sandbox, repository):
    ecr, logs = sandbox.client(), sandbox.client("logs")
    transformer = {"InputPathsMap": {"tag": "$.detail.image-tag"}, "InputTemplate": '"<tag> was pushed"'}
    listener = Listener(sandbox, about(repository), InputTransformer=transformer)
    group = f"/aws/events/{listener.name}"
    logs.create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:{HERE}:{ACCOUNT}:log-group:{group}"
    listener.events.put_targets(Rule=listener.name, Targets=[{"Id": "log", "Arn": arn}])
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1")
    assert listener.texts(1) == ['"v1 was pushed"']
    [message] = [each["message"] for each in logs.filter_log_events(logGroupName=group)["events"]]
    assert json.loads(message)["detail"]["image-tag"] == "v1"


def test_archiving_and_restoring_send_events(sandbox, repository):
    ecr, listener = sandbox.client(), Listener(sandbox, about(repository))
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1")
    assert listener.received(1)
    parameters = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    ecr.update_image_storage_class(**parameters, targetStorageClass="ARCHIVE")
    [archived] = listener.received(1)
    assert archived["detail"]["target-storage-class"] == "ARCHIVE"
    ecr.update_image_storage_class(**parameters, targetStorageClass="STANDARD")
    assert listener.received(0) == []
    sandbox.forward(20 * 60)
    [restored] = listener.received(1)
    assert restored["detail"]["target-storage-class"] == "STANDARD"
    assert restored["detail"]["last-activated-at"].endswith("Z")


def test_a_complete_scan_on_push_sends_an_event(sandbox, make_image):
    ecr, repository = sandbox.client(), f"test-{uuid.uuid4().hex[:8]}"
    ecr.create_repository(repositoryName=repository, imageScanningConfiguration={"scanOnPush": True})
    pattern = {"detail-type": ["ECR Image Scan"], **about(repository)}
    listener = Listener(sandbox, pattern)
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")
    [scanned] = listener.received(1)
    findings = ecr.describe_image_scan_findings(repositoryName=repository, imageId={"imageTag": "v1"})
    assert scanned["detail"]["scan-status"] == findings["imageScanStatus"]["status"]
    assert scanned["detail"]["image-tags"] == ["v1"]
    assert scanned["resources"] == [f"arn:aws:ecr:{HERE}:{ACCOUNT}:repository/{repository}"]


def test_an_imported_image_sends_an_event_and_is_replicated(sandbox, repository):
    ecr, there, prefix = sandbox.client(), sandbox.client(region="eu-west-1"), f"cache-{repository}"
    there.create_repository(repositoryName=repository)
    upload(there, repository, b"{}")
    digest = image(there, repository, "one", "v1")
    url = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl=url)
    name = f"{prefix}/{repository}"
    rule = {"destinations": [{"region": "eu-west-2", "registryId": ACCOUNT}]}
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})
    listener, copied = Listener(sandbox, about(name)), Listener(sandbox, about(name), region="eu-west-2")
    assert ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "v1"}])["images"]
    [cached] = listener.received(1)
    assert cached["detail-type"] == "ECR Pull Through Cache Action"
    assert (cached["detail"]["image-digest"], cached["detail"]["upstream-registry-url"]) == (digest, url)
    assert copied.received(1)[0]["detail"]["image-digest"] == digest
    assert ecr.batch_get_image(repositoryName=name, imageIds=[{"imageTag": "none"}])["failures"]
    [failed] = listener.received(1)
    assert (failed["detail"]["sync-status"], failed["detail"]["failure-code"]) == ("FAILED", "ImageNotFound")
    ecr.put_replication_configuration(replicationConfiguration={"rules": []})


def test_a_restored_image_is_scanned_like_a_pushed_one(sandbox, make_image):
    ecr, repository = sandbox.client(), f"test-{uuid.uuid4().hex[:8]}"
    ecr.create_repository(repositoryName=repository)
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{repository}:v1')}")
    ecr.put_image_scanning_configuration(repositoryName=repository, imageScanningConfiguration={"scanOnPush": True})
    listener = Listener(sandbox, {"detail-type": ["ECR Image Scan"], **about(repository)})
    parameters = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    ecr.update_image_storage_class(**parameters, targetStorageClass="ARCHIVE")
    ecr.update_image_storage_class(**parameters, targetStorageClass="STANDARD")
    sandbox.forward(20 * 60)
    assert listener.received(1)


def test_replication_sends_an_event_in_the_destination(sandbox, repository):
    ecr, there = sandbox.client(), "eu-central-1"
    rule = {"destinations": [{"region": there, "registryId": ACCOUNT}]}
    listener = Listener(sandbox, about(repository), region=there)
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1")
    [copied] = listener.received(1)
    assert (copied["detail-type"], copied["region"]) == ("ECR Replication Action", there)
    assert (copied["detail"]["result"], copied["detail"]["source-region"]) == ("SUCCESS", HERE)
    ecr.put_replication_configuration(replicationConfiguration={"rules": []})


def test_events_of_acknowledged_pushes_survive_a_kill(own_sandbox):
    sandbox = own_sandbox.start()
    ecr = sandbox.client()
    ecr.create_repository(repositoryName="app")
    upload(ecr, "app", b"{}")
    listener = Listener(sandbox, about("app"))
    for number in range(15):
        image(ecr, "app", f"image {number}", f"v{number}")
    sandbox.stop(signal.SIGKILL)
    sandbox.start()
    received, end = {}, time.monotonic() + PATIENCE
    while len(received) < 15 and time.monotonic() < end:
        found = listener.sqs.receive_message(QueueUrl=listener.queue, MaxNumberOfMessages=10).get("Messages", [])
        received |= {json.loads(each["Body"])["detail"]["image-tag"]: each for each in found}
    assert sorted(received) == sorted(f"v{number}" for number in range(15))


@pytest.mark.usefixtures("program")
def test_a_push_does_not_load_eventbridge(own_sandbox):
    sandbox = own_sandbox.start()
    ecr = sandbox.client()
    ecr.create_repository(repositoryName="app")
    upload(ecr, "app", b"{}")
    image(ecr, "app", "warm", "warm")
    before = psutil.Process(sandbox.process.pid).memory_info().rss
    for number in range(30):
        image(ecr, "app", f"image {number}", f"v{number}")
    assert psutil.Process(sandbox.process.pid).memory_info().rss < before + 4 * 2**20
    Listener(sandbox, about("app"))
    image(ecr, "app", "last", "last")
    # Otherwise the previous check proves nothing.
    assert psutil.Process(sandbox.process.pid).memory_info().rss > before + 4 * 2**20


def test_the_aws_commands_work(sandbox, repository):
    pattern = json.dumps(about(repository))
    sandbox.run(f"aws events put-rule --name pushes-{repository} --event-pattern '{pattern}'")
    group = f"/aws/events/{repository}"
    sandbox.run(f"aws logs create-log-group --log-group-name {group}")
    arn = f"arn:aws:logs:{HERE}:{ACCOUNT}:log-group:{group}"
    sandbox.run(f"aws events put-targets --rule pushes-{repository} --targets Id=1,Arn={arn}")
    ecr = sandbox.client()
    upload(ecr, repository, b"{}")
    image(ecr, repository, "one", "v1")
    end = time.monotonic() + PATIENCE
    while "PUSH" not in (output := sandbox.run(f"aws logs filter-log-events --log-group-name {group}")):
        assert time.monotonic() < end, output
