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


def tags(wire, path="tags/list"):
    answer = wire.ask("GET", path)
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == wire.repository
    return answer.json()["tags"], answer.links.get("next", {}).get("url")


# --- tags -----------------------------------------------------------------------------------------------------------


def test_tags_are_those_of_list_images_in_its_order(sandbox, tagged):
    for number in range(3):
        tagged.push(tagged.image(b"a layer of image %d" % number), f"image-{9 - number}")
    tagged.push(tagged.image(b"a layer without a tag"))
    ids = sandbox.client().list_images(repositoryName=tagged.repository, filter={"tagStatus": "TAGGED"})["imageIds"]
    assert tags(tagged) == ([each["imageTag"] for each in ids], None)
    assert tags(tagged)[0] == [*TAGS, "image-9", "image-8", "image-7"]


def test_the_answer_is_formatted_as_ecrs(tagged):
    """https://github.com/deitch/docker_registry2/issues/34"""
    answer = tagged.ask("GET", "tags/list")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith('{\n    "name": "')


def test_an_empty_repository_has_no_tags(wire):
    assert tags(wire) == ([], None)


@pytest.mark.parametrize("size", [1, 2, 4, 9, 1000])
def test_tags_are_listed_in_pages(sandbox, tagged, size):
    """The link is absolute, and ``last`` is no name: https://github.com/deitch/docker_registry2/issues/34"""
    seen, link = tags(tagged, f"tags/list?n={size}")
    pages = 1
    while link:
        assert link.startswith(f"{sandbox.url}/v2/{tagged.repository}/tags/list?n={size}&last=")
        more, link = tags(tagged, link)
        assert more
        seen, pages = seen + more, pages + 1
    assert seen == TAGS
    assert pages == -(-len(TAGS) // size)


def test_a_page_has_100_tags(wire):
    """https://github.com/genuinetools/reg/issues/206, https://github.com/docker-archive/migrator/issues/96"""
    image = wire.image(b"a layer")
    for number in range(101):
        wire.push(image, f"t{number:03}")
    shown, link = tags(wire)
    assert len(shown) == 100
    assert tags(wire, link) == (["t100"], None)


@pytest.mark.parametrize(
    ("size", "limit"),
    [
        ("10000", "less than or equal to 1000"),
        ("1001", "less than or equal to 1000"),
        ("0", "greater than or equal to 1"),
        ("-1", "greater than or equal to 1"),
    ],
)
@pytest.mark.parametrize("path", ["tags/list", "/v2/_catalog"])
def test_a_page_size_outside_the_apis_limits_is_refused(tagged, path, size, limit):
    """https://github.com/google/go-containerregistry/issues/681, https://github.com/renovatebot/renovate/issues/3800;
    of the catalog: https://github.com/google/go-containerregistry/issues/1091"""
    answer = tagged.ask("GET", f"{path}?n={size}")
    assert error(answer) == (405, "UNSUPPORTED")
    assert answer.json()["errors"][0]["message"] == (
        f"Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value {limit}'"
    )


@pytest.mark.parametrize("size", ["x", "", "1.5", "9" * 16, "%d9%a3", " 1", "--1"])
@pytest.mark.parametrize("path", ["tags/list", "/v2/_catalog"])
def test_an_invalid_page_size_is_refused(tagged, path, size):
    assert error(tagged.ask("GET", f"{path}?n={size}")) == (400, "PAGINATION_NUMBER_INVALID")


def test_last_is_not_a_name(tagged):
    """https://github.com/OctopusDeploy/Issues/issues/6495: 405 with a name as ``last``."""
    of_another_list = tagged.ask("GET", "tags/list?n=1").links["next"]["url"].partition("last=")[2]
    for path in ("tags/list?last=V", "tags/list?last=", f"/v2/_catalog?last={tagged.repository}"):
        answer = tagged.ask("GET", path)
        assert error(answer) == (405, "UNSUPPORTED")
        assert "'nextToken'" in answer.text
    assert error(tagged.ask("GET", f"/v2/_catalog?last={of_another_list}")) == (405, "UNSUPPORTED")


def test_head_of_tags(tagged):
    answer = tagged.ask("HEAD", "tags/list?n=1")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "Link" in answer.headers


# --- repositories ---------------------------------------------------------------------------------------------------


def catalog(wire, path="/v2/_catalog"):
    answer = wire.ask("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()["repositories"], answer.links.get("next", {}).get("url")


def test_the_catalog_lists_the_repositories_in_pages(sandbox, wire):
    """https://github.com/gardener/cc-utils/pull/1722: ECR has it, with links to further pages."""
    for name in ("a", "b/c"):
        sandbox.client().create_repository(repositoryName=f"{wire.repository}/{name}")
    pages = sandbox.client().get_paginator("describe_repositories").paginate()
    names = [each["repositoryName"] for page in pages for each in page["repositories"]]
    assert {wire.repository, f"{wire.repository}/a", f"{wire.repository}/b/c"} <= set(names)
    seen, link = catalog(wire, "/v2/_catalog?n=2")
    while link:
        assert link.startswith(f"{sandbox.url}/v2/_catalog?n=2&last=")
        more, link = catalog(wire, link)
        seen += more
    assert seen == names
    assert wire.ask("HEAD", "/v2/_catalog").content == b""
    assert error(wire.ask("POST", "/v2/_catalog", b"")) == (405, "UNSUPPORTED")


def test_the_catalog_needs_the_permission_to_describe_repositories(sandbox, wire, person: Person):
    """On all repositories, as a call of DescribeRepositories without names."""

    def ask():
        [token] = person.client().get_authorization_token()["authorizationData"]
        return Wire(sandbox.url, "", f"Basic {token['authorizationToken']}").ask("GET", "/v2/_catalog")

    refused = ask()
    assert error(refused) == (403, "DENIED")
    assert "is not authorized to perform: ecr:DescribeRepositories on resource: arn:aws:ecr:" in refused.text
    person.may({"Action": ["ecr:GetAuthorizationToken", "ecr:DescribeRepositories"], "Resource": "*"})
    assert ask().status_code == 200
    assert Wire(sandbox.url, "").ask("GET", "/v2/_catalog").status_code == 401


def test_each_region_has_its_own_catalog(sandbox, wire):
    far = sandbox.client(region="eu-north-1")
    far.create_repository(repositoryName="only-there")
    [token] = far.get_authorization_token()["authorizationData"]
    there = Wire(token["proxyEndpoint"], "", f"Basic {token['authorizationToken']}")
    assert catalog(there) == (["only-there"], None)
    assert "only-there" not in catalog(wire, "/v2/_catalog?n=1000")[0]


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
