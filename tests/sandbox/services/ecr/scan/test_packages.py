"""The packages of an image, from the files of its package managers."""

import json
from dataclasses import asdict
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.services.ecr.scan.layers import Kept, Tree
from ecr_sandbox.services.ecr.scan.limits import TooMuch
from ecr_sandbox.services.ecr.scan.packages import Inventory, inventory, want

DEBIAN = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
ALPINE = b'ID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME="Alpine Linux v3.20"\n'
DPKG = b"""\
Package: libssl3
Status: install ok installed
Source: openssl
Version: 3.0.20-1~deb12u2
Architecture: amd64
Description: Secure Sockets Layer toolkit
 Package: not-a-field
 .
 Version: 9

Package: bash
Status: install ok installed
Architecture: amd64
Source: bash (5.2.15-2)
Version: 5.2.15-2+b13

Package: gone
Status: deinstall ok config-files
Version: 1.0

"""
APK = b"C:Q1abc\nP:libcrypto3\nV:3.3.2-r0\nA:x86_64\no:openssl\nF:usr/lib\n\nP:musl\nV:1.2.5-r0\nA:x86_64\n"
DIST = "usr/local/lib/python3.11/site-packages/Jinja2-3.1.2.dist-info/METADATA"
METADATA = b"Metadata-Version: 2.1\nName: Jinja2\nVersion: 3.1.2\nSummary: a line\n\nVersion: 0 in the text\n"


def look_at(files: dict[str, bytes]) -> Inventory:
    """The inventory of an image with these files."""
    made = {path: tuple((want(path) or (lambda file: ()))(BytesIO(content))) for path, content in files.items()}
    return inventory(Tree({path: Kept(content, "sha256:1") for path, content in made.items() if content}))


def names(found: Inventory) -> list[tuple[str, str, str]]:
    return [(each.name, each.version, f"{each.source} {each.source_version}") for each in found.packages]


def test_debian_packages_have_the_name_of_their_source_package():
    found = look_at({"etc/os-release": DEBIAN, "var/lib/dpkg/status": DPKG})
    assert found.platform == "DEBIAN_12"
    assert {each.ecosystem for each in found.packages} == {"Debian:12"}
    assert names(found) == [
        ("bash", "5.2.15-2+b13", "bash 5.2.15-2"),
        ("libssl3", "3.0.20-1~deb12u2", "openssl 3.0.20-1~deb12u2"),
    ]
    assert {(each.arch, each.layer, each.path) for each in found.packages} == {
        ("amd64", "sha256:1", "var/lib/dpkg/status")
    }


def test_distroless_images_have_one_file_for_each_package():
    part = b"Package: libc6\nSource: glibc\nVersion: 2.36-9+deb12u7\nArchitecture: amd64\n"
    found = look_at(
        {
            "usr/lib/os-release": DEBIAN,
            "var/lib/dpkg/status.d/libc6": part,
            "var/lib/dpkg/status.d/libc6.md5sums": b"0 usr/lib/libc.so",
        }
    )
    assert names(found) == [("libc6", "2.36-9+deb12u7", "glibc 2.36-9+deb12u7")]


