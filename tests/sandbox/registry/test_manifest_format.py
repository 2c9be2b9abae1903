"""Parsing manifests: what is accepted, and what is refused with which reason."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_sandbox.registry.errors import ManifestInvalid
from ecr_sandbox.registry.manifest_format import DOCKER, INDEXES, OCI, Manifest, digest_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["config", "layers", "manifests", "mediaType", "digest", "size", "x"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


def blob(letter, size=3, kind="application/vnd.oci.image.config.v1+json", **more):
    return {"mediaType": kind, "digest": f"sha256:{letter * 64}", "size": size, **more}


def text_of(**changed):
    """The text of an OCI manifest with *changed* fields; None leaves a field out."""
    content = {"schemaVersion": 2, "mediaType": OCI, "config": blob("a"), "layers": [blob("b", 5)], **changed}
    return json.dumps({name: value for name, value in content.items() if value is not None})


def reason(text, **more):
    """Why *text* is refused."""
    with pytest.raises(ManifestInvalid) as error:
        Manifest.parse(text, None, **more)
    return error.value.reason


def test_a_manifest_is_parsed_into_digest_blobs_and_type():
    layer = blob("b", 5)
    text = text_of(layers=[layer, layer])
    manifest = Manifest.parse(text, None)
    assert manifest.digest == digest_of(text.encode())
    assert manifest.blobs == ((f"sha256:{'a' * 64}", 3), (layer["digest"], 5))  # the same layer twice is stored once
    assert (manifest.media_type, manifest.artifact_type) == (OCI, layer["mediaType"])


def test_foreign_layers_are_not_required():
    base = blob("f", 9, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=["https://example.com/base"])
    manifest = Manifest.parse(text_of(mediaType=DOCKER, layers=[base]), None)
    assert manifest.blobs == ((f"sha256:{'a' * 64}", 3),)


@pytest.mark.parametrize("layers", ["[]", "null", None])
def test_an_image_without_layers_is_refused(layers):
    """https://github.com/werf/werf/pull/2558, https://github.com/moby/buildkit/pull/4331 (also as ``null``); an
    artifact, too: https://github.com/opencontainers/image-spec/issues/1025. Docker Hub accepts it, says the last."""
    content = text_of(layers=[] if layers == "[]" else None, artifactType="application/spdx+json")
    text = content.replace("{", '{"layers": null, ', 1) if layers == "null" else content
    assert reason(text) == "Image has to have at least 1 layer"
    assert Manifest.parse(text, None, as_ecr=False).blobs == ((f"sha256:{'a' * 64}", 3),)


