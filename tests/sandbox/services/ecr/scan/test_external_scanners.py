"""trivy and grype, replaced by programs that print the same output."""

import json
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecr_sandbox.services.ecr.scan import external_scanners
from tests.sandbox.rootfs import debian, dpkg, push, python
from tests.sandbox.services.ecr.test_scan_api import enhanced, make, names, scanned

# Shortened output of the real programs for a real image.
TRIVY = {
    "SchemaVersion": 2,
    "Results": [
        {
            "Target": "layout (debian 12.15)",
            "Class": "os-pkgs",
            "Type": "debian",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2025-1",
                    "PkgName": "libc6",
                    "InstalledVersion": "2.36-9",
                    "FixedVersion": "2.36-9+deb12u1",
                    "Layer": {"DiffID": "sha256:aa", "Digest": "sha256:bb"},
                    "PrimaryURL": "https://avd.aquasec.com/nvd/cve-2025-1",
                    "Title": "a title",
                    "Severity": "CRITICAL",
                    "CVSS": {"nvd": {"V3Vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "V3Score": 9.8}},
                }
            ],
        },
        {
            "Target": "Python",
            "Class": "lang-pkgs",
            "Type": "python-pkg",
            "Vulnerabilities": [
                {
                    "VulnerabilityID": "CVE-2025-2",
                    "PkgName": "Jinja2",
                    "PkgPath": "usr/lib/x/METADATA",
                    "InstalledVersion": "3.1.2",
                    "Severity": "UNKNOWN",
                }
            ],
        },
        {"Target": "secrets", "Class": "secret"},
    ],
}
GRYPE = {
    "matches": [
        {
            "vulnerability": {
                "id": "CVE-2025-1",
                "dataSource": "https://security-tracker.debian.org/tracker/CVE-2025-1",
                "severity": "Negligible",
                "description": "words",
                "cvss": [{"version": "3.1", "vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
                "fix": {"versions": ["2.36-9+deb12u1"], "state": "fixed"},
            },
            "artifact": {
                "name": "libc6",
                "version": "2.36-9",
                "type": "deb",
                "locations": [{"path": "/var/lib/dpkg/status", "layerID": "sha256:aa"}],
            },
        },
        {
            "vulnerability": {"id": "GHSA-2", "severity": "High", "fix": {"versions": []}},
            "artifact": {"name": "Jinja2", "version": "3.1.2", "type": "python", "locations": []},
        },
    ]
}
# Like the real programs, it reads the image first: a layout with all blobs and the right digests.
PROGRAM = """#!/usr/bin/env python3
import hashlib, json, pathlib, sys
layout = pathlib.Path(sys.argv[-1].removeprefix("oci-dir:"))
[about] = json.loads((layout / "index.json").read_text())["manifests"]
blobs = layout / "blobs" / "sha256"
manifest = json.loads((blobs / about["digest"].partition(":")[2]).read_text())
for part in [about, manifest["config"], *manifest["layers"]]:
    content = (blobs / part["digest"].partition(":")[2]).read_bytes()
    assert "sha256:" + hashlib.sha256(content).hexdigest() == part["digest"]
print(pathlib.Path(__file__).with_suffix(".json").read_text())
"""


def install(folder: Path, name: str, program: str = PROGRAM, output: object = None) -> str:
    """Write a program of that name to *folder* and return the folder for PATH."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(program)
    (folder / name).chmod(stat.S_IRWXU)
    (folder / f"{name}.json").write_text(json.dumps(output))
    return str(folder)


@pytest.fixture
def with_scanner(own_sandbox, tmp_path, monkeypatch):
    """Starts a sandbox that scans with *name*."""

    def start(name: str, program: str = PROGRAM, output: object = None):
        if program:
            folder = install(tmp_path / "bin", name, program, output)
            monkeypatch.setenv("PATH", folder, prepend=":")
        return own_sandbox.start(prefix=["env", f"{external_scanners.ASKED_BY}={name}"]).client()

    return start


@pytest.mark.parametrize(
    ("name", "output", "of_language"), [("trivy", TRIVY, "CVE-2025-2"), ("grype", GRYPE, "GHSA-2")]
)
def test_findings_of_external_scanners_are_in_ecrs_format(with_scanner, name, output, of_language):
    ecr = with_scanner(name, output=output)
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, repository, "v1", debian(dpkg()) | python("Jinja2", "3.1.2"))
    answer = scanned(ecr, repository)
    assert names(answer) == [("CVE-2025-1", "libc6")]
    assert answer["imageScanStatus"]["description"].endswith(f"Scanned by {name}.")
    [finding] = answer["imageScanFindings"]["findings"]
    assert finding["severity"] == ("CRITICAL" if name == "trivy" else "INFORMATIONAL")
    assert finding["description"].endswith("Fixed in 2.36-9+deb12u1.")
    enhanced(ecr)
    assert sorted(names(scanned(ecr, repository))) == sorted([("CVE-2025-1", "libc6"), (of_language, "Jinja2")])


@pytest.mark.parametrize(
    ("program", "output", "expected"),
    [
        ("", None, "is not installed"),
        ("#!/bin/sh\necho 'database is gone' >&2; exit 1\n", None, "trivy failed: database is gone"),
        ("#!/bin/sh\necho nonsense\n", None, "not understood"),
        (PROGRAM, {"Results": [{"Vulnerabilities": [{}]}]}, "not understood"),
    ],
)
def test_a_scanner_that_fails_fails_the_scan_with_a_reason(with_scanner, program, output, expected):
    ecr = with_scanner("trivy", program, output)
    repository = make(ecr, imageScanningConfiguration={"scanOnPush": True})
    push(ecr, repository, "v1", debian(dpkg()))
    answer = scanned(ecr, repository, done=lambda answer: True)
    assert answer["imageScanStatus"]["status"] == "FAILED"
    assert expected in answer["imageScanStatus"]["description"]


def test_other_programs_are_not_run(monkeypatch):
    monkeypatch.setenv(external_scanners.ASKED_BY, "rm")
    with pytest.raises(external_scanners.CannotScan, match="trivy or grype"):
        external_scanners.wanted()
    monkeypatch.setenv(external_scanners.ASKED_BY, "")
    assert external_scanners.wanted() is None


def test_a_scanner_that_hangs_fails_the_scan(monkeypatch, tmp_path):
    monkeypatch.setattr(external_scanners, "LONGEST", 0.2)
    monkeypatch.setenv("PATH", install(tmp_path / "bin", "trivy", "#!/bin/sh\nexec sleep 600\n"), prepend=":")
    with pytest.raises(external_scanners.CannotScan, match="did not end within"):
        external_scanners.scan("trivy", SimpleNamespace(path=Path), '{"config": {"digest": "sha256:0", "size": 2}}', "")
