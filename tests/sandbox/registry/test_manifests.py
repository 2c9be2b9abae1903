"""Manifests over HTTP: what is stored, in which format it is returned, and what is refused."""

import json
import os

import pytest

from tests.sandbox.wire import DOCKER, DOCKER_LIST, OCI, OCI_CONFIG, OCI_INDEX, OCI_LAYER, Wire, digest_of, error

LIMIT = 4 * 2**20
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"


@pytest.fixture(scope="module")
def authorization(sandbox):
    return sandbox.basic()


@pytest.fixture
def wire(sandbox, repository, authorization):
    return Wire(sandbox.url, repository, authorization)


def listed(sandbox, wire):
    return sandbox.client().describe_images(repositoryName=wire.repository)["imageDetails"]


# --- formats --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "returned"),
    [
        (None, OCI),  # no Accept header: everything is accepted
        (OCI, OCI),
        (f"{DOCKER}, {OCI}", OCI),
        (DOCKER, DOCKER),
        (f"{DOCKER}, {DOCKER_LIST}", DOCKER),
        ("*/*", OCI),
        ("application/*", OCI),
        (f"{OCI};q=0, {DOCKER}", DOCKER),
        (f"{OCI};q=0.1, {DOCKER}", OCI),  # the stored type is accepted
        (SCHEMA_1, OCI),  # ECR does not convert OCI manifests to schema 1 either
        ("text/html", OCI),
    ],
)
def test_a_manifest_by_tag_has_a_type_that_the_client_accepts(wire, accept, returned):
    stored = wire.push(wire.image(b"a layer"), "v1")
    head, get = (wire.manifest("v1", method, Accept=accept) for method in ("HEAD", "GET"))
    assert get.json()["mediaType"] == returned
    assert (digest_of(get.content) == stored["digest"]) == (returned == OCI)
    assert head.content == b""
    assert head.headers["Docker-Content-Digest"] == digest_of(get.content)
    for answer in (head, get):
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == returned
        assert answer.headers["Content-Length"] == str(len(get.content))


def test_a_docker_manifest_is_converted_to_oci(wire):
    wire.push(wire.image(b"a layer", docker=True), "v1")
    answer = wire.manifest("v1", Accept=OCI)
    assert answer.headers["Content-Type"] == OCI
    assert answer.json()["config"]["mediaType"] == OCI_CONFIG
    assert [layer["mediaType"] for layer in answer.json()["layers"]] == [OCI_LAYER]


def test_a_manifest_by_digest_is_never_converted(wire):
    image = wire.image(b"a layer")
    stored = wire.push(image, "v1")
    for accept in (DOCKER, OCI, "text/html"):
        answer = wire.manifest(stored["digest"], Accept=accept)
        assert (answer.headers["Content-Type"], answer.json()) == (OCI, image)
        head = wire.manifest(stored["digest"], "HEAD", Accept=accept)
        assert head.headers["Docker-Content-Digest"] == stored["digest"]


def test_only_head_has_the_digest(wire):
    """https://github.com/ChangemakerStudios/Docker.Registry.DotNet/issues/34 (2025),
    https://github.com/aws/containers-roadmap/issues/1931 (open); the headers of both:
    https://github.com/oras-project/oras-go/pull/237"""
    digest = wire.push(wire.image(b"a layer"), "v1")["digest"]
    for reference in ("v1", digest):
        assert wire.manifest(reference, "HEAD").headers["Docker-Content-Digest"] == digest
        assert "Docker-Content-Digest" not in wire.manifest(reference).headers


def test_a_converted_manifest_is_not_an_image(sandbox, wire):
    stored = wire.push(wire.image(b"a layer"), "v1")
    other = wire.manifest("v1", "HEAD", Accept=DOCKER).headers["Docker-Content-Digest"]
    assert error(wire.manifest(other)) == (404, "MANIFEST_UNKNOWN")
    assert [each["imageDigest"] for each in listed(sandbox, wire)] == [stored["digest"]]


def test_an_image_pushed_by_docker_is_converted_with_the_same_layers(sandbox, wire, make_image):
    sandbox.run(f"docker push {make_image(f'{sandbox.registry}/{wire.repository}:v1')}")
    converted = wire.manifest("v1", Accept=OCI).json()
    assert converted["mediaType"] == OCI
    for part in [converted["config"], *converted["layers"]]:
        assert digest_of(wire.blob(part["digest"]).content) == part["digest"]