@pytest.mark.parametrize("path", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
def test_alpine_packages(path):
    found = look_at({"etc/os-release": ALPINE, path: APK})
    assert found.platform == "ALPINE_LINUX_3_20"
    assert {each.ecosystem for each in found.packages} == {"Alpine:v3.20"}
    assert names(found) == [("libcrypto3", "3.3.2-r0", "openssl 3.3.2-r0"), ("musl", "1.2.5-r0", "musl 1.2.5-r0")]


@pytest.mark.parametrize(
    ("release", "platform"),
    [
        (b"ID=ubuntu\nVERSION_ID='24.04'\n", "UBUNTU_24_04"),
        (b'ID="amzn"\nVERSION_ID="2023"\n', ""),
        (b"ID=debian\n", ""),
        (b"", ""),
        (b"\xff\x00", ""),
    ],
)
def test_os_release_identifies_the_operating_system(release, platform):
    assert look_at({"etc/os-release": release, "var/lib/dpkg/status": DPKG}).platform == platform


@pytest.mark.parametrize(
    ("version", "number", "ecosystem"),
    [("24.04.3 LTS (Noble Numbat)", "24.04", "Ubuntu:24.04:LTS"), ("25.10 (Questing Quokka)", "25.10", "Ubuntu:25.10")],
)
def test_ubuntu_releases_have_osvs_ecosystem_names(version, number, ecosystem):
    release = f'ID=ubuntu\nVERSION="{version}"\nVERSION_ID="{number}"\n'.encode()
    assert {each.ecosystem for each in look_at({"etc/os-release": release, "var/lib/dpkg/status": DPKG}).packages} == {
        ecosystem
    }


def test_os_release_in_etc_has_precedence():
    assert look_at({"usr/lib/os-release": ALPINE, "etc/os-release": DEBIAN}).platform == "DEBIAN_12"


def test_python_packages_have_normalized_names():
    egg = b"Metadata-Version: 1.1\nName: My.Old_Egg\nVersion: 0.1\n"
    found = look_at({DIST: METADATA, "usr/lib/python3/dist-packages/my_old.egg-info/PKG-INFO": egg})
    assert names(found) == [("Jinja2", "3.1.2", "jinja2 3.1.2"), ("My.Old_Egg", "0.1", "my-old-egg 0.1")]
    assert found.packages[0].path == DIST
    assert found.platform == ""


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("app/node_modules/lodash/package.json", True),
        ("app/node_modules/@scope/pkg/package.json", True),
        ("app/node_modules/a/node_modules/lodash/package.json", True),
        ("app/package.json", False),
        ("app/node_modules/lodash/fp/package.json", False),
    ],
)
def test_npm_packages_are_below_node_modules(path, there):
    found = look_at({path: b'{"name": "lodash", "version": "4.17.20"}'})
    assert names(found) == ([("lodash", "4.17.20", "lodash 4.17.20")] if there else [])


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"name": "x"}', b'{"name": 1, "version": []}', b"\xff" * 100])
def test_an_invalid_package_json_is_ignored(content):
    assert look_at({"node_modules/x/package.json": content}).packages == ()


LARGE = {
    "dpkg's list": ("var/lib/dpkg/status", (b"x" * 99_999 + b"\n") * 340),
    "a distroless package": ("var/lib/dpkg/status.d/a", b"Package: a\n" * 400_000),
    "a line": ("lib/apk/db/installed", b"P:" + b"a" * 300_000),
    "a name": ("lib/apk/db/installed", b"P:" + b"a" * 5_000 + b"\nV:1\n"),
    "a version": (DIST, b"Name: a\nVersion: " + b"1." * 3_000),
    "a package.json": ("node_modules/x/package.json", b'{"x": "' + b"1" * (4 << 20) + b'"}'),
    "npm's version": ("node_modules/x/package.json", b'{"name": "x", "version": "' + b"1." * 3_000 + b'"}'),
}


@pytest.mark.parametrize(("path", "content"), LARGE.values(), ids=LARGE)
def test_large_descriptions_of_packages_are_refused(path, content):
    with pytest.raises(TooMuch):
        look_at({"etc/os-release": DEBIAN, path: content})


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"name": "x", "version": ' + b"9" * 5_000 + b"}"])
def test_a_deep_or_numeric_package_json_is_ignored(content):
    """Python's limits: RecursionError, and ValueError for an integer of more than 4,300 digits."""
    assert look_at({"node_modules/x/package.json": content}).packages == ()


def test_a_name_that_is_no_unicode_can_be_stored():
    """Half of a surrogate pair, RFC 8259, 8.2."""
    found = look_at({"node_modules/x/package.json": rb'{"name": "x\ud800", "version": "1"}'})
    assert [each.name.encode() for each in found.packages] == [b"x?"]


def test_fields_are_case_insensitive():
    """Debian policy, 5.1; email headers, RFC 5322."""
    assert names(look_at({DIST: b"name: Jinja2\nVERSION: 3.1.2\n"})) == [("Jinja2", "3.1.2", "jinja2 3.1.2")]


def test_an_inventory_can_be_stored():
    found = look_at({"etc/os-release": DEBIAN, "var/lib/dpkg/status": DPKG, DIST: METADATA})
    assert Inventory.of(json.loads(json.dumps(asdict(found)))) == found


@given(
    st.sampled_from(["var/lib/dpkg/status", "lib/apk/db/installed", DIST, "node_modules/x/package.json"]),
    st.binary(max_size=200) | st.text("PVo:\n Packgersion1.{}\"'[,").map(str.encode),
    st.sampled_from([DEBIAN, ALPINE]),
)
def test_damaged_files_raise_no_error(path, content, release):
    found = look_at({"etc/os-release": release, path: content})
    assert all(each.name and each.version for each in found.packages)
