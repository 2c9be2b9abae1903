"""Scans through the API: findings, when images are scanned, and the errors of scans that fail."""

import json
import signal
import time
import uuid

import boto3
import pytest
from botocore.exceptions import ClientError, WaiterError

from helpers import settings
from tests.sandbox import api
from tests.sandbox.conftest import PATIENCE, Sandbox
from tests.sandbox.rootfs import CVE, NEW_PCRE, OLD_PCRE, UNFIXED, ZLIB, debian, dpkg, npm, push, python

COMPLETE = "The scan was completed successfully."
OLD = debian(dpkg()) | python("Jinja2", "3.1.2") | npm("lodash", "4.17.20")


@pytest.fixture
def ecr(sandbox: Sandbox):
    """The client of a separate registry, because scan rules apply to a whole registry."""
    return sandbox.client(region=next(REGIONS))


REGIONS = iter(sorted(set(boto3.Session().get_available_regions("ecr")) - {settings.REGION}))


def make(ecr, **more) -> str:
    name = f"test-{uuid.uuid4().hex[:8]}"
    ecr.create_repository(repositoryName=name, **more)
    return name


def scanned(ecr, repository: str, tag: str = "v1", done=lambda answer: answer["imageScanFindings"]) -> dict:
    """The response of DescribeImageScanFindings when the scan is *done*."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            answer = ecr.describe_image_scan_findings(repositoryName=repository, imageId={"imageTag": tag})
            if answer["imageScanStatus"]["status"] != "IN_PROGRESS" and done(answer):
                return answer
        except ecr.exceptions.ScanNotFoundException:
            pass
        time.sleep(0.02)
    raise AssertionError("no result")


def refused(code: str, call, **parameters) -> str:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    assert error.value.response["Error"]["Code"] == code
    return error.value.response["Error"]["Message"]


def frequency(name: str, *filters: str) -> dict:
    """A rule of a registry's scanning configuration."""
    return {
        "scanFrequency": name,
        "repositoryFilters": [{"filter": each, "filterType": "WILDCARD"} for each in filters],
    }


def enhanced(ecr, *rules: tuple[str, str]) -> None:
    """Enable enhanced scanning. Each rule is a frequency and a filter."""
    ecr.put_registry_scanning_configuration(scanType="ENHANCED", rules=[frequency(*rule) for rule in rules])


def names(answer: dict) -> list[tuple[str, str]]:
    """Name and package of each finding of both scan types."""
    found = answer["imageScanFindings"]
    basic = [
        (each["name"], next(a["value"] for a in each["attributes"] if a["key"] == "package_name"))
        for each in found.get("findings", ())
    ]
    return basic + [
        (each["packageVulnerabilityDetails"]["vulnerabilityId"], package["name"])
        for each in found.get("enhancedFindings", ())
        for package in each["packageVulnerabilityDetails"]["vulnerablePackages"]
    ]


@pytest.mark.operation("DescribeImageScanFindings", "CreateRepository")
def test_a_push_is_scanned_and_an_old_system_package_is_found(ecr):
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    digest = push(ecr, repository, "v1", OLD)
    answer = scanned(ecr, repository)
    assert answer["imageId"] == {"imageDigest": digest, "imageTag": "v1"}
    assert answer["imageScanStatus"]["status"] == "COMPLETE"
    assert answer["imageScanStatus"]["description"].startswith(COMPLETE)
    found = answer["imageScanFindings"]
    assert found["findingSeverityCounts"] == {"HIGH": 1}
    assert "enhancedFindings" not in found
    assert found["vulnerabilitySourceUpdatedAt"] < found["imageScanCompletedAt"]
    [finding] = found["findings"]
    assert finding["name"] == CVE
    assert finding["severity"] == "HIGH"
    assert finding["description"].endswith(f"Fixed in {NEW_PCRE}.")
    assert finding["uri"] == f"https://security-tracker.debian.org/tracker/{CVE}"
    assert {each["key"]: each["value"] for each in finding["attributes"]} == {
        "package_name": "libpcre2-8-0",
        "package_version": OLD_PCRE,
        "CVSS3_SCORE": "7.6",
        "CVSS3_VECTOR": "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:H/A:L",
    }


