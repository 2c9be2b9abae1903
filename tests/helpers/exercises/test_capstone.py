"""The points of notebook 15: every correct way counts, and a hint says what is missing without the answer."""

import json
import re
from datetime import UTC, datetime

import pytest

import ecr_sandbox
from helpers import lab as labs
from helpers import settings, tiny_image
from helpers.exercises import capstone, checks, evidence, lookup, permissions
from tests.sandbox import rootfs

MINE = "demo-mine"


@pytest.fixture
def lab(plain, capsys, monkeypatch):
    """A connected lab without an engine, with what a learner entered."""
    monkeypatch.setattr(capstone, "_entry", capstone.Entry(MINE, "1.0.0", "demo-pusher", "demo-puller"))
    capsys.readouterr()
    return plain


@pytest.fixture
def empty_lab(monkeypatch):
    """A lab without clients, for points whose facts the test provides."""
    place = labs.Lab("sandbox", settings.ACCOUNT, settings.REGION, "localhost:1", "http://localhost:1", "")
    monkeypatch.setattr(labs, "_current", place)
    monkeypatch.setattr(capstone, "_entry", capstone.Entry(MINE, "1.0.0", "demo-pusher", "demo-puller"))


@pytest.fixture
def released(lab):
    """The same, with the repository and in it the release, 1.0.0."""
    lab.client().create_repository(repositoryName=MINE, tags=[settings.TAG], imageTagMutability="IMMUTABLE")
    tiny_image.put(lab, MINE, "1.0.0")
    return lab


def verdict(number: str) -> str:
    return checks.verdict(number)[1]


def test_no_point_is_met_before_the_names_are_entered(empty_lab, monkeypatch):
    monkeypatch.setattr(capstone, "_entry", capstone.Entry(MINE, "", "demo-pusher", "demo-puller"))
    for number in capstone.POINTS:
        assert verdict(number).startswith(f"✗ {number} not all four names are entered")


def test_no_point_is_met_in_an_empty_account(lab):
    lines = [verdict(number) for number in capstone.POINTS]
    assert [line[0] for line in lines] == ["✗"] * 8
    assert all("Hint: notebook" in line for line in lines)


def test_hints_contain_no_command_and_no_setting():
    source = (settings.PROJECT / "helpers" / "exercises" / "capstone.py").read_text()
    source += (settings.PROJECT / "helpers" / "exercises" / "evidence.py").read_text()
    hints = re.findall(r'NotYet\([^"]*f?"[^"]*"(?:\s*if [^,]*)?, "([^"]*)"\)', source)
    assert len(hints) > 20
    given_away = re.compile(r"aws |docker |boto3|[a-z]_[a-z]|--|[a-z]-[a-z]+-[a-z]|[A-Z]{4,}")
    assert [hint for hint in hints if given_away.search(hint)] == []


def test_the_release_tag_must_be_immutable_in_the_learners_repository(lab):
    ecr = lab.client()
    arn = ecr.create_repository(repositoryName=MINE)["repository"]["repositoryArn"]
    for mode, patterns, expected in [
        ("MUTABLE", [], "✗ 15.1 the tag 1.0.0 could be overwritten: MUTABLE"),
        ("MUTABLE_WITH_EXCLUSION", ["v*"], "✗ 15.1 the tag 1.0.0 could be overwritten"),
        ("IMMUTABLE_WITH_EXCLUSION", ["1.*"], "✗ 15.1 the tag 1.0.0 could be overwritten"),
        ("IMMUTABLE_WITH_EXCLUSION", ["latest"], "✗ 15.1 demo-mine lacks the tag"),
        ("MUTABLE_WITH_EXCLUSION", ["1.*"], "✗ 15.1 demo-mine lacks the tag"),
        ("IMMUTABLE", [], "✗ 15.1 demo-mine lacks the tag"),
    ]:
        more = {"imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": p} for p in patterns]}
        ecr.put_image_tag_mutability(repositoryName=MINE, imageTagMutability=mode, **(more if patterns else {}))
        assert verdict("15.1").startswith(expected), (mode, patterns)
    ecr.tag_resource(resourceArn=arn, tags=[settings.TAG])
    assert verdict("15.1") == "✔ 15.1 demo-mine is IMMUTABLE, and has the tag made-by=learn-amazon-ecr"
    capstone.enter(settings.REPOSITORY, "1.0.0", "demo-pusher", "demo-puller")
    assert verdict("15.1").startswith("✗ 15.1 demo-app-repo is the course's repository")


