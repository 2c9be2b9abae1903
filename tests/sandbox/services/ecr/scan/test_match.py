"""Which packages an advisory affects, its severity, and which packages are unknown."""

import json

import pytest

from ecr_sandbox.services.ecr.scan import advisories
from ecr_sandbox.services.ecr.scan.advisories import Snapshot, read
from ecr_sandbox.services.ecr.scan.match import affects, match
from ecr_sandbox.services.ecr.scan.packages import Package
from ecr_sandbox.services.ecr.scan.severity import base_score, severity
from ecr_sandbox.services.ecr.scan.versions import key
from tests.sandbox import rootfs

# https://www.first.org/cvss/v3.1/examples and https://nvd.nist.gov/
SCORES = {
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H": 9.8,
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H": 10.0,
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N": 6.1,
    "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H": 7.8,
    "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:L/I:H/A:L": 7.6,
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N": 5.4,
    "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:N/A:N": 8.6,
    "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N": 1.6,
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N": 0.0,
}


def vuln(*events: dict[str, str], name: str = "demo", ecosystem: str = "PyPI", **more) -> dict:
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}]
    return {"id": "X-1", "affected": [{"package": {"ecosystem": ecosystem, "name": name}, "ranges": ranges}], **more}


def package(version: str, name: str = "demo", ecosystem: str = "PyPI", path: str = "") -> Package:
    return Package(ecosystem, name, version, name, version, path, "")


def snapshot(*vulns: dict, covers: tuple[tuple[str, str], ...] = ()) -> Snapshot:
    known: dict = {}
    for each in vulns:
        for advisory in read(each):
            known.setdefault((advisory.ecosystem, advisory.package), []).append(advisory)
    return Snapshot(0.0, "", {name: tuple(found) for name, found in known.items()}, frozenset(covers) | known.keys())


TWO_BRANCHES = ({"introduced": "2.0"}, {"fixed": "2.0.6"}, {"introduced": "0"}, {"fixed": "1.26.17"})


@pytest.mark.parametrize(
    ("events", "version", "expected"),
    [
        (({"introduced": "0"}, {"fixed": "3.1.6"}), "3.1.5", (True, "3.1.6")),
        (({"introduced": "0"}, {"fixed": "3.1.6"}), "3.1.6", (False, "")),
        (({"introduced": "0"}, {"fixed": "3.1.6"}), "3.1.10", (False, "")),
        (({"introduced": "3.0.0"}, {"fixed": "3.1.5"}), "2.11.3", (False, "")),
        (({"introduced": "3.0.0"}, {"fixed": "3.1.5"}), "3.0.0", (True, "3.1.5")),
        (({"introduced": "0"},), "99", (True, "")),
        (({"introduced": "0"}, {"last_affected": "1.5"}), "1.5", (True, "")),
        (({"introduced": "0"}, {"last_affected": "1.5"}), "1.6", (False, "")),
        (TWO_BRANCHES, "1.26.16", (True, "1.26.17")),
        (TWO_BRANCHES, "1.26.17", (False, "")),
        (TWO_BRANCHES, "2.0", (True, "2.0.6")),
        (TWO_BRANCHES, "2.1", (False, "")),
    ],
)
def test_a_range_selects_the_affected_versions(events, version, expected):
    [advisory] = read(vuln(*events))
    assert affects(advisory, key("PyPI", version), version) == expected


def test_an_advisory_can_list_single_versions():
    [advisory] = read({"id": "X", "affected": [{"package": {"ecosystem": "PyPI", "name": "d"}, "versions": ["1.0"]}]})
    assert affects(advisory, key("PyPI", "1.0"), "1.0") == (True, "")
    assert affects(advisory, key("PyPI", "1.1"), "1.1") == (False, "")


def test_debian_versions_are_compared_by_debians_rules():
    known = snapshot(vuln({"introduced": "0"}, {"fixed": "1.0-1+deb12u10"}, ecosystem="Debian:12"))
    assert match([package("1.0-1+deb12u9", ecosystem="Debian:12")], known).found
    assert not match([package("1.0-1+deb12u10", ecosystem="Debian:12")], known).found


def test_each_release_of_a_distribution_has_its_own_advisories():
    known = snapshot(vuln({"introduced": "0"}, ecosystem="Debian:12"))
    assert match([package("1.0-1", ecosystem="Debian:13")], known).found == ()


def test_a_withdrawn_advisory_affects_nothing():
    assert list(read(vuln({"introduced": "0"}, withdrawn="2024-01-01T00:00:00Z"))) == []


def test_one_vulnerability_with_two_records_is_found_once():
    one = vuln({"introduced": "0"}, aliases=["CVE-2024-1"])
    two = {**one, "id": "CVE-2024-1", "aliases": []}
    [found] = match([package("1.0")], snapshot(one, two)).found
    assert found.advisory.name == "CVE-2024-1"


def test_the_same_package_in_two_places_is_found_twice():
    known = snapshot(vuln({"introduced": "0"}))
    assert len(match([package("1.0", path="a"), package("1.0", path="b")], known).found) == 2


