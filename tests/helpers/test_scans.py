"""Findings of both types of scans in one form, and what to do about them."""

from datetime import date
from types import SimpleNamespace

import boto3
import pytest

from ecr_sandbox import SandboxError
from helpers import scans
from helpers.scans import Vulnerability

TODAY = date(2026, 12, 1)
BASIC = {
    "name": "CVE-2023-45853",
    "severity": "CRITICAL",
    "description": "MiniZip in zlib through 1.3 has an integer overflow",  # as on AWS
    "uri": "https://security-tracker.debian.org/tracker/CVE-2023-45853",
    "attributes": [{"key": "package_version", "value": "1:1.2.13"}, {"key": "package_name", "value": "zlib"}],
}
PACKAGE = {"name": "libssl3", "epoch": 0, "version": "3.0.11", "release": "1~deb12u2", "fixedInVersion": "0:3.0.17-1"}
ENHANCED = {
    "severity": "HIGH",
    "fixAvailable": "YES",
    "packageVulnerabilityDetails": {
        "vulnerabilityId": "CVE-2024-6119",
        "sourceUrl": "https://security-tracker.debian.org/tracker/CVE-2024-6119",
        "vulnerablePackages": [PACKAGE],
    },
}


def read(basic=(), enhanced=()) -> list[Vulnerability]:
    return scans.vulnerabilities({"imageScanFindings": {"findings": list(basic), "enhancedFindings": list(enhanced)}})


@pytest.mark.parametrize(
    ("name", "fixable"), [("CVE-2023-45853", False), ("CVE-2026-103111", True), ("CVE-1999-0001", None)]
)
def test_the_snapshot_says_whether_a_basic_finding_of_aws_has_a_fix(name, fixable):
    [found] = read([{**BASIC, "name": name}])
    assert (found.package, found.version, found.fixable, found.fixed_in) == ("zlib", "1:1.2.13", fixable, "")


def test_a_basic_finding_needs_no_attributes():
    [found] = read([{"name": "CVE-1999-0001", "severity": "UNDEFINED"}])
    assert (found.package, found.version, found.uri) == ("", "", "")


def test_an_enhanced_finding_is_listed_for_each_package():
    other = {"name": "openssl", "epoch": 1, "version": "3.0.11", "fixedInVersion": "NotAvailable"}
    details = {**ENHANCED["packageVulnerabilityDetails"], "vulnerablePackages": [PACKAGE, other]}
    both = read(enhanced=[{**ENHANCED, "fixAvailable": "PARTIAL", "packageVulnerabilityDetails": details}])
    assert [(each.package, each.version, each.fixable, each.fixed_in) for each in both] == [
        ("libssl3", "3.0.11-1~deb12u2", True, "0:3.0.17-1"),
        ("openssl", "1:3.0.11", False, ""),
    ]


def test_the_most_severe_is_listed_first_and_those_with_a_fix_before_others():
    names = [
        ("LOW", "CVE-1"),
        ("HIGH", "CVE-2"),
        ("HIGH", "CVE-2026-103111"),
        ("CRITICAL", "CVE-4"),
        ("UNTRIAGED", "X"),
    ]
    found = read([{**BASIC, "severity": severity, "name": name} for severity, name in names])
    assert [each.id for each in found] == ["CVE-4", "CVE-2026-103111", "CVE-2", "CVE-1", "X"]


@pytest.mark.parametrize(
    ("fixable", "until", "expected"),
    [
        (True, None, "update"),
        (False, None, "wait for a fix"),
        (None, None, "look it up"),
        (False, date(2026, 12, 1), "accepted until 2026-12-01"),
        (True, date(2027, 3, 31), "accepted until 2027-03-31"),
        (True, date(2026, 11, 30), "exception expired on 2026-11-30: update"),
        (False, date(2026, 11, 30), "exception expired on 2026-11-30: wait for a fix"),
    ],
)
def test_an_exception_counts_until_the_end_of_its_last_day(fixable, until, expected):
    found = Vulnerability("CVE-1", "zlib", "1", "HIGH", fixable, "", "")
    assert scans.decision(found, {"CVE-1": until} if until else {}, TODAY) == expected


def test_packages_with_the_same_vulnerability_share_a_row(capsys):
    found = [Vulnerability("CVE-1", name, "1", "HIGH", False, "", "") for name in ("libtinfo6", "ncurses-base")]
    scans.triage(found, today=TODAY)
    assert capsys.readouterr().out.splitlines()[2:] == ["HIGH      CVE-1          libtinfo6 + 1  no   wait for a fix"]


# The end of a scan


def on_aws(monkeypatch, *statuses):
    """A lab on AWS whose scan of an image has these statuses, one after the other."""
    left = list(statuses)

    def last(*_):
        status = left.pop(0) if len(left) > 1 else left[0]
        return {"imageScanStatus": {"status": status}, "imageScanFindings": {}}

    monkeypatch.setattr(scans, "last", last)
    monkeypatch.setitem(scans.PAUSE, "aws", 0)
    return SimpleNamespace(target="aws", client=lambda: boto3.client("ecr", region_name="eu-west-1"))


@pytest.mark.parametrize("end", ["COMPLETE", "ACTIVE"])
def test_a_scan_that_is_pending_is_waited_for(monkeypatch, end):
    answer = scans.finished(on_aws(monkeypatch, "PENDING", "IN_PROGRESS", end), "demo-scan-repo", "v1")
    assert answer["imageScanStatus"]["status"] == end


@pytest.mark.parametrize("status", scans.NOT_SCANNED)
def test_a_scan_that_does_not_end_is_an_error_at_once(monkeypatch, status):
    with pytest.raises(SandboxError, match=f"The scan failed: {status}"):
        scans.finished(on_aws(monkeypatch, status), "demo-scan-repo", "v1")


def test_each_status_of_ecr_is_known():
    model = boto3.client("ecr", region_name="eu-west-1").meta.service_model
    known = {*scans.STILL_SCANNING, *scans.NOT_SCANNED, "COMPLETE", "ACTIVE"}
    assert set(model.shape_for("ScanStatus").enum) == known
