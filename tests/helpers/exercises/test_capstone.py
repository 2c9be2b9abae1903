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
    monkeypatch.setattr(capstone, "_entry", capstone.Entry(MINE, ("1.0.0", "1.1.0"), "demo-pusher", "demo-puller"))
    capsys.readouterr()
    return plain


@pytest.fixture
def empty_lab(monkeypatch):
    """A lab without clients, for points whose facts the test provides."""
    place = labs.Lab("sandbox", settings.ACCOUNT, settings.REGION, "localhost:1", "http://localhost:1", "")
    monkeypatch.setattr(labs, "_current", place)
    monkeypatch.setattr(capstone, "_entry", capstone.Entry(MINE, ("1.0.0", "1.1.0"), "demo-pusher", "demo-puller"))


@pytest.fixture
def released(lab):
    """The same, with the repository and in it the release, 1.0.0."""
    lab.client().create_repository(repositoryName=MINE, tags=[settings.TAG], imageTagMutability="IMMUTABLE")
    tiny_image.put(lab, MINE, "1.0.0")
    return lab


def verdict(number: str, releases: int = 1) -> str:
    """The line of a point (``"1"``), or of an exercise (``"15.1"``)."""
    if "." in number:
        return checks.verdict(number)[1]
    return checks.outcome(number, lambda: capstone.POINTS[number].check(labs.current(), capstone.entry(releases)))[1]


@pytest.mark.parametrize(
    "entered", [("", ()), (MINE, ("1.0.0", "")), (MINE, ("1.0.0", "1.0.0")), (MINE, ("1.0.0",)), ("", ("1.0.0", "2"))]
)
def test_no_exercise_is_done_before_the_names_are_entered(empty_lab, monkeypatch, entered):
    monkeypatch.setattr(capstone, "_entry", capstone.Entry(*entered, "demo-pusher", "demo-puller"))
    for number in ("15.1", "15.2", "15.3"):
        assert verdict(number).startswith(f"✗ {number} the names are not complete")


def test_nothing_is_done_in_an_empty_account(lab):
    lines = [verdict(number, 2) for number in (*capstone.POINTS, "15.1", "15.2", "15.3")]
    assert [line[0] for line in lines] == ["✗"] * 11
    assert all("Hint: notebook" in line for line in lines)


def test_hints_contain_no_command_and_no_setting():
    folder = settings.PROJECT / "helpers" / "exercises"
    source = "".join((folder / f"{name}.py").read_text() for name in ("capstone", "points", "evidence"))
    hints = re.findall(r'NotYet\([^"]*f?"[^"]*"(?:\s*if [^,]*)?, "([^"]*)"\)', source)
    assert len(hints) > 20
    given_away = re.compile(r"aws |docker |boto3|[a-z]_[a-z]|--|[a-z]-[a-z]+-[a-z]|[A-Z]{4,}")
    assert [hint for hint in hints if given_away.search(hint)] == []


def test_the_release_tag_must_be_immutable_in_the_learners_repository(lab):
    ecr = lab.client()
    arn = ecr.create_repository(repositoryName=MINE)["repository"]["repositoryArn"]
    for mode, patterns, expected in [
        ("MUTABLE", [], "✗ 1 a push could overwrite the tag 1.0.0: MUTABLE"),
        ("MUTABLE_WITH_EXCLUSION", ["v*"], "✗ 1 a push could overwrite the tag 1.0.0"),
        ("IMMUTABLE_WITH_EXCLUSION", ["1.*"], "✗ 1 a push could overwrite the tag 1.0.0"),
        ("IMMUTABLE_WITH_EXCLUSION", ["latest"], "✗ 1 demo-mine lacks the tag"),
        ("MUTABLE_WITH_EXCLUSION", ["1.*"], "✗ 1 demo-mine lacks the tag"),
        ("IMMUTABLE", [], "✗ 1 demo-mine lacks the tag"),
    ]:
        more = {"imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": p} for p in patterns]}
        ecr.put_image_tag_mutability(repositoryName=MINE, imageTagMutability=mode, **(more if patterns else {}))
        assert verdict("1").startswith(expected), (mode, patterns)
    ecr.tag_resource(resourceArn=arn, tags=[settings.TAG])
    assert verdict("1") == "✔ 1 demo-mine is IMMUTABLE, and has the tag made-by=learn-amazon-ecr"
    capstone.enter(settings.REPOSITORY, ("1.0.0", "1.1.0"), "demo-pusher", "demo-puller")
    assert verdict("1").startswith("✗ 1 demo-app-repo is the course's repository")