def test_a_clean_image_has_no_findings_and_unknown_packages_are_counted(ecr):
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, repository, "v1", debian(dpkg(version=NEW_PCRE), dpkg("homemade", "1.0", "homemade")))
    answer = scanned(ecr, repository)
    assert answer["imageScanFindings"]["findings"] == []
    assert answer["imageScanFindings"]["findingSeverityCounts"] == {}
    assert "2 packages were compared" in answer["imageScanStatus"]["description"]
    assert answer["imageScanStatus"]["description"].endswith("of 1 of them nothing is known here.")


def test_a_vulnerability_without_a_fix_is_found_by_both_types_of_scans(ecr):
    name = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, name, "v1", debian(dpkg("zlib1g", ZLIB, "zlib"), dpkg(version=NEW_PCRE)))
    found = scanned(ecr, name)["imageScanFindings"]
    assert found["findingSeverityCounts"] == {"CRITICAL": 1, "MEDIUM": 1}
    [finding] = [each for each in found["findings"] if each["name"] == UNFIXED]
    assert finding["severity"] == "CRITICAL"
    assert finding["uri"] == f"https://security-tracker.debian.org/tracker/{UNFIXED}"
    assert finding["description"].endswith("No fixed version is known here.")
    keys = {each["key"] for each in finding["attributes"]}
    assert keys == {"package_name", "package_version", "CVSS3_SCORE", "CVSS3_VECTOR"}, "no version to update to"

    ecr.put_registry_scanning_configuration(scanType="ENHANCED", rules=[])
    [finding] = [
        each
        for each in scanned(ecr, name, done=lambda each: "enhancedFindings" in each["imageScanFindings"])[
            "imageScanFindings"
        ]["enhancedFindings"]
        if each["title"].startswith(UNFIXED)
    ]
    assert finding["fixAvailable"] == "NO"
    assert finding["remediation"] == {"recommendation": {"text": "None Provided"}}
    [vulnerable] = finding["packageVulnerabilityDetails"]["vulnerablePackages"]
    assert (vulnerable["name"], vulnerable["fixedInVersion"]) == ("zlib1g", "NotAvailable")


def test_a_package_that_a_later_layer_replaces_is_not_found(ecr):
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, repository, "v1", OLD, {"var/lib/dpkg/status": dpkg(version=NEW_PCRE)})
    push(
        ecr,
        repository,
        "v2",
        OLD,
        {"var/lib/dpkg/.wh.status": b"", "var/lib/dpkg/status.d/x": dpkg("bash", "5", "bash")},
    )
    for tag in ("v1", "v2"):
        assert names(scanned(ecr, repository, tag)) == []


@pytest.mark.operation("StartImageScan")
def test_a_manual_scan_and_the_aws_waiter(sandbox, repository):
    ecr = sandbox.client()
    digest = push(ecr, repository, "v1", OLD)
    by_tag = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    message = refused("ScanNotFoundException", ecr.describe_image_scan_findings, **by_tag)
    assert message.startswith("Image scan does not exist for the image with '{imageDigest:'null', imageTag:'v1'}'")
    started = ecr.start_image_scan(**by_tag)
    assert started["imageScanStatus"] == {"status": "IN_PROGRESS"}
    assert started["imageId"]["imageDigest"] == digest
    sandbox.run(f"aws ecr wait image-scan-complete --repository-name {repository} --image-id imageTag=v1")
    output = sandbox.run(
        f"aws ecr describe-image-scan-findings --repository-name {repository} --image-id imageDigest={digest}"
    )
    assert json.loads(output)["imageScanFindings"]["findings"][0]["name"] == CVE


@pytest.mark.operation("StartImageScan")
def test_an_image_has_one_basic_scan_a_day_and_the_one_on_push_counts(own_sandbox):
    ecr = own_sandbox.start().client()
    by_hand, on_push = make(ecr), make(ecr, imageScanningConfiguration={"scanOnPush": True})
    for repository in (by_hand, on_push):
        push(ecr, repository, "v1", OLD)
    this = {"imageId": {"imageTag": "v1"}}
    ecr.start_image_scan(repositoryName=by_hand, **this)
    for repository in (by_hand, on_push):
        message = refused("LimitExceededException", ecr.start_image_scan, repositoryName=repository, **this)
        assert message == "The scan quota per image has been exceeded. Wait and try again."
    first = scanned(ecr, on_push)["imageScanFindings"]["imageScanCompletedAt"]
    push_again = ecr.batch_get_image(repositoryName=on_push, imageIds=[{"imageTag": "v1"}])["images"][0]
    ecr.put_image(repositoryName=on_push, imageManifest=push_again["imageManifest"], imageTag="v2")
    assert scanned(ecr, on_push)["imageScanFindings"]["imageScanCompletedAt"] == first
    own_sandbox.forward(25 * 3600)
    ecr.start_image_scan(repositoryName=on_push, **this)
    scanned(ecr, on_push, done=lambda answer: answer["imageScanFindings"]["imageScanCompletedAt"] > first)


