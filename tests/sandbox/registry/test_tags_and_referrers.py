"""Content discovery: the list of tags, in pages, and the referrers of an image."""

import json
import sqlite3

import pytest

from tests.sandbox.conftest import Person
from tests.sandbox.wire import OCI, OCI_INDEX, Wire, digest_of, error

SBOM, SIGNATURE = "application/spdx+json", "application/vnd.example.signature"
TAGS = ["1", "10", "2", "V", "_", "a", "a-b", "a.b", "b"]  # sorted by their bytes


@pytest.fixture(scope="module")
def authorization(sandbox):
    return sandbox.basic()


@pytest.fixture
def wire(sandbox, repository, authorization):
    return Wire(sandbox.url, repository, authorization)


@pytest.fixture
def tagged(wire):
    image = wire.image(b"a layer")
    for tag in reversed(TAGS):
        wire.push(image, tag)
    return wire


def tags(wire, query=""):
    answer = wire.ask("GET", f"tags/list{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == wire.repository
    return answer.json()["tags"], answer.headers.get("Link")


# --- tags -----------------------------------------------------------------------------------------------------------


def test_tags_are_sorted_by_their_bytes(tagged):
    assert tags(tagged) == (TAGS, None)


def test_an_empty_repository_has_no_tags(wire):
    assert tags(wire) == ([], None)


@pytest.mark.parametrize("size", [1, 2, 4, 9, 100])
def test_tags_are_listed_in_pages(tagged, size):
    seen, link = tags(tagged, f"?n={size}")
    pages = 1
    while link:
        assert link == f'</v2/{tagged.repository}/tags/list?n={size}&last={seen[-1]}>; rel="next"'
        more, link = tags(tagged, "?" + link.partition("?")[2].partition(">")[0])
        assert more
        seen, pages = seen + more, pages + 1
    assert seen == TAGS
    assert pages == -(-len(TAGS) // size)


def test_a_page_starts_after_last_even_if_it_is_not_a_tag(tagged):
    assert tags(tagged, "?last=V") == (TAGS[4:], None)
    assert tags(tagged, "?last=a0&n=1")[0] == ["b"]
    assert tags(tagged, "?last=zzz") == ([], None)


def test_a_page_of_size_zero_is_empty(tagged):
    assert tags(tagged, "?n=0") == ([], None)


@pytest.mark.parametrize("size", ["-1", "x", "", "1.5", "9" * 16, "%d9%a3", " 1"])
def test_an_invalid_page_size_is_refused(tagged, size):
    assert error(tagged.ask("GET", f"tags/list?n={size}")) == (400, "PAGINATION_NUMBER_INVALID")


def test_head_of_tags(tagged):
    answer = tagged.ask("HEAD", "tags/list?n=1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "Link" in answer.headers


# --- referrers ------------------------------------------------------------------------------------------------------


def push_referrer(wire, subject, content, **more):
    """Push an artifact whose subject is *subject*; its descriptor."""
    return wire.push(wire.image(content, subject=subject, **more))


def referrers(wire, digest, query=""):
    answer = wire.ask("GET", f"referrers/{digest}{query}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == OCI_INDEX
    index = answer.json()
    assert (index["schemaVersion"], index["mediaType"]) == (2, OCI_INDEX)
    return index["manifests"], answer.headers


def test_a_push_with_a_subject_returns_the_header_oci_subject(wire):
    subject = wire.push(wire.image(b"an app"), "v1")
    first = wire.put_manifest(wire.image(b"a bill of materials", subject=subject))
    assert first.headers["OCI-Subject"] == subject["digest"]
    again = wire.put_manifest(wire.image(b"a bill of materials", subject=subject))
    assert again.headers["OCI-Subject"] == subject["digest"]
    assert "OCI-Subject" not in wire.put_manifest(wire.image(b"an app"), "v2").headers


def test_the_referrers_of_an_image(wire):
    subject = wire.push(wire.image(b"an app"), "v1")
    notes = {"org.example.made": "today"}
    sbom = push_referrer(wire, subject, b"parts", artifactType=SBOM, annotations=notes)
    old = push_referrer(wire, subject, b"an older artifact")  # without an artifactType, the type of its config counts
    index = wire.push({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [sbom], "subject": subject})
    push_referrer(wire, sbom, b"a signature of the bill of materials", artifactType=SIGNATURE)
    found, headers = referrers(wire, subject["digest"])
    assert found == [
        {**sbom, "artifactType": SBOM, "annotations": notes},
        {**old, "artifactType": "application/vnd.oci.image.config.v1+json"},
        index,
    ]
    assert "OCI-Filters-Applied" not in headers
    assert "Link" not in headers


def test_referrers_can_be_filtered_by_artifact_type(wire):
    subject = wire.push(wire.image(b"an app"), "v1")
    sbom = push_referrer(wire, subject, b"parts", artifactType=SBOM)
    push_referrer(wire, subject, b"a signature", artifactType=SIGNATURE)
    found, headers = referrers(wire, subject["digest"], f"?artifactType={SBOM.replace('+', '%2B')}")
    assert [each["digest"] for each in found] == [sbom["digest"]]
    assert headers["OCI-Filters-Applied"] == "artifactType"
    found, headers = referrers(wire, subject["digest"], "?artifactType=none/such")
    assert (found, headers["OCI-Filters-Applied"]) == ([], "artifactType")


def test_a_missing_image_has_no_referrers(wire):
    assert referrers(wire, digest_of(b"nothing"))[0] == []


def test_a_referrer_can_be_pushed_before_its_subject(wire):
    image = wire.image(b"an app")
    content = json.dumps(image).encode()
    sbom = push_referrer(wire, {"mediaType": OCI, "digest": digest_of(content), "size": len(content)}, b"parts")
    assert [each["digest"] for each in referrers(wire, digest_of(content))[0]] == [sbom["digest"]]
    wire.push(image, "v1")
    assert [each["digest"] for each in referrers(wire, digest_of(content))[0]] == [sbom["digest"]]


def test_a_deleted_referrer_is_not_listed(wire):
    subject = wire.push(wire.image(b"an app"), "v1")
    sbom = push_referrer(wire, subject, b"parts")
    assert wire.ask("DELETE", f"manifests/{sbom['digest']}").status_code == 202
    assert referrers(wire, subject["digest"])[0] == []


def test_referrers_of_an_invalid_digest_are_refused(wire):
    assert error(wire.ask("GET", "referrers/v1")) == (400, "DIGEST_INVALID")


def test_head_of_referrers(wire):
    answer = wire.ask("HEAD", f"referrers/{digest_of(b'nothing')}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == OCI_INDEX


def test_many_referrers_are_listed_in_pages(sandbox, wire):
    """2,000 of them are inserted as copies of the first row, because pushing them would take a minute."""
    subject = wire.push(wire.image(b"an app"), "v1")
    first = push_referrer(wire, subject, b"parts", artifactType=SBOM)
    with sqlite3.connect(sandbox.state / "state.db", timeout=30) as db:
        own = ("id", "digest", "manifest")
        names = ", ".join(row[1] for row in db.execute("PRAGMA table_info(images)") if row[1] not in own)
        copy = f"INSERT INTO images (digest, manifest, {names}) SELECT ?, ?, {names} FROM images WHERE digest = ?"
        [text] = db.execute("SELECT manifest FROM images WHERE digest = ?", (first["digest"],)).fetchone()
        texts = [text + " " * number for number in range(1, 2001)]
        db.executemany(copy, [(digest_of(each.encode()), each, first["digest"]) for each in texts])
    push_referrer(wire, subject, b"a signature", artifactType=SIGNATURE)
    for query, count in (("", 2002), (f"?artifactType={SBOM.replace('+', '%2B')}", 2001)):
        path, seen, pages = f"referrers/{subject['digest']}{query}", [], 0
        while path:
            answer = wire.ask("GET", path)
            seen += [each["digest"] for each in answer.json()["manifests"]]
            path, pages = answer.links.get("next", {}).get("url"), pages + 1
        assert (len(seen), len(set(seen)), pages) == (count, count, 3)


def test_listing_referrers_needs_the_permission_to_pull(sandbox, wire, person: Person):
    subject = wire.push(wire.image(b"an app"), "v1")
    push_referrer(wire, subject, b"parts")

    def status():
        [token] = person.client().get_authorization_token()["authorizationData"]
        client = Wire(sandbox.url, wire.repository, f"Basic {token['authorizationToken']}")
        return client.ask("GET", f"referrers/{subject['digest']}").status_code

    assert status() == 403
    person.may({"Action": ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"], "Resource": "*"})
    assert status() == 200