def test_the_pusher_is_a_role_of_this_account_that_may_only_push(released):
    iam = released.client("iam")
    assert verdict("2").startswith("✗ 2 there is no role demo-pusher yet")
    iam.create_user(UserName="demo-pusher")
    assert verdict("2").startswith("✗ 2 demo-pusher is a user")
    iam.create_role(RoleName="demo-pusher", AssumeRolePolicyDocument=trust(AWS="*"))
    assert verdict("2").startswith("✗ 2 another account may assume demo-pusher")
    iam.update_assume_role_policy(RoleName="demo-pusher", PolicyDocument=trust(AWS=released.account))
    assert verdict("2").startswith("✗ 2 demo-pusher may not even log in")
    arn = f"arn:aws:ecr:{released.region}:{released.account}:repository/{MINE}"
    for actions, expected in [
        (sorted(permissions.PUSH - {"ecr:PutImage"}), "✗ 2 demo-pusher may not do all that is needed"),
        (
            [*permissions.PUSH, "ecr:BatchDeleteImage"],
            "✗ 2 demo-pusher may also do ecr:BatchDeleteImage on demo-mine",
        ),
        (sorted(permissions.PUSH), "✔ 2 demo-pusher may GetAuthorizationToken, BatchCheckLayerAvailability"),
    ]:
        allow(iam, "demo-pusher", arn, actions)
        assert verdict("2").startswith(expected)


def test_the_execution_role_trusts_ecs_and_allows_only_pulls(released):
    iam = released.client("iam")
    assert verdict("6").startswith("✗ 6 there is no role demo-puller yet")
    iam.create_role(RoleName="demo-puller", AssumeRolePolicyDocument=trust(Service="ec2.amazonaws.com"))
    assert verdict("6").startswith("✗ 6 ECS may not assume demo-puller")
    iam.update_assume_role_policy(RoleName="demo-puller", PolicyDocument=trust(Service="ecs-tasks.amazonaws.com"))
    managed = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    iam.attach_role_policy(RoleName="demo-puller", PolicyArn=managed)
    assert verdict("6").startswith("✔ 6 demo-puller may GetAuthorizationToken, BatchGetImage")
    allow(iam, "demo-puller", "*", ["ecr:PutImage"])
    assert verdict("6").startswith("✗ 6 demo-puller may also do ecr:PutImage")


def test_the_release_does_not_run_as_root_and_is_not_called_latest(released):
    assert verdict("3").startswith("✗ 3 1.0.0 runs as root")
    capstone.enter(MINE, ("2.0.0", "2.1.0"), "demo-pusher", "demo-puller")
    assert verdict("3").startswith("✗ 3 2.0.0 is not in demo-mine yet")
    capstone.enter(MINE, ("latest", "2.1.0"), "demo-pusher", "demo-puller")
    assert verdict("3").startswith("✗ 3 latest does not say")


def test_a_second_release_is_another_image(released, monkeypatch):
    monkeypatch.setattr(lookup, "config", lambda *_: {"User": "10001"})
    assert verdict("3").startswith("✔ 3 1.0.0 is sha256:")
    assert verdict("3", 2).startswith("✗ 3 1.1.0 is not in demo-mine yet")
    tiny_image.put(released, MINE, "1.1.0")
    assert verdict("3", 2).startswith("✗ 3 1.1.0 has the same files as 1.0.0")
    released.client().batch_delete_image(repositoryName=MINE, imageIds=[{"imageTag": "1.1.0"}])
    tiny_image.put(released, MINE, "1.1.0", greeting="Hello again!")
    assert re.fullmatch(r"✔ 3 1.0.0 is sha256:\w+, 1.1.0 is sha256:\w+, not run as root", verdict("3", 2))