@pytest.mark.operation("StartImageScan")
def test_an_artifact_without_a_file_system_is_not_scanned(ecr):
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    child = push(ecr, repository, "image", OLD)
    api.put(ecr, repository, api.index(child), "index")
    artifact, kind = api.manifest(), "application/vnd.example.config.v1+json"
    api.put(ecr, repository, {**artifact, "config": {**artifact["config"], "mediaType": kind}}, "artifact")
    for tag, media_type in (("index", api.INDEX), ("artifact", kind)):
        this = {"repositoryName": repository, "imageId": {"imageTag": tag}}
        message = refused("UnsupportedImageTypeException", ecr.start_image_scan, **this)
        assert message == (
            f"An artifact with media type '{media_type}' cannot be scanned. "
            "For more information, see the Amazon ECR documentation."
        )
        refused("ScanNotFoundException", ecr.describe_image_scan_findings, **this)
    refused("ImageNotFoundException", ecr.start_image_scan, repositoryName=repository, imageId={"imageTag": "none"})
    refused("InvalidParameterException", ecr.start_image_scan, repositoryName=repository, imageId={})
    refused("RepositoryNotFoundException", ecr.start_image_scan, repositoryName="none", imageId={"imageTag": "v1"})


@pytest.mark.operation("StartImageScan")
def test_an_archived_image_is_not_scanned(ecr):
    repository = make(ecr)
    push(ecr, repository, "v1", OLD)
    this = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    ecr.start_image_scan(**this)
    scanned(ecr, repository)
    ecr.update_image_storage_class(**this, targetStorageClass="ARCHIVE")
    message = refused("ImageArchivedException", ecr.start_image_scan, **this)
    assert message == "The specified image is archived and cannot be scanned."
    assert ecr.describe_image_scan_findings(**this)["imageScanStatus"]["status"] == "IMAGE_ARCHIVED"


@pytest.mark.parametrize(
    "files", [{"app": b"a program alone"}, {"etc/os-release": b"ID=amzn\n", "var/lib/dpkg/status": dpkg()}]
)
def test_a_scan_of_an_unknown_operating_system_fails_as_on_aws(ecr, files):
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, repository, "v1", files)
    this = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    with pytest.raises(WaiterError):
        ecr.get_waiter("image_scan_complete").wait(**this, WaiterConfig={"Delay": 0, "MaxAttempts": 10_000})
    answer = ecr.describe_image_scan_findings(**this)
    assert answer["imageScanStatus"] == {
        "status": "FAILED",
        "description": "UnsupportedImageError: The operating system and/or package manager are not supported.",
    }
    assert "imageScanFindings" not in answer


def test_an_unreadable_layer_fails_only_the_scan(ecr):
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    api.upload(ecr, repository, b"{}")
    api.upload(ecr, repository, b"no tar " * 300)
    api.put(ecr, repository, api.manifest(layers=(b"no tar " * 300,)), "v1")
    answer = scanned(ecr, repository, done=lambda answer: True)
    assert answer["imageScanStatus"]["status"] == "FAILED"
    assert "cannot be unpacked" in answer["imageScanStatus"]["description"]


@pytest.mark.operation("DescribeImageScanFindings")
def test_findings_are_returned_in_pages(ecr):
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, repository, "v1", debian(dpkg("libssl3", "3.0.9-1", "openssl"), dpkg()))
    everything = scanned(ecr, repository)
    first = names(everything)[0]
    this = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    some, token = [], {}
    while True:
        page = ecr.describe_image_scan_findings(**this, **token, maxResults=7)
        some += names(page)
        assert (
            page["imageScanFindings"]["findingSeverityCounts"]
            == everything["imageScanFindings"]["findingSeverityCounts"]
        )
        if "nextToken" not in page:
            break
        assert len(page["imageScanFindings"]["findings"]) == 7
        token = {"nextToken": page["nextToken"]}
    assert some == names(everything)
    assert len(set(some)) == len(some) > 14
    assert first == (CVE, "libpcre2-8-0"), "the most severe first"
    other = make(ecr)
    push(ecr, other, "v1", OLD)
    ecr.start_image_scan(repositoryName=other, imageId={"imageTag": "v1"})
    scanned(ecr, other)
    refused(
        "InvalidParameterException",
        ecr.describe_image_scan_findings,
        **this | {"repositoryName": other},
        **token,
        maxResults=7,
    )