# --- indexes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("index_type", "docker"), [(OCI_INDEX, False), (DOCKER_LIST, True)])
def test_an_index_is_pushed_pulled_and_deleted_before_its_images(sandbox, wire, index_type, docker):
    images = [
        {**wire.push(wire.image(os.urandom(size), docker)), "platform": {"os": "linux", "architecture": architecture}}
        for architecture, size in (("amd64", 3000), ("arm64", 5000))
    ]
    index = {"schemaVersion": 2, "mediaType": index_type, "manifests": images}
    stored = wire.push(index, "v1")
    for accept in (index_type, DOCKER, None):
        answer = wire.manifest("v1", Accept=accept)
        assert (answer.json(), answer.headers["Content-Type"]) == (index, index_type)
        assert digest_of(answer.content) == stored["digest"]
    details = {each["imageDigest"]: each for each in listed(sandbox, wire)}
    assert details[stored["digest"]]["imageTags"] == ["v1"]
    sizes = [details[image["digest"]]["imageSizeInBytes"] for image in images]
    assert details[stored["digest"]]["imageSizeInBytes"] == max(sizes)

    refused = wire.ask("DELETE", f"manifests/{images[0]['digest']}")
    assert error(refused) == (405, "UNSUPPORTED")
    assert stored["digest"] in refused.text
    assert wire.ask("DELETE", f"manifests/{stored['digest']}").status_code == 202
    assert wire.ask("DELETE", f"manifests/{images[0]['digest']}").status_code == 202


def test_an_index_of_missing_images_is_refused(sandbox, wire):
    missing = {"mediaType": OCI, "digest": f"sha256:{'1' * 64}", "size": 7}
    answer = wire.put_manifest({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [missing]}, "v1")
    # https://github.com/int128/docker-manifest-create-action/pull/63
    assert error(answer) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert answer.json()["errors"][0]["message"] == (
        f"Images with digests '[{missing['digest']}]' required for pushing image into repository with name "
        f"'{wire.repository}' in the registry with id '123456789012' do not exist"
    )
    assert not listed(sandbox, wire)


def test_an_index_of_layers_is_refused(sandbox, wire):
    """BuildKit stores its cache this way, unless the option ``image-manifest=true`` is set."""
    layer = {**wire.push_blob(b"a layer"), "mediaType": OCI_LAYER}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [layer]}
    answer = wire.put_manifest(index, "cache")
    assert error(answer) == (400, "MANIFEST_INVALID")
    assert OCI_LAYER in answer.text
    ecr, text = sandbox.client(), json.dumps(index)
    with pytest.raises(ecr.exceptions.InvalidParameterException, match="an index lists images"):
        ecr.put_image(repositoryName=wire.repository, imageManifest=text)
    assert not listed(sandbox, wire)


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "media_type"),
    [
        (DOCKER, OCI),
        (OCI_INDEX, OCI),
        ("application/json", OCI),
        ("text/plain", None),
        (SCHEMA_1, None),
        (None, None),
        (None, "application/vnd.example+json"),
    ],
)
def test_a_manifest_with_a_wrong_media_type_is_refused(sandbox, wire, content_type, media_type):
    image = wire.image(b"a layer")
    del image["mediaType"]
    if media_type:
        image["mediaType"] = media_type
    answer = wire.put_manifest(json.dumps(image).encode(), "v1", Content_Type=content_type)
    assert error(answer) == (405, "UNSUPPORTED")
    assert not listed(sandbox, wire)


@pytest.mark.parametrize(
    ("content_type", "media_type"), [(OCI, None), (None, OCI), (f"{OCI}; charset=utf-8", OCI), (DOCKER, None)]
)
def test_one_declaration_of_the_media_type_is_enough(sandbox, wire, content_type, media_type):
    image = {**wire.image(b"a layer"), "mediaType": media_type}
    if media_type is None:
        del image["mediaType"]
    assert wire.put_manifest(json.dumps(image).encode(), "v1", Content_Type=content_type).status_code == 201
    assert [each["imageManifestMediaType"] for each in listed(sandbox, wire)] == [
        (content_type or media_type).partition(";")[0]
    ]


def test_an_image_without_layers_is_refused(sandbox, wire):
    """https://github.com/werf/werf/pull/2558, https://github.com/moby/buildkit/pull/4331"""
    answer = wire.put_manifest({**wire.image(b"a layer"), "layers": []}, "v1")
    assert error(answer) == (405, "UNSUPPORTED")
    assert answer.json()["errors"][0]["message"] == (
        "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Image has to have at least 1 layer'"
    )


