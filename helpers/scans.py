"""Waits for a scan of an image, and reads its findings for triage: what is it, how severe, is there a fix?"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import ecr_sandbox
from helpers import show
from helpers.errors import LabError
from helpers.lab import Lab

TIMEOUT = 300  # seconds; on AWS a scan takes a minute or two
PAUSE = {"sandbox": 0.1, "aws": 5.0}  # seconds between two polls
KINDS = ("findings", "enhancedFindings")
STILL_SCANNING = ("IN_PROGRESS", "PENDING")
NOT_SCANNED = (  # STILL_SCANNING and these, with COMPLETE and ACTIVE, are ScanStatus in ECR's API
    "FAILED",
    "UNSUPPORTED_IMAGE",
    "FINDINGS_UNAVAILABLE",
    "SCAN_ELIGIBILITY_EXPIRED",
    "LIMIT_EXCEEDED",
    "IMAGE_ARCHIVED",
    "IMAGE_SIZE_EXCEEDED",
)
SEVERITIES = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNDEFINED", "UNTRIAGED")  # most severe first
NO_VERSION = ("", "NotAvailable")  # Inspector's fixedInVersion of a package without a fix
FIXED_IN, NO_FIX = "Fixed in ", "No fixed version is known here."  # the sandbox's descriptions; AWS's say nothing


@dataclass(frozen=True)
class Vulnerability:
    """A vulnerability of one package; *fixable* is None if it is not known whether there is a fix.

    A basic finding on AWS does not say so: then the sandbox's dated snapshot of advisories is used.
    """

    id: str
    package: str
    version: str
    severity: str
    fixable: bool | None
    fixed_in: str
    uri: str


def finished(lab: Lab, repository: str, tag: str) -> dict[str, Any]:
    """The response of ``describe_image_scan_findings`` once the image is scanned, with the findings of all pages.

    Just after a push there may be no scan yet. LabError if there is none in time, or if it failed.
    """
    ecr = lab.client()
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        try:
            answer = last(ecr, repository, {"imageTag": tag})
        except ecr.exceptions.ScanNotFoundException:
            answer = {}
        status = answer.get("imageScanStatus", {}).get("status")
        if status in NOT_SCANNED:
            why = answer["imageScanStatus"].get("description") or status
            raise LabError(f"The scan failed: {why}", "ecr-lab doctor")
        if "imageScanFindings" in answer and status not in STILL_SCANNING:
            return answer
        time.sleep(PAUSE[lab.target])
    raise LabError(
        f"{repository}:{tag} was not scanned within {TIMEOUT} seconds.", "turn on scan on push, then push again"
    )


def last(ecr: Any, repository: str, image: Mapping[str, str]) -> dict[str, Any]:
    """The response of ``describe_image_scan_findings`` as it is now, with the findings of all pages.

    *image* has an ``imageTag`` or an ``imageDigest``. Raises the client's ScanNotFoundException.
    """
    asked = {"repositoryName": repository, "imageId": dict(image)}
    answer = ecr.describe_image_scan_findings(**asked)
    token = answer.pop("nextToken", None)
    while token:
        more = ecr.describe_image_scan_findings(**asked, nextToken=token)
        for kind in KINDS:
            answer["imageScanFindings"].setdefault(kind, []).extend(more["imageScanFindings"].get(kind, []))
        token = more.get("nextToken")
    return answer


def vulnerabilities(scan: Mapping[str, Any]) -> list[Vulnerability]:
    """The findings of a scan, basic or enhanced, in one form: the most severe first, those with a fix before others."""
    found = scan.get("imageScanFindings", {})
    listed = [_basic(each) for each in found.get("findings", [])]
    for each in found.get("enhancedFindings", []):
        listed += _enhanced(each)
    return sorted(listed, key=lambda each: (SEVERITIES.index(each.severity), not each.fixable, each.package, each.id))


def triage(
    found: Iterable[Vulnerability], exceptions: Mapping[str, date] | None = None, today: date | None = None
) -> None:
    """Print a table of *found*, one row for each vulnerability, with what to do about it.

    *exceptions* has the last day of each exception, by the vulnerability's id.
    """
    rows: dict[str, list[Vulnerability]] = {}
    for each in found:
        rows.setdefault(each.id, []).append(each)
    show.table(
        [
            (
                same[0].severity,
                number,
                same[0].package + (f" + {len(same) - 1}" if len(same) > 1 else ""),
                {True: same[0].fixed_in or "yes", False: "no", None: "unknown"}[same[0].fixable],
                decision(same[0], exceptions or {}, today or date.today()),
            )
            for number, same in rows.items()
        ],
        ["severity", "vulnerability", "package", "fix", "what to do"],
    )


def decision(found: Vulnerability, exceptions: Mapping[str, date], today: date) -> str:
    """What to do about a vulnerability: an exception counts until the end of its last day."""
    until = exceptions.get(found.id)
    if until and until >= today:
        return f"accepted until {until}"
    expired = f"exception expired on {until}: " if until else ""
    if found.fixable:
        return f"{expired}update"
    return f"{expired}wait for a fix" if found.fixable is False else f"{expired}look it up"


def _basic(finding: Mapping[str, Any]) -> Vulnerability:
    about = {each["key"]: each.get("value", "") for each in finding.get("attributes", [])}
    number, described = finding["name"], finding.get("description", "")
    fixed_in = described.rpartition(FIXED_IN)[2].rstrip(".") if FIXED_IN in described else ""
    known = False if described.endswith(NO_FIX) else ecr_sandbox.has_known_fix(number)
    return Vulnerability(
        number,
        about.get("package_name", ""),
        about.get("package_version", ""),
        finding["severity"],
        True if fixed_in else known,
        fixed_in,
        finding.get("uri", ""),
    )


def _enhanced(finding: Mapping[str, Any]) -> list[Vulnerability]:
    details = finding["packageVulnerabilityDetails"]
    known = {"YES": True, "PARTIAL": True, "NO": False}.get(finding.get("fixAvailable", ""))
    listed = []
    for package in details["vulnerablePackages"]:
        fixed_in = package.get("fixedInVersion", "")
        fixed_in = "" if fixed_in in NO_VERSION else fixed_in
        fixable = bool(fixed_in) if known is None or finding["fixAvailable"] == "PARTIAL" else known
        whole = "-".join(filter(None, (package["version"], package.get("release", ""))))
        version = f"{package['epoch']}:{whole}" if package.get("epoch") else whole
        listed.append(
            Vulnerability(
                details["vulnerabilityId"],
                package["name"],
                version,
                finding["severity"],
                fixable,
                fixed_in,
                details.get("sourceUrl", ""),
            )
        )
    return listed