def test_the_image_of_the_course_is_not_accepted(released):
    released.client().create_repository(repositoryName=settings.REPOSITORY)
    tiny_image.put(released, settings.REPOSITORY, "v1")
    assert verdict("3").startswith("✗ 3 1.0.0 is the image of demo-app-repo")


SEVERE = {"severity": "HIGH", "name": "CVE-1", "description": "A flaw. Fixed in 2.0."}
NO_FIX = {**SEVERE, "description": "A flaw. No fixed version is known here."}
ON_AWS = {**SEVERE, "description": "A flaw."}  # a basic finding of AWS says nothing of a fix


def enhanced(fix: str, version: str) -> dict:
    package = {"name": "demo", "version": "1", "fixedInVersion": version}
    details = {"vulnerabilityId": "CVE-2", "vulnerablePackages": [package]}
    return {"severity": "CRITICAL", "fixAvailable": fix, "packageVulnerabilityDetails": details}


@pytest.mark.parametrize(
    ("status", "kind", "finding", "accepted", "expected"),
    [
        ("IN_PROGRESS", "findings", None, "", "✗ 4 the scan of 1.0.0 is IN_PROGRESS"),
        ("UNSUPPORTED_IMAGE", "findings", None, "", "✗ 4 the scan of 1.0.0 is UNSUPPORTED_IMAGE"),
        ("COMPLETE", "findings", SEVERE, "CVE-1", "✗ 4 CVE-1 in 1.0.0 is severe and has a fix"),
        ("COMPLETE", "findings", NO_FIX, "CVE-10", "✗ 4 CVE-1 in 1.0.0 is severe, has no fix and no exception"),
        (
            "COMPLETE",
            "findings",
            NO_FIX,
            "CVE-0 CVE-1",
            "✔ 4 1.0.0 scanned: nothing severe has a fix, exceptions: CVE-1",
        ),
        ("COMPLETE", "findings", ON_AWS, "CVE-1", "✔ 4 1.0.0 scanned: nothing severe has a fix, exceptions: CVE-1"),
        ("COMPLETE", "findings", {**ON_AWS, "name": rootfs.CVE}, rootfs.CVE, f"✗ 4 {rootfs.CVE} in 1.0.0 is severe"),
        ("COMPLETE", "findings", {**SEVERE, "severity": "MEDIUM"}, "", "✔ 4 1.0.0 scanned: nothing severe has a fix"),
        ("ACTIVE", "enhancedFindings", enhanced("YES", "2"), "", "✗ 4 CVE-2 in 1.0.0 is severe and has a fix"),
        ("ACTIVE", "enhancedFindings", enhanced("NO", "NotAvailable"), "CVE-2", "✔ 4 1.0.0 scanned"),
        ("ACTIVE", "enhancedFindings", enhanced("PARTIAL", "2"), "CVE-2", "✗ 4 CVE-2 in 1.0.0 is severe and has a fix"),
        ("ACTIVE", "enhancedFindings", enhanced("PARTIAL", "NotAvailable"), "CVE-2", "✔ 4 1.0.0 scanned"),
    ],
)
def test_severe_findings_have_no_fix_and_an_exception(
    empty_lab, monkeypatch, status, kind, finding, accepted, expected
):
    scan = {"imageScanStatus": {"status": status}, "imageScanFindings": {kind: [finding] if finding else []}}
    monkeypatch.setattr(evidence, "scan", lambda *_: scan)
    monkeypatch.setattr(evidence, "exceptions", lambda *_: set(accepted.split()))
    assert verdict("4").startswith(expected)