@pytest.mark.operation("PutRegistryScanningConfiguration", "DescribeImages")
def test_enhanced_scanning_finds_language_packages_too(ecr):
    enhanced(ecr)
    repository = make(ecr)
    digest = push(ecr, repository, "v1", OLD)
    answer = scanned(ecr, repository)
    assert answer["imageScanStatus"]["status"] == "ACTIVE"
    assert answer["imageScanStatus"]["description"].startswith("Continuous scan is selected for image.")
    assert "findings" not in answer["imageScanFindings"]
    by_package = {package: cve for cve, package in names(answer)}
    assert set(by_package) == {"libpcre2-8-0", "Jinja2", "lodash"}
    worst, *_ = answer["imageScanFindings"]["enhancedFindings"]
    python_one = next(f for f in answer["imageScanFindings"]["enhancedFindings"] if "Jinja2" in f["title"])
    details = python_one["packageVulnerabilityDetails"]
    assert python_one["type"], python_one["status"] == ("PACKAGE_VULNERABILITY", "ACTIVE")
    [package] = details["vulnerablePackages"]
    assert (package["packageManager"], package["version"]) == ("PYTHONPKG", "3.1.2")
    assert package["filePath"].endswith("Jinja2-3.1.2.dist-info/METADATA")
    assert (
        python_one["remediation"]["recommendation"]["text"] == f"Update Jinja2 to {package['fixedInVersion']} or later."
    )
    [of_system] = next(
        f["packageVulnerabilityDetails"]["vulnerablePackages"]
        for f in answer["imageScanFindings"]["enhancedFindings"]
        if "libpcre2" in f["title"]
    )
    assert (of_system["packageManager"], of_system["version"], of_system["release"]) == ("OS", "10.42", "1")
    image = worst["resources"][0]["details"]["awsEcrContainerImage"]
    assert (image["imageHash"], image["imageTags"], image["platform"]) == (digest, ["v1"], "DEBIAN_12")
    assert worst["severity"] == "HIGH"
    [detail] = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert detail["imageScanStatus"]["status"] == "ACTIVE"
    counts = answer["imageScanFindings"]["findingSeverityCounts"]
    assert detail["imageScanFindingsSummary"]["findingSeverityCounts"] == counts
    assert sum(counts.values()) == len(answer["imageScanFindings"]["enhancedFindings"])


@pytest.mark.operation("DescribeImages")
def test_describe_images_omits_basic_scans_as_on_aws(ecr):
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, repository, "v1", OLD)
    scanned(ecr, repository)
    [detail] = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert not {"imageScanStatus", "imageScanFindingsSummary"} & detail.keys()


@pytest.mark.operation("PutRegistryScanningConfiguration", "StartImageScan")
def test_under_enhanced_scanning_rules_decide_and_manual_scans_are_refused(ecr):
    watched, on_push, off = make(ecr), make(ecr), make(ecr)
    for repository in (watched, on_push, off):
        push(ecr, repository, "v1", OLD)
    enhanced(ecr, ("CONTINUOUS_SCAN", watched), ("SCAN_ON_PUSH", on_push))
    assert scanned(ecr, watched)["imageScanStatus"]["status"] == "ACTIVE"
    answer = scanned(ecr, on_push)
    assert answer["imageScanStatus"]["status"] == "COMPLETE"
    assert answer["imageScanStatus"]["description"].startswith(COMPLETE)
    this = {"repositoryName": off, "imageId": {"imageTag": "v1"}}
    refused("ScanNotFoundException", ecr.describe_image_scan_findings, **this)
    assert refused("ValidationException", ecr.start_image_scan, **this) == "This feature is disabled"


def test_after_a_return_to_basic_scanning_enhanced_findings_are_not_shown(ecr):
    repository = make(ecr)
    enhanced(ecr)
    push(ecr, repository, "v1", OLD)
    scanned(ecr, repository)
    ecr.put_registry_scanning_configuration(scanType="BASIC")
    this = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    refused("ScanNotFoundException", ecr.describe_image_scan_findings, **this)
    ecr.start_image_scan(**this)
    assert names(scanned(ecr, repository)) == [(CVE, "libpcre2-8-0")]


