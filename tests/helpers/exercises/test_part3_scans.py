"""Exercises 10.1 and 10.2, and waiting for a scan."""

from datetime import date

import pytest

from ecr_sandbox import SandboxError, background
from helpers import scans, settings
from helpers.exercises import checks
from helpers.exercises.part3_look_after import SCANNED
from tests.sandbox import rootfs

ZLIB = rootfs.dpkg("zlib1g", rootfs.ZLIB, "zlib")  # has two vulnerabilities without a fix
VULNERABLE, CLEAN = rootfs.debian(rootfs.dpkg(), ZLIB), rootfs.debian(rootfs.dpkg(version=rootfs.NEW_PCRE), ZLIB)
RIGHT = "✔ 10.2 what is pushed to team-… is scanned, and nothing else"


@pytest.fixture
def lab(plain, capsys):
    """A connected lab without an engine, with notebook 10's repository as its exercises find it."""
    ecr = plain.client()
    ecr.create_repository(repositoryName=SCANNED, imageScanningConfiguration={"scanOnPush": True})
    for tag, files in {"old": VULNERABLE, "fixed": CLEAN}.items():
        rootfs.push(ecr, SCANNED, tag, files)
        scans.finished(plain, SCANNED, tag)
    capsys.readouterr()
    return plain


FIX, NO_FIX = (
    [rootfs.CVE],
    [rootfs.UNFIXED, "CVE-2026-27171"],
)  # what fixed does not find any more, and what it still finds


def test_findings_are_sorted_by_what_a_rebuild_removes(lab):
    for answer, expected in [
        (None, '✗ 10.1 the answer has two lists, "rebuild" and "exception".'),
        ({"rebuild": FIX}, "✗ 10.1 the answer has two lists"),
        ({"rebuild": FIX, "exception": []}, "✗ 10.1 2 of 3 findings of old are in no list."),
        ({"rebuild": FIX + NO_FIX, "exception": []}, "✗ 10.1 at least one finding is in the wrong list."),
        ({"rebuild": [], "exception": FIX + NO_FIX}, "✗ 10.1 at least one finding is in the wrong list."),
        ({"rebuild": NO_FIX, "exception": FIX}, "✗ 10.1 at least one finding is in the wrong list."),
        ({"rebuild": FIX, "exception": FIX + NO_FIX}, f"✗ 10.1 {FIX[0]} is in both lists."),
        ({"rebuild": [*FIX, "CVE-1999-1"], "exception": NO_FIX}, "✗ 10.1 CVE-1999-1 is not a finding of old."),
        ({"rebuild": FIX, "exception": NO_FIX}, "✔ 10.1 1 to fix by a rebuild, 2 without a fix for an exception"),
        ({"rebuild": FIX[0], "exception": set(NO_FIX)}, "✔ 10.1"),
    ]:
        assert checks.verdict("10.1", answer)[1].startswith(expected), answer


def test_both_images_must_be_scanned(lab):
    ecr = lab.client()
    off = {"repositoryName": SCANNED, "imageScanningConfiguration": {"scanOnPush": False}}
    ecr.put_image_scanning_configuration(**off)
    rootfs.push(ecr, SCANNED, "fixed", CLEAN | {"app": b"another"})
    assert checks.verdict("10.1", {"rebuild": [], "exception": []})[1].startswith("✗ 10.1 fixed has no result of a sca")
    ecr.batch_delete_image(repositoryName=SCANNED, imageIds=[{"imageTag": "fixed"}])
    assert checks.verdict("10.1")[1].startswith("✗ 10.1 fixed is not in demo-scan-repo yet.")


def test_an_image_that_cannot_be_scanned_is_not_accepted(lab):
    rootfs.push(lab.client(), SCANNED, "fixed", {"app": b"alone"})
    with pytest.raises(SandboxError, match="UnsupportedImageError"):
        scans.finished(lab, SCANNED, "fixed")
    assert checks.verdict("10.1")[1].startswith("✗ 10.1 fixed has no result of a scan.")


def test_scan_filters_are_tested_with_example_names(lab):
    for scan_type, frequency, patterns, expected in [
        ("BASIC", "SCAN_ON_PUSH", [], "✗ 10.2 a repository team-shop would not be scanned on push."),
        ("BASIC", "MANUAL", ["team-*"], "✗ 10.2 a repository team-shop would not be scanned on push."),
        ("ENHANCED", "SCAN_ON_PUSH", ["team-*"], "✗ 10.2 the registry's type of scan is ENHANCED."),
        ("BASIC", "SCAN_ON_PUSH", ["*"], "✗ 10.2 a repository shop would be scanned, too."),
        ("BASIC", "SCAN_ON_PUSH", ["team"], "✗ 10.2 a repository my-team-shop would be scanned, too."),
        ("BASIC", "SCAN_ON_PUSH", ["*team-*"], "✗ 10.2 a repository my-team-shop would be scanned, too."),
        ("BASIC", "SCAN_ON_PUSH", ["team-shop*"], "✗ 10.2 a repository team-1 would not be scanned on push."),
        ("BASIC", "SCAN_ON_PUSH", ["team-*", "demo-*"], "✗ 10.2 a repository demo-app-repo would be scanned, too."),
        ("BASIC", "SCAN_ON_PUSH", ["team-*"], RIGHT),
        ("BASIC", "SCAN_ON_PUSH", ["team-*", "team-shop*"], RIGHT),
    ]:
        filters = [{"filter": each, "filterType": "WILDCARD"} for each in patterns]
        rules = [{"scanFrequency": frequency, "repositoryFilters": filters}] if patterns else []
        lab.client().put_registry_scanning_configuration(scanType=scan_type, rules=rules)
        assert checks.verdict("10.2")[1].startswith(expected), (scan_type, frequency, patterns)


def test_the_findings_of_all_pages_are_returned(lab):
    ecr = lab.client()
    rootfs.push(ecr, SCANNED, "many", rootfs.debian(*(rootfs.dpkg(f"libpcre{n}") for n in range(130))))
    assert len(scans.finished(lab, SCANNED, "many")["imageScanFindings"]["findings"]) == 130


def test_the_table_for_triage(lab, capsys):
    found = scans.vulnerabilities(scans.finished(lab, SCANNED, "old"))
    scans.triage(found, {rootfs.UNFIXED: date(2027, 3, 31)}, date(2026, 12, 1))
    assert capsys.readouterr().out.splitlines()[2:] == [
        "CRITICAL  CVE-2023-45853   zlib1g        no               accepted until 2027-03-31",
        "HIGH      CVE-2026-103111  libpcre2-8-0  10.42-1+deb12u2  update",
        "MEDIUM    CVE-2026-27171   zlib1g        no               wait for a fix",
    ]


def test_waiting_for_a_scan_times_out(lab, monkeypatch):
    monkeypatch.setattr(scans, "TIMEOUT", 0.3)
    with pytest.raises(SandboxError, match="was not scanned"):
        off = {"repositoryName": SCANNED, "imageScanningConfiguration": {"scanOnPush": False}}
        lab.client().put_image_scanning_configuration(**off)
        rootfs.push(lab.client(), SCANNED, "never", CLEAN | {"app": b"never"})
        scans.finished(lab, SCANNED, "never")


def test_the_packages_found_by_scans_can_be_listed(lab):
    assert background.seen_packages(settings.sandbox()) == [("Debian:12", "pcre2"), ("Debian:12", "zlib")]
    background.advisories_changed(settings.sandbox())
    background.stop(settings.sandbox())
    assert background.seen_packages(settings.sandbox()) == []
    background.advisories_changed(settings.sandbox())  # without a sandbox it does nothing