def test_a_manifest_with_layers_and_manifests_is_refused(sandbox, wire):
    both = {**wire.image(b"a layer"), "manifests": []}
    for kind in (OCI, OCI_INDEX):
        assert error(wire.put_manifest({**both, "mediaType": kind}, "v1")) == (405, "UNSUPPORTED")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b'{"schemaVersion": 1, "fsLayers": [], "history": []}',
        b'{"config": {}, "layers": []}',
        b'{"config": {"digest": 1, "size": 1}, "layers": []}',
        b'{"config": {"digest": "sha256:0", "size": -1}, "layers": []}',
        b'{"config": {"digest": "sha256:0", "size": "7"}, "layers": 7}',
        b"[" * 100_000,
    ],
)
def test_content_that_is_not_a_manifest_is_refused(sandbox, wire, content):
    """test_manifest_format.py has more; the sentence: https://github.com/chainguard-dev/apko/issues/450"""
    answer = wire.put_manifest(content, "v1")
    assert error(answer) == (405, "UNSUPPORTED")
    assert answer.json()["errors"][0]["message"] == (
        "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'"
    )
    assert not listed(sandbox, wire)


def test_a_manifest_of_more_than_four_mebibytes_is_refused(sandbox, wire):
    image = wire.image(b"a layer")
    image["annotations"] = {"a": "x" * (LIMIT - len(json.dumps({**image, "annotations": {"a": ""}})))}
    content = json.dumps(image).encode()
    assert len(content) == LIMIT
    assert error(wire.put_manifest(content + b" ", "v1")) == (413, "SIZE_INVALID")
    streamed = wire.ask("PUT", "manifests/v1", iter([content, b" "]), Content_Type=OCI)
    assert error(streamed) == (413, "SIZE_INVALID")
    assert wire.put_manifest(content, "v1").status_code == 201
    assert wire.manifest("v1").content == content


def constraint(field, pattern):
    return f"Invalid parameter at '{field}' failed to satisfy constraint: 'must satisfy regular expression '{pattern}''"


@pytest.mark.parametrize("tag", ["1.0+x", "v%201", "%C3%A9", "a,b"])
def test_an_invalid_tag_is_refused(sandbox, wire, tag):
    """HEAD: https://github.com/bazel-contrib/rules_oci/issues/720 and 721. PUT:
    https://github.com/google/go-containerregistry/issues/704; the pattern today:
    https://github.com/alexjurkiewicz/ecr-scan-image/issues/40 (2023)"""
    answer = wire.put_manifest(wire.image(b"a layer"), tag)
    assert error(answer) == (405, "UNSUPPORTED")
    assert answer.json()["errors"][0]["message"] == constraint("imageTag", "[a-zA-Z0-9-_.]+")
    assert wire.manifest(tag, "HEAD").status_code == 400
    assert error(wire.manifest(tag)) == error(wire.ask("DELETE", f"manifests/{tag}")) == (400, "TAG_INVALID")
    assert not listed(sandbox, wire)


def test_a_tag_of_more_than_300_characters_is_refused(wire):
    """API reference, ImageIdentifier; the form of the sentence: https://github.com/aws/aws-dotnet-deploy/issues/549"""
    answer = wire.put_manifest(wire.image(b"a layer"), "a" * 301)
    assert error(answer) == (405, "UNSUPPORTED")
    assert answer.json()["errors"][0]["message"].endswith("'must have length less than or equal to 300'")
    assert wire.manifest("a" * 301, "HEAD").status_code == 400


@pytest.mark.parametrize("tag", ["a" * 128, "_v1", "V1", "1", "v1.2-3_4", "-v1", ".v1", "a" * 300])
def test_a_valid_tag_is_accepted(wire, tag):
    """The pattern and the length of the API; docker's own rule is stricter."""
    wire.push(wire.image(b"a layer"), tag)
    assert wire.manifest(tag).status_code == 200


@pytest.mark.parametrize("digest", ["sha256:xyz", "sha256:", ":", "a:v1", "sha%20256:00"])
def test_an_invalid_digest_is_refused(wire, digest):
    answer = wire.put_manifest(wire.image(b"a layer"), digest)
    assert error(answer) == (405, "UNSUPPORTED")
    assert answer.json()["errors"][0]["message"] == constraint("imageDigest", "[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+")
    assert wire.manifest(digest, "HEAD").status_code == 400
    for answer in (wire.manifest(digest), wire.ask("DELETE", f"manifests/{digest}")):
        assert error(answer) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize("digest", ["sha256:abc", "sha256:" + "A" * 64, "sha512:" + "0" * 128, "a:b"])
