"""Conversion of manifests between the OCI and Docker formats, which differ only in their media types."""

import json

import pytest

from ecr_sandbox.registry.conversion import convert
from tests.sandbox.wire import DOCKER, DOCKER_CONFIG, DOCKER_LAYER, OCI, OCI_CONFIG, OCI_INDEX, OCI_LAYER


def part(media_type, letter, **more):
    return {"mediaType": media_type, "digest": f"sha256:{letter * 64}", "size": 7, **more}


def manifest(media_type, config, *layers, **more):
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": list(layers), **more})


AS_OCI = manifest(OCI, part(OCI_CONFIG, "a"), part(OCI_LAYER, "b"), part(OCI_LAYER.removesuffix("+gzip"), "c"))
AS_DOCKER = manifest(
    DOCKER, part(DOCKER_CONFIG, "a"), part(DOCKER_LAYER, "b"), part(DOCKER_LAYER.removesuffix(".gzip"), "c")
)


@pytest.mark.parametrize(
    ("stored", "media_type", "expected", "expected_type"),
    [(AS_OCI, OCI, AS_DOCKER, DOCKER), (AS_DOCKER, DOCKER, AS_OCI, OCI)],
)
def test_oci_and_docker_manifests_are_converted_into_each_other(stored, media_type, expected, expected_type):
    converted = convert(stored, media_type, [expected_type])
    assert converted
    text, kind = converted
    assert kind == expected_type
    assert json.loads(text) == json.loads(expected)
    assert converted == convert(stored, media_type, {expected_type})  # the same bytes every time, so the same digest


def test_an_accepted_type_is_not_converted():
    assert convert(AS_OCI, OCI, [OCI]) is None
    assert convert(AS_OCI, OCI, [DOCKER, OCI]) is None
    assert convert(AS_OCI, OCI, []) is None  # no Accept header


def test_a_manifest_without_an_equivalent_is_not_converted():
    config, layer = part(OCI_CONFIG, "a"), part(OCI_LAYER, "b")
    zstd = part("application/vnd.oci.image.layer.v1.tar+zstd", "b")
    assert convert(manifest(OCI, config, zstd), OCI, [DOCKER]) is None
    assert convert(manifest(OCI, part("application/vnd.example.chart", "a"), layer), OCI, [DOCKER]) is None
    assert convert(manifest(OCI, config, layer, artifactType="application/vnd.example"), OCI, [DOCKER]) is None
    assert convert(manifest(OCI, config, layer, subject=part(OCI, "d")), OCI, [DOCKER]) is None
    assert convert('{"manifests": []}', OCI_INDEX, [DOCKER, OCI]) is None
    assert convert(AS_DOCKER, DOCKER, ["application/vnd.docker.distribution.manifest.v1+prettyjws"]) is None


def test_foreign_layers_keep_their_urls():
    urls = ["https://example.com/windows.tar.gz"]
    foreign = part("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "b", urls=urls)
    text, _ = convert(manifest(DOCKER, part(DOCKER_CONFIG, "a"), foreign), DOCKER, [OCI])
    [layer] = json.loads(text)["layers"]
    assert layer["urls"] == urls
    assert layer["mediaType"] == "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"


def test_annotations_are_removed_from_docker_manifests():
    annotated = manifest(
        OCI, part(OCI_CONFIG, "a"), part(OCI_LAYER, "b", annotations={"a": "b"}), annotations={"c": "d"}
    )
    text, _ = convert(annotated, OCI, [DOCKER])
    assert "annotations" not in text