def test_the_pusher_can_be_a_role(released):
    iam = released.client("iam")
    assert verdict("15.2").startswith("✗ 15.2 there is no user or role demo-pusher yet")
    iam.create_role(RoleName="demo-pusher", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    assert verdict("15.2").startswith("✗ 15.2 demo-pusher may not even log in")
    arn = f"arn:aws:ecr:{released.region}:{released.account}:repository/{MINE}"
    for actions, expected in [
        (sorted(permissions.PUSH - {"ecr:PutImage"}), "✗ 15.2 demo-pusher may not do all that is needed"),
        (
            [*permissions.PUSH, "ecr:BatchDeleteImage"],
            "✗ 15.2 demo-pusher may also do ecr:BatchDeleteImage on demo-mine",
        ),
        (sorted(permissions.PUSH), "✔ 15.2 demo-pusher may GetAuthorizationToken, BatchCheckLayerAvailability"),
    ]:
        allow(iam, "demo-pusher", arn, actions)
        assert verdict("15.2").startswith(expected)


def test_the_execution_role_trusts_ecs_and_allows_only_pulls(released):
    iam = released.client("iam")
    assert verdict("15.6").startswith("✗ 15.6 there is no role demo-puller yet")
    iam.create_role(RoleName="demo-puller", AssumeRolePolicyDocument=trust("ec2.amazonaws.com"))
    assert verdict("15.6").startswith("✗ 15.6 ECS may not assume demo-puller")
    iam.update_assume_role_policy(RoleName="demo-puller", PolicyDocument=trust("ecs-tasks.amazonaws.com"))
    managed = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    iam.attach_role_policy(RoleName="demo-puller", PolicyArn=managed)
    assert verdict("15.6").startswith("✔ 15.6 demo-puller may GetAuthorizationToken, BatchGetImage")
    allow(iam, "demo-puller", "*", ["ecr:PutImage"])
    assert verdict("15.6").startswith("✗ 15.6 demo-puller may also do ecr:PutImage")


def test_the_release_does_not_run_as_root_and_is_not_called_latest(released):
    assert verdict("15.3").startswith("✗ 15.3 1.0.0 runs as root")
    capstone.enter(MINE, "2.0.0", "demo-pusher", "demo-puller")
    assert verdict("15.3").startswith("✗ 15.3 2.0.0 is not in demo-mine yet")
    capstone.enter(MINE, "latest", "demo-pusher", "demo-puller")
    assert verdict("15.3").startswith("✗ 15.3 latest does not say")


def test_the_image_of_the_course_is_not_accepted(released):
    released.client().create_repository(repositoryName=settings.REPOSITORY)
    tiny_image.put(released, settings.REPOSITORY, "v1")
    assert verdict("15.3").startswith("✗ 15.3 1.0.0 is the image of demo-app-repo")


SEVERE = {"severity": "HIGH", "name": "CVE-1", "description": "A flaw. Fixed in 2.0."}
NO_FIX = {**SEVERE, "description": "A flaw. No fixed version is known here."}
ON_AWS = {**SEVERE, "description": "A flaw."}  # a basic finding of AWS says nothing of a fix


def enhanced(fix: str, version: str) -> dict:
    package = {"name": "demo", "version": "1", "fixedInVersion": version}
    details = {"vulnerabilityId": "CVE-2", "vulnerablePackages": [package]}
    return {"severity": "CRITICAL", "fixAvailable": fix, "packageVulnerabilityDetails": details}


@pytest.mark.parametrize(
    ("status", "kind", "finding", "expected"),
    [
        ("IN_PROGRESS", "findings", None, "✗ 15.4 the scan of 1.0.0 is IN_PROGRESS"),
        ("UNSUPPORTED_IMAGE", "findings", None, "✗ 15.4 the scan of 1.0.0 is UNSUPPORTED_IMAGE"),
        ("COMPLETE", "findings", SEVERE, "✗ 15.4 1 severe findings with a fix, one of them CVE-1"),
        ("COMPLETE", "findings", NO_FIX, "✔ 15.4 the scan of sha256:0 is COMPLETE: 1 HIGH"),
        ("COMPLETE", "findings", ON_AWS, "✔ 15.4 the scan of sha256:0 is COMPLETE: 1 HIGH"),
        ("COMPLETE", "findings", {**ON_AWS, "name": rootfs.CVE}, "✗ 15.4 1 severe findings with a fix"),
        ("COMPLETE", "findings", {**SEVERE, "severity": "MEDIUM"}, "✔ 15.4 the scan of sha256:"),
        ("ACTIVE", "enhancedFindings", enhanced("YES", "2"), "✗ 15.4 1 severe findings with a fix, one of them CVE-2"),
        ("ACTIVE", "enhancedFindings", enhanced("NO", "NotAvailable"), "✔ 15.4 the scan of sha256:"),
        ("ACTIVE", "enhancedFindings", enhanced("PARTIAL", "2"), "✗ 15.4 1 severe findings with a fix"),
        ("ACTIVE", "enhancedFindings", enhanced("PARTIAL", "NotAvailable"), "✔ 15.4 the scan of sha256:"),
    ],
)
def test_a_complete_scan_without_severe_fixable_findings_is_accepted(
    empty_lab, monkeypatch, status, kind, finding, expected
):
    scan = {"imageScanStatus": {"status": status}, "imageScanFindings": {kind: [finding] if finding else []}}
    monkeypatch.setattr(evidence, "released", lambda *_: {"imageDigest": "sha256:0"})
    monkeypatch.setattr(evidence, "scan", lambda *_: scan)
    assert verdict("15.4").startswith(expected)


def test_an_image_that_was_never_scanned_is_not_accepted(released):
    assert verdict("15.4").startswith("✗ 15.4 1.0.0 was not scanned")


def test_an_index_is_not_scanned(released):
    manifest = lookup.image_manifest(released, MINE, "1.0.0")
    listed = {
        "mediaType": tiny_image.MANIFEST,
        "digest": lookup.image(released, MINE, "1.0.0")["imageDigest"],
        "size": 1,
    }
    found = released.client().batch_get_image(repositoryName=MINE, imageIds=[{"imageTag": "1.0.0"}])["images"][0]
    listed |= {"size": len(found["imageManifest"]), "platform": {"os": "linux", "architecture": "amd64"}}
    index = json.dumps({"schemaVersion": 2, "mediaType": tiny_image.INDEX, "manifests": [listed]})
    released.client().put_image(
        repositoryName=MINE, imageManifest=index, imageManifestMediaType=tiny_image.INDEX, imageTag="2.0.0"
    )
    capstone.enter(MINE, "2.0.0", "demo-pusher", "demo-puller")
    assert lookup.image_manifest(released, MINE, "2.0.0") == manifest
    assert verdict("15.4").startswith("✗ 15.4 2.0.0 is an index, which ECR does not scan")


def rule(priority: int = 1, **selection) -> dict:
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


DAYS = {"countType": "sinceImagePushed", "countUnit": "days"}
UNTAGGED = rule(tagStatus="untagged", **DAYS, countNumber=14)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([UNTAGGED], "✔ 15.5 of 100 images without a tag the rules would expire 97 in a year, and never 1.0.0"),
        ([rule(tagStatus="untagged", countType="imageCountMoreThan", countNumber=3)], "✔ 15.5 of 100 images without"),
        ([rule(tagStatus="untagged", **DAYS, countNumber=300)], "✗ 15.5 of 100 images without a tag it would expire 1"),
        ([rule(tagStatus="any", **DAYS, countNumber=300)], "✗ 15.5 rule 1 would take 1.0.0 within a year"),
        ([rule(tagStatus="any", countType="imageCountMoreThan", countNumber=5)], "✗ 15.5 rule 1 would take 1.0.0"),
        (
            [UNTAGGED, rule(2, tagStatus="tagged", tagPatternList=["1.*"], **DAYS, countNumber=90)],
            "✗ 15.5 rule 2 would take 1.0.0 within a year",
        ),
        (
            [
                UNTAGGED,
                rule(2, tagStatus="tagged", tagPatternList=["*"], countType="imageCountMoreThan", countNumber=9),
            ],
            "✔ 15.5 of 100 images without a tag the rules would expire 97 in a year",
        ),
    ],
)
def test_lifecycle_rules_must_expire_old_images_and_keep_the_release(empty_lab, monkeypatch, rules, expected):
    now = datetime(2026, 11, 25, tzinfo=UTC).timestamp()
    images = [ecr_sandbox.LifecycleImage("sha256:release", ("1.0.0",), now)]
    monkeypatch.setattr(evidence, "released", lambda *_: {"imageDigest": "sha256:release"})
    monkeypatch.setattr(
        evidence, "lifecycle_rules", lambda *_: ecr_sandbox.parse_lifecycle_policy(json.dumps({"rules": rules}))
    )
    monkeypatch.setattr(evidence, "lifecycle_images", lambda *_: (images, now))
    assert verdict("15.5").startswith(expected)