def test_a_digest_of_another_algorithm_or_length_is_not_found(wire, digest):
    """ECR's pattern allows it; no image has it."""
    for answer in (wire.manifest(digest), wire.ask("DELETE", f"manifests/{digest}")):
        assert error(answer) == (404, "MANIFEST_UNKNOWN")
    assert wire.put_manifest(wire.image(b"a layer"), digest).status_code == 400


def test_a_manifest_with_a_wrong_digest_is_refused(sandbox, wire):
    """Code and sentence: https://github.com/google/go-containerregistry/issues/1568."""
    digest = digest_of(b"another")
    answer = wire.put_manifest(wire.image(b"a layer"), digest)
    assert error(answer) == (400, "MANIFEST_INVALID")
    assert answer.json()["errors"][0]["message"] == (
        f"The image with digest '{digest}' in repository '{wire.repository}' and registry ID '123456789012' does not "
        "match the image digest that Amazon ECR has calculated."
    )
    assert not listed(sandbox, wire)


def test_an_image_has_up_to_500_layers(sandbox, wire):
    """Status, code and sentence: https://github.com/openai/tart/issues/890.

    The number, which AWS does not document: https://github.com/nuonco/nuon/pull/2348.
    """
    image = wire.image(b"a layer")
    most = {**image, "layers": image["layers"] * 500}
    wire.push(most, "most")
    answer = wire.put_manifest({**image, "layers": image["layers"] * 501}, "more")
    assert error(answer) == (405, "UNSUPPORTED")
    assert answer.json()["errors"][0]["message"] == (
        "Invalid parameter at 'ImageManifest' failed to satisfy constraint: "
        "'Limit on number of layers per image exceeded'"
    )
    assert [each["imageTags"] for each in listed(sandbox, wire)] == [["most"]]


# --- deleting -------------------------------------------------------------------------------------------------------


def test_deleting_the_last_tag_deletes_the_image(sandbox, wire):
    image = wire.image(b"a layer")
    digest = wire.push(image, "v1")["digest"]
    wire.push(image, "v2")
    assert wire.ask("DELETE", "manifests/v1").status_code == 202
    assert error(wire.manifest("v1")) == (404, "MANIFEST_UNKNOWN")
    assert wire.manifest(digest).status_code == 200
    assert wire.ask("DELETE", "manifests/v2").status_code == 202
    assert error(wire.manifest(digest)) == (404, "MANIFEST_UNKNOWN")


def test_deleting_an_image_deletes_its_tags(sandbox, wire):
    image = wire.image(b"a layer")
    digest = wire.push(image, "v1")["digest"]
    wire.push(image, "v2")
    assert wire.ask("DELETE", f"manifests/{digest}").status_code == 202
    assert error(wire.ask("DELETE", f"manifests/{digest}")) == (404, "MANIFEST_UNKNOWN")
    assert not listed(sandbox, wire)
    assert wire.ask("GET", "tags/list").json()["tags"] == []


def test_a_layer_cannot_be_deleted(wire):
    """ECR has no such operation. A layer is deleted with the last image that uses it."""
    image = wire.image(b"a layer")
    path = f"blobs/{image['layers'][0]['digest']}"
    assert error(wire.ask("DELETE", path)) == (405, "UNSUPPORTED")
    assert wire.ask("HEAD", path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "manifests/v1"), ("PATCH", "tags/list"), ("PUT", "referrers/sha256:0")]
)
def test_an_unsupported_method_is_refused(wire, method, path):
    assert error(wire.ask(method, path, b"")) == (405, "UNSUPPORTED")


@pytest.mark.parametrize(
    "path", ["/v2/_catalog/", "/v2/a", "/v2//", "/v2/a/tags", "/v2/a/blobs/", "/v2/a/manifests/b/c"]
)
def test_an_unknown_path_is_not_found(wire, path):
    answer = wire.ask("GET", path)
    assert (answer.status_code, answer.text) == (404, "404 page not found\n")


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_version_check(wire, path):
    for method in ("GET", "HEAD"):
        answer = wire.ask(method, path)
        assert answer.status_code == 200
        assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"