def test_an_enhanced_scan_without_an_operating_system_is_unsupported(ecr):
    enhanced(ecr, ("SCAN_ON_PUSH", "*"))
    repository = make(ecr)
    push(ecr, repository, "v1", {"app": b"a program alone"})
    answer = scanned(ecr, repository, done=lambda answer: True)
    assert answer["imageScanStatus"]["status"] == "UNSUPPORTED_IMAGE"


@pytest.mark.operation("PutRegistryScanningConfiguration", "GetRegistryScanningConfiguration")
def test_the_rules_of_a_registry_are_stored_and_returned(ecr):
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}
    for config in (
        {"scanType": "ENHANCED", "rules": []},
        {"scanType": "ENHANCED", "rules": [frequency("CONTINUOUS_SCAN", "b*"), frequency("SCAN_ON_PUSH", "a", "*")]},
    ):
        assert ecr.put_registry_scanning_configuration(**config)["registryScanningConfiguration"] == config
        assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == config
    ecr.put_registry_scanning_configuration()
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}


@pytest.mark.operation("PutRegistryScanningConfiguration")
@pytest.mark.parametrize(
    ("scan_type", "frequencies", "constraint"),
    [
        ("BASIC", ["CONTINUOUS_SCAN"], "Invalid scan frequency for scanType BASIC: CONTINUOUS_SCAN"),
        ("ENHANCED", ["MANUAL"], "Invalid scan frequency for scanType ENHANCED: MANUAL"),
        ("BASIC", ["MANUAL"] * 2, "Invalid input. Contains duplicate scan frequencies: [MANUAL]"),
    ],
)
def test_a_frequency_of_another_scan_type_or_given_twice_is_refused(ecr, scan_type, frequencies, constraint):
    rules = [frequency(each, "*") for each in frequencies]
    call = ecr.put_registry_scanning_configuration
    message = refused("InvalidParameterException", call, scanType=scan_type, rules=rules)
    assert message == f"Invalid parameter failed to satisfy constraint: '{constraint}'"


@pytest.mark.operation("BatchGetRepositoryScanningConfiguration", "PutImageScanningConfiguration")
def test_the_scanning_configuration_of_a_repository_is_returned(ecr):
    before = make(ecr)
    rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "test-*", "filterType": "WILDCARD"}]}
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[rule])
    after = make(ecr)
    ecr.create_repository(repositoryName="else")
    answer = ecr.batch_get_repository_scanning_configuration(repositoryNames=[before, after, "else", "none"])
    by_name = {each["repositoryName"]: each for each in answer["scanningConfigurations"]}
    for name in (before, after):
        assert by_name[name]["scanOnPush"] is False  # the repository's own setting
        assert by_name[name]["scanFrequency"] == "SCAN_ON_PUSH"
        assert by_name[name]["appliedScanFilters"] == rule["repositoryFilters"]
    assert (by_name["else"]["scanFrequency"], by_name["else"]["appliedScanFilters"]) == ("MANUAL", [])
    [failure] = answer["failures"]
    assert (failure["repositoryName"], failure["failureCode"]) == ("none", "REPOSITORY_NOT_FOUND")
    ecr.put_image_scanning_configuration(repositoryName="else", imageScanningConfiguration={"scanOnPush": True})
    [answer] = ecr.batch_get_repository_scanning_configuration(repositoryNames=["else"])["scanningConfigurations"]
    assert (answer["scanOnPush"], answer["scanFrequency"]) == (True, "SCAN_ON_PUSH")


def test_findings_survive_a_kill_and_an_interrupted_scan_is_repeated(own_sandbox):
    ecr = own_sandbox.start().client()
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, repository, "v1", OLD)
    before = scanned(ecr, repository)
    push(ecr, repository, "large", OLD, {"large": bytes(12_000_000)})
    own_sandbox.stop(signal.SIGKILL)
    ecr = own_sandbox.start().client()
    after = scanned(ecr, repository)
    assert after["imageScanFindings"] == before["imageScanFindings"]
    assert names(scanned(ecr, repository, "large")) == names(before)