INDEX = {"schemaVersion": 2, "mediaType": INDEXES[0]}
WRONG = {
    "a number that is not JSON": text_of(annotations={"a": float("nan")}),
    "infinity": text_of(annotations={"a": float("-inf")}),
    "a name twice": text_of().replace("{", '{"layers": [], ', 1),
    "half a character": text_of(annotations={"a": "\ud800"}),
    "no schemaVersion": text_of(schemaVersion=None),
    "another schemaVersion": text_of(schemaVersion=1),
    "schemaVersion as text": text_of(schemaVersion="2"),
    "schemaVersion as fraction": text_of(schemaVersion=2.0),
    "annotations as text": text_of(annotations="a"),
    "annotations as list": text_of(annotations=["a"]),
    "an annotation that is a number": text_of(annotations={"a": 1}),
    "an annotation that is null": text_of(annotations={"a": None}),
    "a config that is null": text_of().replace('"config": {', '"config": null, "x": {'),
    "no config": text_of(config=None),
    "a list as config": text_of(config=[blob("a")]),
    "an object as layers": text_of(layers={"0": blob("b")}),
    "a layer that is text": text_of(layers=["sha256:aa"]),
    "no size": text_of(layers=[{"mediaType": "a/b", "digest": blob("b")["digest"]}]),
    "a negative size": text_of(layers=[blob("b", -1)]),
    "a fractional size": text_of(layers=[blob("b", 1.5)]),
    "a whole number with a point as size": text_of(layers=[blob("b", 1.0)]),
    "a boolean as size": text_of(layers=[blob("b", True)]),
    "text as size": text_of(layers=[blob("b", "1")]),
    "a size of 2**63": text_of(layers=[blob("b", 2**63)]),
    "no media type of a layer": text_of(layers=[{"digest": blob("b")["digest"], "size": 1}]),
    # https://github.com/chainguard-dev/apko/issues/450 and public logs of it, "with mediaType [spdx+json]"
    "a media type without a slash": text_of(layers=[blob("b", 1, "spdx+json")]),
    # https://github.com/sigstore/sigstore-js/pull/1058
    "a media type with a parameter": text_of(layers=[blob("b", 1, "application/vnd.sigstore.bundle+json;version=0.2")]),
    "an artifact type with a parameter": text_of(artifactType="application/vnd.example+json;version=1"),
    "an artifact type that is a number": text_of(artifactType=1),
    "a digest that is none": text_of(layers=[blob("b", digest="b")]),
    "a short sha256": text_of(layers=[blob("b", digest="sha256:bb")]),
    "a sha256 in capitals": text_of(layers=[blob("B")]),
    "a digest that is a number": text_of(config=blob("a", digest=1)),
    "urls as text": text_of(layers=[blob("b", urls="https://example.com")]),
    "data that is not base64": text_of(config=blob("a", data="{}")),
    "a subject that is a digest": text_of(subject=blob("c")["digest"]),
    "a subject without size": text_of(subject={"mediaType": OCI, "digest": blob("c")["digest"]}),
    # The three that ECR's users reported:
    "annotations of the config": text_of(config=blob("a", annotations={"a": "b"})),
    "a platform of the subject": text_of(subject=blob("c", platform={"architecture": "amd64", "os": "linux"})),
    "features of a platform": json.dumps(
        {**INDEX, "manifests": [blob("c", 1, OCI, platform={"architecture": "a", "os": "b", "features": ["sse4"]})]}
    ),
    "an unknown field": text_of(history=[]),
    "no manifests": json.dumps(INDEX),
    "manifests that are null": json.dumps({**INDEX, "manifests": None}),
    "a child without media type": json.dumps({**INDEX, "manifests": [{"digest": blob("c")["digest"], "size": 1}]}),
    "a child that is text": json.dumps({**INDEX, "manifests": ["sha256:aa"]}),
    "a platform without os": json.dumps({**INDEX, "manifests": [blob("c", 1, OCI, platform={"architecture": "a"})]}),
    "os.features as text": json.dumps(
        {**INDEX, "manifests": [blob("c", 1, OCI, platform={"architecture": "a", "os": "b", "os.features": "c"})]}
    ),
    "no media type": text_of(mediaType=None),  # https://github.com/CircleCI-Public/aws-ecr-orb/issues/393
    # https://github.com/aws/aws-cli/issues/8620
    "another media type": text_of(mediaType="application/vnd.cncf.helm.config.v1+json"),
    "an index with layers": json.dumps({**INDEX, "manifests": [], "layers": []}),
}
BY_ECR_ONLY = (
    "annotations of the config", "a platform of the subject", "features of a platform", "an unknown field"
)  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_not_a_manifest_is_refused(what):
    """One sentence for all: https://github.com/aws/containers-roadmap/issues/2439,
    https://github.com/goharbor/acceleration-service/pull/353, https://github.com/dragonflyoss/nydus/issues/1691"""
    assert reason(WRONG[what]) == "Invalid JSON syntax"
    if what in BY_ECR_ONLY:  # OCI image-spec: "MUST NOT generate an error if they encounter an unknown property"
        Manifest.parse(WRONG[what], None, as_ecr=False)
    else:
        assert reason(WRONG[what], as_ecr=False) == "Invalid JSON syntax"