def test_exceptions_are_in_tags_of_the_repository(released):
    arn = released.client().describe_repositories(repositoryNames=[MINE])["repositories"][0]["repositoryArn"]
    assert evidence.exceptions(released, capstone.entry()) == set()
    tags = {"scan-exceptions": "CVE-1 CVE-2", "scan-exceptions-2": "CVE-3", "team": "CVE-4"}
    released.client().tag_resource(resourceArn=arn, tags=[{"Key": key, "Value": tags[key]} for key in tags])
    assert evidence.exceptions(released, capstone.entry()) == {"CVE-1", "CVE-2", "CVE-3"}


def test_an_image_that_was_never_scanned_is_not_accepted(released):
    assert verdict("4").startswith("✗ 4 1.0.0 was not scanned")


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
    capstone.enter(MINE, ("2.0.0", "2.1.0"), "demo-pusher", "demo-puller")
    assert lookup.image_manifest(released, MINE, "2.0.0") == manifest
    assert verdict("4").startswith("✗ 4 2.0.0 is an index, which ECR does not scan")


def rule(priority: int = 1, **selection) -> dict:
    return {"rulePriority": priority, "selection": selection, "action": {"type": "expire"}}


DAYS = {"countType": "sinceImagePushed", "countUnit": "days"}
UNTAGGED = rule(tagStatus="untagged", **DAYS, countNumber=14)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([UNTAGGED], "✔ 5 of 100 images without a tag the rules would expire 97 in a year, and never 1.0.0"),
        ([rule(tagStatus="untagged", countType="imageCountMoreThan", countNumber=3)], "✔ 5 of 100 images without"),
        ([rule(tagStatus="untagged", **DAYS, countNumber=300)], "✗ 5 of 100 images without a tag it would expire 1"),
        ([rule(tagStatus="any", **DAYS, countNumber=300)], "✗ 5 rule 1 would take 1.0.0 within a year"),
        ([rule(tagStatus="any", countType="imageCountMoreThan", countNumber=5)], "✗ 5 rule 1 would take 1.0.0"),
        (
            [UNTAGGED, rule(2, tagStatus="tagged", tagPatternList=["1.*"], **DAYS, countNumber=90)],
            "✗ 5 rule 2 would take 1.0.0 within a year",
        ),
        (
            [
                UNTAGGED,
                rule(2, tagStatus="tagged", tagPatternList=["*"], countType="imageCountMoreThan", countNumber=9),
            ],
            "✔ 5 of 100 images without a tag the rules would expire 97 in a year",
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
    assert verdict("5").startswith(expected)


def test_the_check_uses_the_rules_and_images_of_the_repository(released):
    assert verdict("5").startswith("✗ 5 demo-mine has no lifecycle policy yet")
    text = json.dumps({"rules": [UNTAGGED]})
    released.client().put_lifecycle_policy(repositoryName=MINE, lifecyclePolicyText=text)
    assert verdict("5").startswith("✔ 5 of 100 images without a tag the rules would expire 97")


def test_a_user_of_the_tutorial_with_an_active_key_is_found(lab):
    iam = lab.client("iam")
    for name, tags in (("demo-ann", [settings.TAG]), ("ben", [])):
        iam.create_user(UserName=name, Tags=tags)
    iam.create_access_key(UserName="ben")
    assert evidence.user_with_key(lab) == ""
    key = iam.create_access_key(UserName="demo-ann")["AccessKey"]["AccessKeyId"]
    assert evidence.user_with_key(lab) == "demo-ann"
    iam.update_access_key(UserName="demo-ann", AccessKeyId=key, Status="Inactive")
    assert evidence.user_with_key(lab) == ""


def test_without_a_task_the_check_names_the_repository(released):
    for number in ("7", "8"):
        assert verdict(number, 2).startswith(f"✗ {number} no task has used an image of demo-mine yet")


def allow(iam, role: str, arn: str, actions: list[str]) -> None:
    statements = [
        {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {"Effect": "Allow", "Action": actions, "Resource": arn},
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=text)


def trust(**who: str) -> str:
    statement = {"Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