def test_findings_are_deleted_with_their_image(ecr):
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    digest = push(ecr, repository, "v1", OLD)
    scanned(ecr, repository)
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageDigest": digest}])
    this = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    refused("ImageNotFoundException", ecr.describe_image_scan_findings, **this)
    ecr.put_image_scanning_configuration(repositoryName=repository, imageScanningConfiguration={"scanOnPush": False})
    push(ecr, repository, "v1", OLD)
    refused("ScanNotFoundException", ecr.describe_image_scan_findings, **this)


def test_new_advisories_apply_to_continuously_scanned_images(own_sandbox):
    ecr = own_sandbox.start().client()
    watched, on_push = make(ecr), make(ecr)
    enhanced(ecr, ("CONTINUOUS_SCAN", watched), ("SCAN_ON_PUSH", on_push))
    for repository in (watched, on_push):
        push(ecr, repository, "v1", debian(dpkg(version=NEW_PCRE)) | python("quiet", "1.0"))
        assert names(scanned(ecr, repository)) == []
    assert ["PyPI", "quiet"] in json.loads(own_sandbox.control("GET", "/_sandbox/advisories")[2])["packages"]
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
    vuln = {"id": "GHSA-new", "affected": [{"package": {"ecosystem": "PyPI", "name": "quiet"}, "ranges": ranges}]}
    news = {"date": "2027-01-01T00:00:00+00:00", "covers": {}, "vulns": [vuln]}
    (own_sandbox.state / "advisories").mkdir()
    (own_sandbox.state / "advisories" / "osv.json").write_text(json.dumps(news))
    own_sandbox.control("POST", "/_sandbox/advisories")
    answer = scanned(ecr, watched, done=lambda answer: names(answer))
    assert names(answer) == [("GHSA-new", "quiet")]
    assert answer["imageScanFindings"]["vulnerabilitySourceUpdatedAt"].year == 2027
    assert names(scanned(ecr, on_push)) == []
    own_sandbox.forward(31 * 24 * 3600)
    answer = scanned(ecr, watched)
    assert answer["imageScanStatus"]["status"] == "SCAN_ELIGIBILITY_EXPIRED"


def test_each_image_that_inspector_scans_is_billed(own_sandbox):
    ecr = own_sandbox.start().client()
    free = make(ecr)
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[])
    push(ecr, free, "v1", OLD)
    ecr.start_image_scan(repositoryName=free, imageId={"imageTag": "v1"})
    scanned(ecr, free)
    enhanced(ecr, ("CONTINUOUS_SCAN", "paid-*"))
    ecr.create_repository(repositoryName="paid-app")
    push(ecr, "paid-app", "v1", debian(dpkg(version=NEW_PCRE)) | python("quiet", "1.0"))
    scanned(ecr, "paid-app")
    assert of_inspector(own_sandbox) == pytest.approx(0.09)
    news = {"date": "2027-01-01T00:00:00+00:00", "covers": {}, "vulns": []}
    (own_sandbox.state / "advisories").mkdir()
    (own_sandbox.state / "advisories" / "osv.json").write_text(json.dumps(news))
    own_sandbox.control("POST", "/_sandbox/advisories")
    scanned(
        ecr, "paid-app", done=lambda answer: answer["imageScanFindings"]["vulnerabilitySourceUpdatedAt"].year == 2027
    )
    assert of_inspector(own_sandbox) == pytest.approx(0.10)


def of_inspector(sandbox: Sandbox) -> float:
    """The cost of Amazon Inspector on this month's bill, in dollars."""
    [month] = sandbox.client("ce").get_cost_and_usage(
        TimePeriod=sandbox.month(),
        Granularity="MONTHLY",
        Metrics=["UnblendedCost"],
        GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}],
    )["ResultsByTime"]
    costs = {each["Keys"][0]: float(each["Metrics"]["UnblendedCost"]["Amount"]) for each in month["Groups"]}
    return costs.get("Amazon Inspector", 0.0)


def test_nothing_is_scanned_by_default(ecr):
    repository = make(ecr)
    push(ecr, repository, "v1", OLD)
    time.sleep(0.2)
    this = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    refused("ScanNotFoundException", ecr.describe_image_scan_findings, **this)


def test_scans_in_separate_registries_are_separate(sandbox, ecr):
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, repository, "v1", OLD)
    elsewhere = sandbox.client()
    elsewhere.create_repository(repositoryName=repository)
    push(elsewhere, repository, "v1", OLD)
    scanned(ecr, repository)
    this = {"repositoryName": repository, "imageId": {"imageTag": "v1"}}
    refused("ScanNotFoundException", elsewhere.describe_image_scan_findings, **this)