def test_the_check_uses_the_rules_and_images_of_the_repository(released):
    assert verdict("15.5").startswith("✗ 15.5 demo-mine has no lifecycle policy yet")
    text = json.dumps({"rules": [UNTAGGED]})
    released.client().put_lifecycle_policy(repositoryName=MINE, lifecyclePolicyText=text)
    assert verdict("15.5").startswith("✔ 15.5 of 100 images without a tag the rules would expire 97")


def task(**also) -> dict:
    """A task as ECS describes it that meets the point."""
    container = {"imageDigest": "sha256:release", "exitCode": 0, **also.pop("container", {})}
    arns = {"taskArn": "task/1", "taskDefinitionArn": "task-definition/demo-mine:1", "clusterArn": "cluster/demo"}
    return {"lastStatus": "STOPPED", "launchType": "FARGATE", "containers": [container], **arns, **also}


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ([task()], "✔ 15.7 a task on Fargate ran sha256:release, and ended with code 0"),
        ([task(container={"exitCode": 137})], "✗ 15.7 the task ended with code 137"),
        ([task(container={"exitCode": None})], "✗ 15.7 the task ended before its app began"),
        ([task(container={"imageDigest": "sha256:other"})], "✗ 15.7 the task runs another image than 1.0.0"),
        ([task(launchType="EC2")], "✗ 15.7 the task does not run on Fargate"),
        ([task(lastStatus="PENDING")], "✗ 15.7 the task is PENDING"),
        ([task(lastStatus="RUNNING")], "✗ 15.7 the task runs, but opens no port"),
        ([task(container={"exitCode": 1}, taskArn="task/2"), task()], "✔ 15.7 a task on Fargate ran sha256:release"),
    ],
)
def test_a_fargate_task_that_runs_the_release_is_accepted(empty_lab, monkeypatch, tasks, expected):
    monkeypatch.setattr(evidence, "released", lambda *_: {"imageDigest": "sha256:release"})
    monkeypatch.setattr(evidence, "images_in", lambda *_: [])
    monkeypatch.setattr(evidence, "tasks", lambda *_: tasks)
    monkeypatch.setattr(evidence, "execution_role", lambda *_: "demo-puller")
    assert verdict("15.7").startswith(expected)


def test_a_task_that_pulls_with_another_role_is_not_accepted(empty_lab, monkeypatch):
    monkeypatch.setattr(evidence, "released", lambda *_: {"imageDigest": "sha256:release"})
    monkeypatch.setattr(evidence, "tasks", lambda *_: [task()])
    monkeypatch.setattr(evidence, "execution_role", lambda *_: "ecsTaskExecutionRole")
    assert verdict("15.7").startswith("✗ 15.7 the task pulls as ecsTaskExecutionRole, not as demo-puller")


def test_without_a_task_the_check_names_the_repository(released):
    for number in ("15.7", "15.8"):
        assert verdict(number).startswith(f"✗ {number} no task has taken an image from demo-mine yet")


def allow(iam, role: str, arn: str, actions: list[str]) -> None:
    statements = [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {"Effect": "Allow", "Action": actions, "Resource": arn},
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=text)


def trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