def test_packages_without_data_are_counted_as_unknown():
    known = snapshot(vuln({"introduced": "5"}), covers=(("PyPI", "quiet"),))
    result = match([package("1.0"), package("1.0", "quiet"), package("1.0", "strange"), package("main")], known)
    assert (result.found, result.looked_at, result.unknown) == ((), 4, 2)


def test_an_unreadable_advisory_does_not_hide_another():
    known = snapshot(vuln({"introduced": "0"}, {"fixed": "soon"}), vuln({"introduced": "0"}, aliases=["CVE-2024-1"]))
    result = match([package("1.0")], known)
    assert [each.advisory.name for each in result.found] == ["CVE-2024-1"]
    assert result.unknown == 1


def test_an_unreadable_range_does_not_hide_another():
    two = vuln({"introduced": "0"}, {"fixed": "soon"})
    two["affected"][0]["ranges"] += [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}]
    [found] = match([package("1.0")], snapshot(two)).found
    assert found.fixed == "1.1"


def test_a_listed_version_is_affected_whatever_the_range():
    named = vuln({"introduced": "0"}, {"fixed": "soon"})
    named["affected"][0]["versions"] = ["1.0"]
    assert len(match([package("1.0"), package("1.1")], snapshot(named)).found) == 1


@pytest.mark.parametrize(("vector", "score"), SCORES.items())
def test_the_score_of_a_vector(vector, score):
    assert base_score(vector) == score


@pytest.mark.parametrize("vector", ["", "AV:N", "CVSS:3.1/AV:N", "CVSS:3.1/AV:X/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"])
def test_an_invalid_vector_has_no_score(vector):
    assert base_score(vector) is None


@pytest.mark.parametrize(
    ("word", "vector", "expected"),
    [
        ("MODERATE", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "MEDIUM"),
        ("unimportant", "", "INFORMATIONAL"),
        ("not yet assigned", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "CRITICAL"),
        ("", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", "HIGH"),
        ("", "CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", "LOW"),
        ("", "CVSS:4.0/AV:N", "UNDEFINED"),
        ("", "", "UNDEFINED"),
    ],
)
def test_the_severity_comes_from_the_database_or_else_from_the_score(word, vector, expected):
    assert severity(word, vector) == expected


def test_ubuntus_priority_is_the_severity():
    scores = [{"type": "Ubuntu", "score": "low"}, {"type": "CVSS_V3", "score": max(SCORES)}]
    [advisory] = read(vuln({"introduced": "0"}, ecosystem="Ubuntu:24.04:LTS", severity=scores))
    assert (advisory.severity, advisory.vector) == ("low", max(SCORES))


def test_the_shipped_snapshot_is_readable_and_names_its_source():
    shipped = advisories.load(advisories.SHIPPED)
    assert len(shipped.of_package) > 30
    assert shipped.covered("Debian:12", "bash"), "covered, although it has no advisory"
    assert not shipped.covered("Debian:12", "no-such-package")
    for path in advisories.SHIPPED.glob("*.json"):
        content = json.loads(path.read_text())
        assert content["source"] and content["limits"] and content["date"]
        for each in content["vulns"]:
            for advisory in read(each):
                for event in (event for events in advisory.ranges for event in events):
                    [version] = event.values()
                    assert version == "0" or key(advisory.ecosystem, version), each["id"]


def test_the_shipped_snapshot_has_vulnerabilities_without_a_fix():
    shipped = advisories.load(advisories.SHIPPED)
    zlib = package(rootfs.ZLIB, "zlib", "Debian:12")
    found = {each.advisory.name: each.fixed for each in match([zlib], shipped).found}
    assert found[rootfs.UNFIXED] == ""
    [apt] = shipped.of_package["Debian:12", "apt"]
    assert severity(apt.severity, apt.vector) == "INFORMATIONAL"
    assert advisories.has_known_fix(rootfs.UNFIXED) is False
    assert advisories.has_known_fix(rootfs.CVE) is True
    assert advisories.has_known_fix("CVE-1999-0001") is None


def test_no_vulnerability_is_in_the_snapshot_twice():
    for name, listed in advisories.load(advisories.SHIPPED).of_package.items():
        names = [each.name for each in listed]
        assert len(set(names)) == len(names), name


def test_fetched_advisories_replace_the_shipped_ones(tmp_path, monkeypatch):
    monkeypatch.setenv("ECR_SANDBOX_STATE", str(tmp_path))
    before = advisories.mark()
    assert advisories.folder() == advisories.SHIPPED
    (tmp_path / "advisories").mkdir()
    fetched = {"date": "2027-01-01T00:00:00+00:00", "covers": {"PyPI": ["Demo_Package"]}, "vulns": []}
    (tmp_path / "advisories" / "osv.json").write_text(json.dumps(fetched))
    assert advisories.load().covered("PyPI", "demo-package")
    assert not advisories.load().covered("Debian:12", "bash")
    assert advisories.mark() != before
