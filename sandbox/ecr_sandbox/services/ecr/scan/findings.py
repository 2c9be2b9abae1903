"""The findings of a scan in ECR's API: a basic finding has a name and attributes, an enhanced one is Inspector's.

Source: the examples of https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImageScanFindings.html
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from ecr_sandbox.registry.image import Image
from ecr_sandbox.services.ecr.backend import Repository

from .packages import is_of_system
from .results import Finding, Scan

MANAGERS = {
    "PyPI": "PYTHONPKG",
    "npm": "NODEPKG",
}  # Inspector's package managers, besides OS
TRACKERS = {  # each vendor's page of a vulnerability, and Inspector's name of the vendor
    "Debian": ("DEBIAN_CVE", "https://security-tracker.debian.org/tracker/{id}"),
    "Ubuntu": ("UBUNTU_CVE", "https://ubuntu.com/security/{id}"),
    "Alpine": ("ALPINE_SECDB", "https://security.alpinelinux.org/vuln/{id}"),
}
ELSEWHERE = ("NVD", "https://nvd.nist.gov/vuln/detail/{id}")
LONGEST = 256  # characters of an attribute's value; service model, AttributeValue


def basic(finding: Finding) -> dict[str, Any]:
    """An ImageScanFinding. It has no field for the fixed version, so the description has it."""
    attributes = {"package_version": finding.version, "package_name": finding.package}
    if finding.score is not None:
        attributes |= {"CVSS3_SCORE": str(finding.score), "CVSS3_VECTOR": finding.vector}
    return {
        "name": finding.id,
        "description": described(finding),
        "uri": source_of(finding)[1],
        "severity": finding.severity,
        "attributes": [{"key": key, "value": value[:LONGEST]} for key, value in attributes.items()],
    }


def enhanced(finding: Finding, scan: Scan, repository: Repository, image: Image) -> dict[str, Any]:
    """An EnhancedImageScanFinding, with the fields that are known here."""
    source, url = source_of(finding)
    account, region = repository.account_id, repository.region_name
    number = hashlib.sha256(f"{image.digest} {finding.id} {finding.package} {finding.path}".encode()).hexdigest()[:32]
    return {
        "awsAccountId": account,
        "description": described(finding),
        "findingArn": f"arn:aws:inspector2:{region}:{account}:finding/{number}",
        "firstObservedAt": finding.first_seen,
        "lastObservedAt": scan.completed,
        "updatedAt": scan.completed,
        "packageVulnerabilityDetails": {
            "cvss": _cvss(finding, source),
            "referenceUrls": [each for each in (finding.url,) if each],
            "relatedVulnerabilities": list(finding.related),
            "source": source,
            "sourceUrl": url,
            "vendorSeverity": finding.vendor_severity or None,
            "vendorCreatedAt": finding.published,
            "vendorUpdatedAt": finding.modified,
            "vulnerabilityId": finding.id,
            "vulnerablePackages": [vulnerable_package(finding)],
        },
        "remediation": {"recommendation": {"text": _remedy(finding)}},
        "resources": [_resource(scan, repository, image)],
        "score": finding.score,
        "scoreDetails": _score_details(finding, source),
        "severity": finding.severity if finding.severity != "UNDEFINED" else "UNTRIAGED",
        "status": "ACTIVE",
        "title": f"{finding.id} - {finding.package}",
        "type": "PACKAGE_VULNERABILITY",
        "fixAvailable": "YES" if finding.fixed else "NO",
    }


def described(finding: Finding) -> str:
    """The description of a finding."""
    fixed = f"Fixed in {finding.fixed}." if finding.fixed else "No fixed version is known here."
    summary = finding.summary.rstrip(". ")
    return f"{summary}. {fixed}" if summary else fixed


def source_of(finding: Finding) -> tuple[str, str]:
    """Inspector's name of the source, and its URL."""
    kind = finding.ecosystem.partition(":")[0]
    if not is_of_system(finding.ecosystem) and finding.url:
        return "GITHUB" if "github.com" in finding.url else "NVD", finding.url
    source, url = TRACKERS.get(kind, ELSEWHERE)
    return source, url.format(id=finding.id)


def vulnerable_package(finding: Finding) -> dict[str, Any]:
    """A VulnerablePackage; a Debian version is split into its three parts."""
    about: Mapping[str, Any] = {"version": finding.version, "filePath": finding.path}
    if is_of_system(finding.ecosystem):
        epoch, _, rest = finding.version.rpartition(":")
        version, _, release = rest.rpartition("-") if "-" in rest else (rest, "", "")
        about = {"epoch": int(epoch or 0), "version": version, "release": release, "arch": finding.arch.upper()}
    return {
        "name": finding.package,
        "packageManager": MANAGERS.get(finding.ecosystem, "OS"),
        "sourceLayerHash": finding.layer or None,
        "fixedInVersion": finding.fixed or "NotAvailable",
        **{name: value for name, value in about.items() if value != ""},
    }


def _remedy(finding: Finding) -> str:
    return f"Update {finding.package} to {finding.fixed} or later." if finding.fixed else "None Provided"


def _cvss(finding: Finding, source: str) -> list[dict[str, Any]]:
    if finding.score is None:
        return []
    version = finding.vector.partition("/")[0].partition(":")[2]
    about = {"baseScore": finding.score, "scoringVector": finding.vector, "source": source, "version": version}
    return [about]


def _score_details(finding: Finding, source: str) -> dict[str, Any] | None:
    for each in _cvss(finding, source):
        same = {name: each[name] for name in ("scoringVector", "version")}
        return {"cvss": {"adjustments": [], "score": each["baseScore"], "scoreSource": each["source"], **same}}
    return None


def _resource(scan: Scan, repository: Repository, image: Image) -> dict[str, Any]:
    about = {
        "imageHash": image.digest,
        "imageTags": list(image.tags),
        "platform": scan.platform,
        "pushedAt": image.pushed_at,
        "registry": repository.account_id,
        "repositoryName": repository.name,
    }
    return {
        "details": {"awsEcrContainerImage": about},
        "id": f"{repository.arn}/{image.digest}",
        "tags": {},
        "type": "AWS_ECR_CONTAINER_IMAGE",
    }
