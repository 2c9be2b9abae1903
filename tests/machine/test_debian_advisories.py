"""Advisories are read from Debian changelogs."""

import gzip
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from machine import debian_advisories

CHANGELOG = """\
demo (1.0-1+deb12u3) bookworm-security; urgency=high

  * CVE-2026-7777: another overflow; CVE-2025-11111 was not fixed completely.
  * CVE-2026-5555 is fixed, too.

 -- Debian Maintainer <maintainer@example.org>  Sat, 03 Oct 2026 15:07:41 +0200

demo (1.0-1+deb12u2) bookworm; urgency=medium

  * Fix CVE-2025-11111 and CVE-2025-9999.

 -- Debian Maintainer <maintainer@example.org>  Mon, 06 Jan 2025 10:00:00 +0000

demo (1.0-1) unstable; urgency=medium

  * Fixes CVE-2020-1111, long before this release.

 -- Debian Maintainer <maintainer@example.org>  Wed, 01 Jan 2020 10:00:00 +0000
"""


def found(text: str = CHANGELOG, release: str = "12") -> list[tuple[str, str]]:
    vulns = debian_advisories.fixed(release, "demo", text)
    return [(each["id"], each["affected"][0]["ranges"][0]["events"][1]["fixed"]) for each in vulns]


def test_each_cve_has_the_first_fixed_version_of_the_release():
    assert found() == [
        ("CVE-2025-9999", "1.0-1+deb12u2"),
        ("CVE-2025-11111", "1.0-1+deb12u2"),
        ("CVE-2026-5555", "1.0-1+deb12u3"),
        ("CVE-2026-7777", "1.0-1+deb12u3"),
    ]


def test_fixes_of_another_release_are_ignored():
    assert found(release="13") == []


def test_an_advisory_has_the_osv_format():
    first = next(debian_advisories.fixed("12", "demo", CHANGELOG))
    assert first == {
        "id": "CVE-2025-9999",
        "modified": "2025-01-06T10:00:00+00:00",
        "affected": [
            {
                "package": {"ecosystem": "Debian:12", "name": "demo"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.0-1+deb12u2"}]}],
            }
        ],
    }


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")
def test_a_snapshot_is_built_from_packages_and_keeps_severities(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(debian_advisories, "FOLDER", tmp_path)
    root = tmp_path / "package"
    docs = root / "usr/share/doc/libdemo1"
    docs.mkdir(parents=True)
    (docs / "changelog.Debian.gz").write_bytes(gzip.compress(CHANGELOG.encode()))
    (docs / "changelog.gz").write_bytes(gzip.compress(b"the upstream changelog, CVE-1999-1111"))
    (root / "DEBIAN").mkdir()
    fields = {"Package": "libdemo1", "Source": "demo (1.0-1+deb12u3)", "Version": "1.0-1+deb12u3+b1"}
    more = {"Architecture": "all", "Maintainer": "x <x@example.org>", "Description": "x"}
    control = "".join(f"{name}: {value}\n" for name, value in (fields | more).items())
    (root / "DEBIAN" / "control").write_text(control)
    deb = tmp_path / "libdemo1.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(root), str(deb)], check=True, capture_output=True)
    severity = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:H/A:L"}]
    old = {"vulns": [{"id": "CVE-2026-7777", "severity": severity, "summary": "ours"}]}
    (tmp_path / "debian-12.json").write_text(json.dumps(old))
    debian_advisories.main("12", [deb])
    made = json.loads((tmp_path / "debian-12.json").read_text())
    assert made["covers"] == {"Debian:12": ["demo"]}
    assert [each["id"] for each in made["vulns"]] == [
        "CVE-2025-9999",
        "CVE-2025-11111",
        "CVE-2026-5555",
        "CVE-2026-7777",
    ]
    assert made["vulns"][3]["severity"] == severity
    assert made["vulns"][3]["summary"] == "ours"
    assert made["limits"] and made["source"] and made["date"]