EMPTY = blob("4", 2, "application/vnd.oci.empty.v1+json", data="e30=")
CLIENTS = {
    "oras attach": {
        "artifactType": "application/vnd.example.report",
        "config": EMPTY,
        "layers": [blob("b", 5, "application/json", annotations={"org.opencontainers.image.title": "report.json"})],
        "subject": blob("c", 9, OCI),
        "annotations": {"org.opencontainers.image.created": "2026-11-29T00:00:00Z"},
    },
    "an artifact that is only its annotations": {"artifactType": "a/b", "config": EMPTY, "layers": [EMPTY]},
    "buildkit's provenance, oci-artifact=true": {
        "artifactType": "application/vnd.docker.attestation.manifest.v1+json",
        "config": EMPTY,
        "layers": [blob("b", 5, "application/vnd.in-toto+json", annotations={"in-toto.io/predicate-type": "https://x"})],
        "subject": blob("c", 9, OCI),
    },
    "buildkit's cache, image-manifest=true": {
        "config": blob("a", 5, "application/vnd.buildkit.cacheconfig.v0"),
        "layers": [blob("b", 5, "application/vnd.oci.image.layer.v1.tar+zstd", annotations={"buildkit/at": "x"})],
    },
    "cosign": {
        "layers": [
            blob("b", 5, "application/vnd.dev.cosign.simplesigning.v1+json", annotations={"cosign/signature": "x"})
        ]
    },
    "helm": {
        "config": blob("a", 5, "application/vnd.cncf.helm.config.v1+json"),
        "layers": [blob("b", 5, "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
        "annotations": {"org.opencontainers.image.title": "chart"},
    },
    "ko's bill of materials": {"layers": [blob("b", 5, "text/spdx+json")]},
    "docker": {
        "mediaType": DOCKER,
        "config": blob("a", 5, "application/vnd.docker.container.image.v1+json"),
        "layers": [blob("b", 5, "application/vnd.docker.image.rootfs.diff.tar.gzip")],
    },
}  # fmt: skip


@pytest.mark.parametrize("client", CLIENTS)
def test_what_clients_push_is_accepted(client):
    """As ECR accepts it. BuildKit's artifacts since March 2026:
    https://github.com/moby/buildkit/issues/5747, https://github.com/aws/containers-roadmap/issues/2783"""
    manifest = Manifest.parse(text_of(**CLIENTS[client]), None)
    assert manifest.subject == CLIENTS[client].get("subject", {}).get("digest")


@pytest.mark.parametrize("kind", INDEXES)
def test_what_clients_list_in_an_index_is_accepted(kind):
    windows = {"architecture": "amd64", "os": "windows", "os.version": "10.0.20348.4405", "os.features": ["win32k"]}
    unknown = {"architecture": "unknown", "os": "unknown"}
    children = [
        blob("a", 5, OCI, platform={"architecture": "arm", "os": "linux", "variant": "v7"}),
        blob("b", 5, DOCKER, platform=windows),
        blob("c", 5, OCI, platform=unknown, annotations={"vnd.docker.reference.type": "attestation-manifest"}),
        blob("d", 5, OCI, artifactType="application/vnd.example"),
    ]
    text = json.dumps({**INDEX, "mediaType": kind, "manifests": children, "annotations": {"a": "b"}})
    assert Manifest.parse(text, None).children == tuple(each["digest"] for each in children)
    assert Manifest.parse(json.dumps({**INDEX, "manifests": []}), None).children == ()


@given(JSON | st.text(max_size=40))
def test_any_input_is_a_manifest_or_invalid(content):
    text = content if isinstance(content, str) else json.dumps(content)
    try:
        manifest = Manifest.parse(text, None)
    except ManifestInvalid as error:
        assert error.reason
    else:
        assert manifest.digest == digest_of(text.encode())
